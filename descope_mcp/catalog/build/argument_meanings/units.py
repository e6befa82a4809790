"""Which arguments are points in time and in which unit, from ``moments.yaml``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from descope_mcp.catalog.arguments.timestamps import Unit
from descope_mcp.catalog.build.yaml_source import line_of, read_yaml

_KINDS = (*get_args(Unit), "duration", "kept", "other")
_SCALARS = ("string", "integer", "number")
#: One word of a name like ``refreshTokenExpiration`` or ``requested_expiry``.
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_TIMELY = frozenset(
    {"time", "date", "timestamp", "expire", "expires", "expiry", "expiration", "since", "until"}
    | {"created", "modified", "occurred", "timeout", "ttl", "exp", "iat", "nbf"}
)
#: Bounds of a search: names of times by themselves, and not as words of other names.
_BOUNDS = frozenset({"from", "to"})


class ArgumentUnits:
    """What ``moments.yaml`` says; collects what it says of nothing."""

    def __init__(self, path: Path, times: Collection[str]) -> None:
        """Read the file; `times` are the fields of answers that are times."""
        self._path = path
        data = read_yaml(path)
        self._names: Mapping[str, str] = data["names"]
        self._operations: Mapping[str, Mapping[str, str]] = data["operations"]
        self._times = frozenset(times)
        self._met: set[tuple[str, ...]] = set()

    def of(self, operation: str, schema: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
        """The unit of every argument that is a moment, by its path, and what is not listed."""
        units: dict[str, str] = {}
        problems: list[str] = []
        own = self._operations.get(operation, {})
        for path, name in _scalars(schema, ""):
            if path in own:
                self._met.add(("operations", operation, path))
            if name in self._names:
                self._met.add(("names", name))
            kind = own.get(path) or self._names.get(name)
            if kind is None and self._sounds_like_a_time(name):
                problems.append(f"{self._path.name}: {operation}: say what {path} holds")
            elif kind in get_args(Unit):
                units[path] = str(kind)
        return units, problems

    def surplus(self) -> Iterator[str]:
        """What the file says of arguments that do not exist, or in words that mean nothing."""
        said: dict[tuple[str, ...], str] = {("names", n): kind for n, kind in self._names.items()}
        for operation, paths in self._operations.items():
            said |= {("operations", operation, path): kind for path, kind in paths.items()}
        for keys, kind in said.items():
            where = line_of(self._path, keys)
            if kind not in _KINDS:
                yield f"{where}: {keys[-1]}: {kind} is none of {', '.join(_KINDS)}"
            if keys not in self._met:
                yield f"{where}: there is no argument {' '.join(keys[1:])}"

    def _sounds_like_a_time(self, name: str) -> bool:
        words = {word.lower() for word in _WORD.findall(name)}
        return name in self._times or name in _BOUNDS or bool(words & _TIMELY)


def _scalars(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Every argument that is one value or a list of them: its path, and the last name in it."""
    for name, value in schema.get("properties", {}).items():
        inner, here = value, f"{path}.{name}" if path else name
        while inner.get("type") == "array":
            inner, here = inner["items"], f"{here}[]"
        kinds = {choice.get("type") for choice in inner.get("anyOf", [inner])}
        if kinds & set(_SCALARS):
            yield here, name.rpartition(".")[2]
        yield from _scalars(inner, here)

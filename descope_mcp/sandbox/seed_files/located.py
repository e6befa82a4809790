"""YAML of a seed file as values, and the line of everything in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import yaml

from descope_mcp.configuration.documents import check_yaml
from descope_mcp.sandbox.seed_files.errors import SeedError
from descope_mcp.sandbox.seed_files.fresh_secrets import LONGEST, TAG, Fresh

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Deeper than any record, and more values than any organisation has: aliases say much in little.
_DEEPEST = 64
_MOST = 5_000_000


class Located:
    """What a file holds.

    Attributes:
        name: of the file, as it was given.
        content: its value.

    Raises:
        SeedError: it is no YAML, or has something in it that no seed has.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        try:
            check_yaml(text)
            root = yaml.compose(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise SeedError(f"{name}:{line}: this is not YAML: {error.problem}") from None
        except yaml.YAMLError as error:
            raise SeedError(f"{name}: this is not YAML: {error}") from None
        except ValueError as error:
            raise SeedError(f"{name}: {error}") from None
        if root is None:
            raise SeedError(f"{name}: is empty; `descope-mcp sandbox export` writes one")
        self._root: yaml.Node = root
        self._scalars, self._read = yaml.SafeLoader(""), 0
        self.content = self._value(root, _DEEPEST)

    def error(self, path: Sequence[Any], problem: str) -> SeedError:
        """The error for what is wrong at `path`."""
        return SeedError(f"{self.name}:{self.line(path)}: {problem}")

    def line(self, path: Sequence[Any]) -> int:
        """The line of the entry that `path` leads to, or of the last one on it that exists."""
        node = self._root
        line = node.start_mark.line
        for key in path:
            found = None
            if isinstance(node, yaml.MappingNode):
                found = next(((k, v) for k, v in node.value if k.value == str(key)), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
                found = (node.value[key],) * 2 if key < len(node.value) else None
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
        return int(line) + 1

    def _value(self, node: yaml.Node, room: int) -> Any:
        self._read += 1
        if not room or self._read > _MOST:
            raise self._at(node, "lies too deep, holds itself, or is too much")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, room)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, room - 1) for item in node.value]
        try:
            value = self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            problem = getattr(error, "problem", None) or str(error)
            raise self._at(node, problem) from None
        if isinstance(value, float) and not math.isfinite(value):
            raise self._at(node, "is not a number of JSON")
        if not isinstance(value, str | int | float | bool | None):
            raise self._at(
                node, f"{type(value).__name__} is not a value of JSON; write it in quotes"
            )
        return value

    def _mapping(self, node: yaml.MappingNode, room: int) -> Any:
        value: dict[str, Any] = {}
        for key, item in node.value:
            name = key.value
            if not isinstance(name, str):
                raise self._at(key, "a name is expected before the colon")
            if name in value:
                raise self._at(key, f"{name} occurs twice")
            value[name] = self._value(item, room - 1)
        if node.tag != TAG:
            return value
        length, prefix, letters = (value.get(n) for n in ("length", "prefix", "letters"))
        known = letters in (None, "base32") and not value.keys() - set(Fresh.__slots__)
        if known and isinstance(length, int) and 0 < length <= LONGEST:
            return Fresh(length, str(prefix or ""), letters or "")
        form = f"{TAG} takes length (1 to {LONGEST}), prefix and letters (base32)"
        raise self._at(node, form)

    def _at(self, node: yaml.Node, problem: str) -> SeedError:
        return SeedError(f"{self.name}:{node.start_mark.line + 1}: {problem}")

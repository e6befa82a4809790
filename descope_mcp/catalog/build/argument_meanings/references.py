"""Which arguments name objects of which kind: ``tool_specs/references.yaml``.

A kind says which read lists its objects, where in the answer, and which operations are on them. An
argument that ends like the name of an object (an id, names of roles) refers to a field of a kind
or is excused. Where an operation on one kind takes a reference to another, the first uses the
second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from descope_mcp.catalog.arguments.argument_paths import Argument, ends, every
from descope_mcp.catalog.build.openapi import Contract
from descope_mcp.catalog.build.yaml_source import line_of, read_model
from descope_mcp.catalog.frozen_model import Frozen
from descope_mcp.catalog.operation_record.record import Record
from descope_mcp.catalog.schemas import input_schema


class Kind(Frozen):
    """A kind of object: the read that lists it, the place in its answer, the operations on it."""

    listed_by: str
    at: str
    operations: tuple[str, ...]


class Reference(NamedTuple):
    """The end of a path that says what its arguments refer to, and that: ``Tenant.id``."""

    end: str
    to: str

    @property
    def kind(self) -> str:
        """The kind of object."""
        return self.to.partition(".")[0]


class _Scope(Frozen):
    refers_to: dict[str, str] = Field(default_factory=dict)
    excused: dict[str, str] = Field(default_factory=dict)


class _File(_Scope):
    kinds: dict[str, Kind]
    watch: tuple[str, ...]
    toolsets: dict[str, _Scope] = Field(default_factory=dict)
    operations: dict[str, _Scope] = Field(default_factory=dict)


class References:
    """What the file says; collects what it says of nothing."""

    def __init__(self, path: Path, spec: Contract) -> None:
        """Read the file, and check its kinds against the contract.

        Raises:
            SpecError: a key is unknown.
        """
        self._path = path
        self._file = read_model(path, _File)
        self._spec = spec
        self._met: set[tuple[str, ...]] = set()

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The kinds by name."""
        return self._file.kinds

    def of(
        self, operation: str, toolset: str, schema: Mapping[str, Any]
    ) -> tuple[dict[str, Reference], list[str]]:
        """What an operation's arguments refer to, by path, and those of which nothing is said."""
        found: dict[str, Reference] = {}
        problems: list[str] = []
        for argument in every(schema["properties"]):
            if argument.fields:
                continue
            said = self._find(operation, toolset, argument)
            if said and said.to:
                found[argument.path] = said
            elif said is None and self._watched(argument):
                problems.append(
                    f"{argument.path} looks like a reference; say in references.yaml to what"
                )
        return found, problems

    def on(self, operation: str) -> str:
        """The kind of the objects that an operation is on; "" if it is on none that is listed."""
        kinds = (name for name, kind in self._file.kinds.items() if operation in kind.operations)
        return next(kinds, "")

    def used_by(
        self, kind: str, referring: Mapping[str, Mapping[str, Reference]]
    ) -> dict[str, list[str]]:
        """The kinds with fields that refer to a kind, by the operations that change them.

        Args:
            kind: that is referred to.
            referring: of every operation that changes something what its arguments refer to.
        """
        users: dict[str, list[str]] = {}
        for other, entry in self._file.kinds.items():
            if other == kind:
                continue
            fields = (
                one.end.removeprefix(".")
                for name in entry.operations
                for one in referring.get(name, {}).values()
                if one.kind == kind
            )
            if names := list(dict.fromkeys(fields)):
                users[other] = names
        return users

    def problems(self, records: Mapping[str, Record]) -> Iterator[str]:
        """What the file says of kinds, fields, operations and arguments that do not exist."""
        endpoints = {e.name: e for e in self._spec.endpoints.values()}
        for name, kind in self._file.kinds.items():
            for operation in (kind.listed_by, *kind.operations):
                if operation not in records:
                    yield f"{self._line('kinds', name)}: there is no operation {operation}"
        for keys, target in self._targets():
            where = self._line(*keys)
            name, _, field = target.partition(".")
            known = self._file.kinds.get(name)
            if known is None:
                yield f"{where}: there is no kind {name}"
            elif known.listed_by in endpoints:
                answer = self._spec.answer(endpoints[known.listed_by])
                place = f"{known.at}.{field}" if known.at else field
                if not field or input_schema.lookup(answer, place) is None:
                    yield f"{where}: the answer of {known.listed_by} has no {place}"
            if keys not in self._met:
                yield f"{where}: there is no argument {keys[-1]}"
        for keys in self._excuses():
            if keys not in self._met:
                yield f"{self._line(*keys)}: there is no argument {keys[-1]}"

    def _scopes(self) -> Iterator[tuple[tuple[str, ...], _Scope]]:
        yield (), self._file
        yield from ((("toolsets", name), one) for name, one in self._file.toolsets.items())
        yield from ((("operations", name), one) for name, one in self._file.operations.items())

    def _targets(self) -> Iterator[tuple[tuple[str, ...], str]]:
        for above, scope in self._scopes():
            yield from (((*above, "refers_to", end), to) for end, to in scope.refers_to.items())

    def _excuses(self) -> Iterator[tuple[str, ...]]:
        for above, scope in self._scopes():
            yield from ((*above, "excused", end) for end in scope.excused)

    def _find(self, operation: str, toolset: str, argument: Argument) -> Reference | None:
        """What an argument refers to, to "" if it is excused; None if nothing is said."""
        scopes: list[tuple[tuple[str, ...], _Scope | None]] = [
            (("operations", operation), self._file.operations.get(operation)),
            (("toolsets", toolset), self._file.toolsets.get(toolset)),
            ((), self._file),
        ]
        for above, scope in scopes:
            for end in ends(argument.names) if scope else ():
                for sort in ("refers_to", "excused"):
                    said = getattr(scope, sort)
                    if end in said:
                        self._met.add((*above, sort, end))
                        return Reference(end, said[end] if sort == "refers_to" else "")
        return None

    def _watched(self, argument: Argument) -> bool:
        kind = argument.schema.get("type")
        return kind == "string" and any(
            fnmatchcase(argument.names[-1], pattern) for pattern in self._file.watch
        )

    def _line(self, *keys: str) -> str:
        return line_of(self._path, keys)

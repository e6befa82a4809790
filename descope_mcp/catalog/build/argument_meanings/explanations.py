"""What there is to say of every operation's arguments: notes and references, put together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from descope_mcp.catalog.build.argument_meanings.notes import ArgumentNotes
from descope_mcp.catalog.build.argument_meanings.references import Reference, References
from descope_mcp.catalog.build.openapi import Contract
from descope_mcp.catalog.operation_record.record import Record


class Explanations:
    """Gathers the explanation of one operation after the other."""

    def __init__(self, specs: Path, spec: Contract) -> None:
        """Read the files on arguments and references below `specs`."""
        self._notes = ArgumentNotes(specs / "arguments")
        self._references = References(specs / "references.yaml", spec)
        self._said: dict[str, dict[str, Any]] = {}
        self._refers_to: dict[str, dict[str, Reference]] = {}

    def add(self, name: str, toolset: str, schema: Mapping[str, Any]) -> list[str]:
        """Explain an operation's arguments; comes back with those of which too little is said."""
        refers_to, unreferred = self._references.of(name, toolset, schema)
        notes, unknown, unsaid = self._notes.of(name, toolset, schema, refers_to)
        self._said[name] = {
            "notes": notes,
            "unknown": unknown,
            "required": self._notes.marked("required", toolset, schema),
            "folded": self._notes.marked("folded", toolset, schema),
        }
        self._refers_to[name] = refers_to
        return [*unsaid, *unreferred]

    def surplus(self, records: Mapping[str, Record]) -> Iterator[str]:
        """What the files say of arguments, operations and objects that do not exist."""
        yield from self._notes.surplus()
        yield from self._references.problems(records)

    def compiled(self, records: Mapping[str, Record]) -> dict[str, str]:
        """The ``Explanation`` of every operation as JSON, with both sides of the references."""
        kinds = self._references.kinds
        changing = self._changing(records)
        texts = {}
        for name, said in self._said.items():
            refers_to = self._refers_to[name]
            on = self._references.on(name)
            users = self._references.used_by(on, changing) if on else {}
            named = {to.kind for to in refers_to.values()} | {*users}
            whole = {
                **said,
                "refers_to": {path: to.to for path, to in refers_to.items()},
                "used_by": users,
                "reads": {k: entry.listed_by for k, entry in kinds.items() if k in named},
            }
            filled = {key: value for key, value in whole.items() if value}
            texts[name] = json.dumps(filled, separators=(",", ":"))
        return texts

    def next_reads(self, records: Mapping[str, Record]) -> dict[str, list[str]]:
        """After the read of one object: those of what refers to it, then of what it refers to."""
        changing = self._changing(records)
        found = {}
        for name, refers_to in self._refers_to.items():
            on = self._references.on(name)
            record = records[name]
            needed = {*record.required, *(n for group in record.one_of for n in group)}
            one = any(path in needed and to.kind == on for path, to in refers_to.items())
            if one and record.worst_effect == "read":
                found[name] = self._reads_around(on, changing)
        return found

    def _reads_around(self, kind: str, changing: dict[str, dict[str, Reference]]) -> list[str]:
        """The reads of the kinds that refer to a kind, and of those that it refers to."""
        kinds = self._references.kinds
        own = (to for name in kinds[kind].operations for to in changing.get(name, {}).values())
        others = [*self._references.used_by(kind, changing), *(to.kind for to in own)]
        return [kinds[other].listed_by for other in dict.fromkeys(others) if other != kind]

    def _changing(self, records: Mapping[str, Record]) -> dict[str, dict[str, Reference]]:
        """What the operations that change something refer to."""
        return {n: to for n, to in self._refers_to.items() if records[n].worst_effect != "read"}

"""Which arguments mean what: ``tool_specs/meanings.yaml`` laid over the operations.

An argument whose name looks like a meaning is marked or excused, or the catalog does not compile.
So an operation that the contract adds falls under the rules on meanings, or asks for a decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from pydantic import Field, ValidationError

from descope_mcp.catalog.arguments.meanings import Marks, Meaning
from descope_mcp.catalog.build.yaml_source import line_of, read_yaml
from descope_mcp.catalog.errors import SpecError
from descope_mcp.catalog.frozen_model import Frozen
from descope_mcp.catalog.operation_record.record import Record

Sort = Literal["acts", "console", "sends", "texts", "names", "takes", "lends", "excused"]


class _Sorted(Frozen):
    """Arguments by what they do, as the head of ``meanings.yaml`` explains it."""

    acts: tuple[str, ...] = ()
    console: tuple[str, ...] = ()
    sends: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    lends: tuple[str, ...] = ()
    excused: dict[str, str] = Field(default_factory=dict)

    def entries(self) -> Iterator[tuple[Sort, str]]:
        for sort in get_args(Sort):
            yield from ((sort, text) for text in getattr(self, sort))


class Entry(_Sorted):
    """One meaning: what looks like it, what has it, and what to say of it."""

    watch: tuple[str, ...]
    watch_minting: tuple[str, ...] = ()
    watch_texts: bool = False
    why: str
    say: str = ""
    in_claims: tuple[str, ...] = ()
    console_roles: dict[str, str] = Field(default_factory=dict)
    sent_when: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    operations: dict[str, _Sorted] = Field(default_factory=dict)


class Argument(NamedTuple):
    """An argument that has no fields of its own, at any depth: its path, the names on the way.

    ``texts`` says that it is a free object of texts, under whatever names.
    """

    path: str
    parts: tuple[str, ...]
    texts: bool = False


class _Text(NamedTuple):
    """A text of the file, the keys that lead to its list, the operation that it is for, if any."""

    keys: tuple[str, ...]
    operation: str
    sort: Sort
    text: str

    @property
    def rank(self) -> tuple[bool, int]:
        """Of several that fit, the highest counts."""
        return bool(self.operation), len(self.text.split("."))


@dataclass(slots=True)
class Meanings:
    """The entries of the file, and which of their texts some argument has.

    ``texts`` finds the texts of a meaning by the last name in them.
    """

    path: Path
    entries: dict[Meaning, Entry]
    texts: dict[tuple[Meaning, str], list[_Text]] = field(default_factory=dict)
    used: set[_Text] = field(default_factory=set)

    def __post_init__(self) -> None:
        for meaning, entry in self.entries.items():
            for one in _all(meaning, entry):
                self.texts.setdefault((meaning, one.text.rpartition(".")[2]), []).append(one)

    def marks(
        self, name: str, record: Record, properties: Mapping[str, Any]
    ) -> tuple[dict[Meaning, Marks], list[str]]:
        """What the arguments of an operation mean, and those of which nothing is said.

        Args:
            name: of the operation.
            record: of it; what only reads has no marks, since it gives nothing and sends nothing.
            properties: the schemas of its arguments.
        """
        found: dict[Meaning, Marks] = {}
        problems: list[str] = []
        if record.worst_effect == "read":
            return found, problems
        arguments = list(arguments_of(properties))
        mints = "mints_secret" in record.worst_hazards and "/mgmt/" in record.endpoint
        for meaning, entry in self.entries.items():
            sorts: dict[str, list[str]] = {s: [] for s in get_args(Sort) if s in Marks.model_fields}
            watch = (*entry.watch, *(entry.watch_minting if mints else ()))
            for argument in arguments:
                sort = self._sort(meaning, name, argument)
                if sort in ("sends", "texts") and "sends_message" not in record.worst_hazards:
                    sort = "excused"
                sort = "acts" if sort == "sends" else sort
                if sort in sorts:
                    sorts[sort].append(argument.path)
                    # A role of the console is given like any other; only what it brings differs.
                    sorts["acts"] += [argument.path] if sort == "console" else []
                elif sort is None and (
                    (entry.watch_texts and argument.texts) or _watched(watch, argument.parts[-1])
                ):
                    problems.append(
                        f"{argument.path} looks like {meaning}; say in meanings.yaml what it is"
                    )
            if any(sorts.values()):
                told = entry.console_roles if sorts["console"] else {}
                paths = {sort: tuple(listed) for sort, listed in sorts.items()}
                found[meaning] = Marks(**paths, console_roles=told)
        if "claims" in found:
            for meaning, entry in self.entries.items():
                if entry.in_claims:
                    marks = found.get(meaning, Marks())
                    found[meaning] = marks.model_copy(update={"in_claims": entry.in_claims})
        return found, problems

    def surplus(self, records: Mapping[str, Record]) -> Iterator[str]:
        """The exceptions for operations that do not exist, the texts that no argument has."""
        for meaning, entry in self.entries.items():
            for name in entry.operations:
                if name not in records:
                    where = line_of(self.path, (meaning, "operations", name))
                    yield f"{where}: there is no operation {name}"
            for one in _all(meaning, entry):
                if one not in self.used and one.operation in ("", *records):
                    where = line_of(self.path, one.keys)
                    yield f"{where}: {meaning}: no argument is called {one.text}"

    def _sort(self, meaning: Meaning, name: str, argument: Argument) -> Sort | None:
        """What an argument does, by the longest text that fits; of an operation's own first."""
        fitting = [
            one
            for one in self.texts.get((meaning, argument.parts[-1]), ())
            if one.operation in ("", name) and _fits(one, argument.parts)
        ]
        if not fitting:
            return None
        best = max(fitting, key=lambda one: one.rank)
        self.used.add(best)
        return best.sort


def read_meanings(path: Path) -> Meanings:
    """The meanings of ``meanings.yaml``.

    Raises:
        SpecError: a key is unknown or missing, or a text stands twice.
    """
    written = read_yaml(path)
    entries: dict[Meaning, Entry] = {}
    problems = []
    for meaning in get_args(Meaning):
        try:
            entries[meaning] = Entry.model_validate(written.pop(meaning, {}))
        except ValidationError as error:
            problems += [
                f"{line_of(path, (meaning, *wrong['loc']))}: {meaning}: "
                f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}"
                for wrong in error.errors()
            ]
    problems += [f"{line_of(path, (name,))}: there is no meaning {name}" for name in written]
    for meaning, entry in entries.items():
        seen: set[tuple[str, ...]] = set()
        for one in _all(meaning, entry):
            if (one.operation, one.text) in seen:
                problems.append(f"{line_of(path, one.keys)}: {meaning}: {one.text} stands twice")
            seen.add((one.operation, one.text))
    if problems:
        raise SpecError("\n".join(problems))
    return Meanings(path, entries)


def arguments_of(properties: Mapping[str, Any], above: str = "") -> Iterator[Argument]:
    """Every argument at any depth; ``*`` stands for whatever name an entry of a free object has."""
    for name, schema in properties.items():
        path = f"{above}.{name}" if above else name
        below, here = schema, path
        while below.get("type") == "array":
            below, here = below["items"], f"{here}[]"
        inner = below.get("properties")
        extra = below.get("additionalProperties")
        if not inner and isinstance(extra, Mapping):
            inner, here = extra.get("properties"), f"{here}.*"
        if inner:
            yield from arguments_of(inner, here)
        else:
            texts = isinstance(extra, Mapping) and extra.get("type") == "string"
            yield Argument(path, tuple(path.replace("[]", "").split(".")), texts)


def _all(meaning: str, entry: Entry) -> Iterator[_Text]:
    """Every text of an entry."""
    yield from (_Text((meaning, sort), "", sort, text) for sort, text in entry.entries())
    for name, own in entry.operations.items():
        keys = (meaning, "operations", name)
        yield from (_Text((*keys, sort), name, sort, text) for sort, text in own.entries())


def _fits(one: _Text, parts: tuple[str, ...]) -> bool:
    if one.operation or one.text.startswith("."):
        return ".".join(parts) == one.text.removeprefix(".")
    names = tuple(one.text.split("."))
    return parts[-len(names) :] == names


@cache
def _watched(patterns: tuple[str, ...], name: str) -> bool:
    return any(fnmatchcase(name.lower(), pattern) for pattern in patterns)

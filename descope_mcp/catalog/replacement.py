"""Whether everything that an operation overwrites can be compared and, if it replaces, filled in.

`problems` holds the schema of the before-state against the schema of the arguments, so that a
field that a read does not return, or returns under another name, is found when the records are
compiled and not when somebody loses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog.operation_record.recipe import WORDS, Lookup, Source
from descope_mcp.catalog.operation_record.record import Record
from descope_mcp.catalog.operation_record.rule import COMPARISONS
from descope_mcp.catalog.schemas import input_schema

Schema = Mapping[str, Any]


def targets(record: Record) -> frozenset[str]:
    """The paths of the arguments by which the record's recipes find what the call is about."""
    names = set()
    for key, sources in record.before.items():
        prefix = f"{key[: key.rindex('[]') + 2]}." if "[]" in key else ""
        told = [s.match for s in _several(sources) if isinstance(s, Lookup)]
        names |= {prefix + name for name in _named(told)}
    recipes = [(step.arguments, step.match, step.otherwise) for step in record.preview[:1]]
    return frozenset(names | _named(recipes))


def is_compared(record: Record, path: str) -> bool:
    """Whether a change of what is at `path` shows in the comparison with the before-state."""
    words = {p for p, source in record.before.items() if source in ("kept", "option", "lock")}
    hidden = {*words, *targets(record)}
    if any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in hidden):
        return False
    return bool(record.update) or record.may_overwrite or path in record.before


def problems(record: Record, own: Schema, before: Schema | None, sent: set[str]) -> Iterator[str]:
    """What `before` of a record does not say, or says wrongly.

    Args:
        record: of any operation.
        own: the schema of its arguments.
        before: the schema of what the preview finds (of an element, where that is a list).
        sent: the arguments that go into the query or the body.
    """
    for path in (*record.before, *record.whole):
        if path and input_schema.lookup(own, path) is None:
            yield f"there is no argument {path}"
            return
    if before is None:
        compared = record.update == "replace" or record.may_overwrite
        if record.before or compared or any(r.compares for r in record.when):
            yield "nothing is read that a call could be compared with"
        return
    check = _Check(record, targets(record))
    for key, sources in record.before.items():
        args = input_schema.lookup(own, key.rpartition("[].")[0] + "[]") if "[]." in key else own
        args = input_schema.lookup(own, key) if key.endswith("[]") else args
        for source in _several(sources):
            yield from check.source(
                key, source, input_schema.lookup(own, key) or {}, args or {}, before
            )
    if record.update == "replace" or record.may_overwrite:
        named = {name: own["properties"][name] for name in own["properties"] if name in sent}
        yield from check.unread({"properties": named}, "", check.bases("", before))
    yield from check.unseen()


@dataclass(frozen=True, slots=True)
class _Check:
    record: Record
    apart: frozenset[str]

    def source(
        self, key: str, source: Source, own: Schema, args: Schema, before: Schema
    ) -> Iterator[str]:
        """What is wrong with one source: a reference that leads nowhere, an unknown word."""
        if isinstance(source, Lookup):
            element = _schema(source.among, before=before)
            if element is None:
                yield f"{key}: {source.among} leads nowhere"
                return
            element = element.get("items", element)
            takes = source.take.values() if isinstance(source.take, dict) else [source.take]
            values = [*source.match.values(), *([source.other_than] if source.other_than else [])]
            yield from (f"{key}: there is no {f}" for f in source.match if _at(element, f) is None)
            for text in (*takes, *values):
                if _schema(text, item=element, args=args) is None:
                    yield f"{key}: {text} leads nowhere"
        elif source.startswith("$"):
            found = _schema(source, before=before, args=args)
            if found is None:
                yield f"{key}: {source} leads nowhere"
            elif key and not _alike(own, found):
                yield f"{key}: {source} is of another type"
        elif source not in WORDS:
            yield f"{key}: {source} is neither a reference nor one of {', '.join(WORDS)}"

    def bases(self, path: str, before: Schema) -> list[Schema]:
        """The schemas in which the fields below `path` are looked for by their names."""
        sources = _several(self.record.before.get(path, "$before"))
        names = [s.among if isinstance(s, Lookup) else s for s in sources]
        found = [_schema(name, before=before) for name in names]
        return [base.get("items", base) for base in found if base is not None]

    def unread(self, own: Schema, path: str, bases: list[Schema]) -> Iterator[str]:
        """The arguments of which nobody says where the before-state holds them."""
        for name, inner in own["properties"].items():
            here = f"{path}.{name}" if path else name
            listed = "properties" in inner and here not in self.record.whole
            held = next((b["properties"][name] for b in bases if name in b["properties"]), None)
            if here in self.apart:
                continue
            if f"{here}[]" in self.record.before:
                yield from self.unread(inner["items"], f"{here}[]", bases)
            elif listed and here in self.record.before:
                yield from self.unread(inner, here, self.bases(here, bases[0]))
            elif here not in self.record.before:
                if held is None or not _alike(inner, held):
                    yield f"the before-state has no {here}; say in before where it is"
                elif listed:
                    yield from self.unread(inner, here, [held])

    def unseen(self) -> Iterator[str]:
        """The comparing rules that look at what no comparison covers."""
        for rule in self.record.when:
            for path in (p for name in COMPARISONS for p in getattr(rule, name)):
                if not is_compared(self.record, path):
                    yield f"{path} is never compared with the before-state"


def _several(sources: Source | tuple[Source, ...]) -> tuple[Source, ...]:
    return sources if isinstance(sources, tuple) else (sources,)


def _named(value: Any) -> set[str]:
    """The arguments that a recipe's value refers to."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return {name for item in value for name in _named(item)}
    refers = isinstance(value, str) and value.startswith("$args.")
    return {value.removeprefix("$args.")} if refers else set()


def _schema(reference: str, **roots: Schema) -> Schema | None:
    """The schema that a reference leads to."""
    root, _, path = reference[1:].partition(".")
    return _at(roots[root], path) if reference.startswith("$") and root in roots else None


def _at(where: Schema, path: str) -> Schema | None:
    return input_schema.lookup(where, path)


def _alike(own: Schema, held: Schema) -> bool:
    """Whether a value of one schema can stand for one of the other."""
    if own.get("properties") and held.get("properties"):
        return bool(set(own["properties"]) & set(held["properties"]))
    if "items" in own and "items" in held:
        return _alike(own["items"], held["items"])
    kinds = {own.get("type"), held.get("type")}
    return None in kinds or len(kinds) == 1 or kinds == {"string", "integer"}

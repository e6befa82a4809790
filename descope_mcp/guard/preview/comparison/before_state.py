"""The before-state in the shape of the arguments that would replace it.

What a read returns and what an update takes differ: names, nesting, elements with more fields,
numbers as texts. The request's schema says which values there are; where each is held says its
name or, where that differs, the record's `before`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog.arguments.validation import SEALED
from descope_mcp.catalog.json_path import is_empty, values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.recipe import Lookup, Source
from descope_mcp.catalog.replacement import targets
from descope_mcp.guard.preview.comparison.difference import UNKNOWN, Held
from descope_mcp.guard.preview.recipe_values import ABSENT, Scope, matching, resolve

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


@dataclass(frozen=True, slots=True)
class Locked:
    """A version that the request must carry as the before-state has it."""

    value: Any


def as_arguments(
    operation: Operation, arguments: Mapping[str, Any], before: Any
) -> dict[str, Any] | None:
    """What the before-state holds for every argument of `operation`.

    Args:
        operation: what is called.
        arguments: of the call; they say which elements of the before-state are meant.
        before: what the first step of the preview found.

    Returns:
        A value by argument, as deep as the schema lists properties: `Held` where there is nothing
        to compare with, `Locked` around a version, a tuple where each element of the call has an
        object of its own. None if the before-state cannot be compared.
    """
    scope = Scope(arguments, before)
    reading = _Reading(operation, targets(operation))
    bases = reading.bases("", scope)
    if not bases and not any(key.endswith("[]") for key in operation.before):
        return None
    return reading.object(operation.input_schema, "", scope, bases)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Brings a before-state into the shape of the operation's arguments."""

    operation: Operation
    apart: frozenset[str]

    def object(
        self, schema: Mapping[str, Any], path: str, scope: Scope, bases: list[Any]
    ) -> dict[str, Any]:
        """What is held for every property of an object; `bases` are looked through by name."""
        return {
            name: self._value(inner, _join(path, name), name, scope, bases)
            for name, inner in schema["properties"].items()
        }

    def bases(self, path: str, scope: Scope) -> list[Any]:
        """The objects in which the fields below `path` are looked for by their names."""
        found = [held_by(source, scope) for source in self._sources(path) or ("$before",)]
        return [base for base in found if isinstance(base, dict)]

    def _sources(self, path: str) -> tuple[Source, ...]:
        sources = self.operation.before.get(path, ())
        return sources if isinstance(sources, tuple) else (sources,)

    def _value(
        self, schema: Mapping[str, Any], path: str, name: str, scope: Scope, bases: list[Any]
    ) -> Any:
        sources = self._sources(path)
        place = self.operation.places.get(path)
        operation = self.operation
        whole = operation.update or operation.may_overwrite
        listed = whole or any(_related(path, key) for key in operation.before)
        if path in self.apart or not listed or (place and place.where not in ("body", "query")):
            return Held.APART
        if f"{path}[]" in self.operation.before:
            return self._elements(schema, path, scope)
        if sources and sources[0] in ("kept", "lost", "option"):
            return {"kept": Held.KEPT, "lost": UNKNOWN, "option": Held.APART}[str(sources[0])]
        found = next((base[name] for base in bases if name in base), ABSENT)
        if sources == ("lock",):
            version = None if found is ABSENT else fitted(schema, found)
            return Held.APART if is_empty(version) or version is UNKNOWN else Locked(version)
        inside = bool(schema.get("properties")) and path not in self.operation.whole
        if sources and inside and not isinstance(sources[0], Lookup):
            return self.object(schema, path, scope, self.bases(path, scope))
        if sources:
            found = next((v for s in sources if (v := held_by(s, scope)) is not ABSENT), ABSENT)
        elif found is ABSENT and inside and bases:
            found = None  # an object that is not set is left out of answers; a plain value is not
        if inside and isinstance(found, dict):
            return self.object(schema, path, scope, [found])
        return UNKNOWN if found is ABSENT else fitted(schema, found)

    def _elements(self, schema: Mapping[str, Any], path: str, scope: Scope) -> tuple[Any, ...]:
        """For each element of the call what is held for it; a `Held` for one that is not found."""
        (lookup,) = self._sources(f"{path}[]")
        elements = []
        for element in scope.args.get(path) or []:
            found = held_by(lookup, Scope(element, scope.before))
            own = found[0] if isinstance(found, list) and len(found) == 1 else None
            inner = Scope(element, own)
            # Nothing is changed by an element that a creation creates.
            new = found == [] and self.operation.may_overwrite
            held: Any = Held.APART if new else UNKNOWN
            if isinstance(own, dict):
                held = self.object(schema["items"], f"{path}[]", inner, [own])
            elements.append(held)
        return tuple(elements)


def held_by(source: Source, scope: Scope) -> Any:
    """What a reference or lookup reaches; ABSENT if it reaches nothing."""
    if isinstance(source, str):
        return _reached(source, {"args": scope.args, "before": scope.before})
    if source.match and resolve(source.match, scope) is ABSENT:
        return ABSENT
    items = _reached(source.among, {"args": scope.args, "before": scope.before})
    if items is ABSENT or items is None:
        return ABSENT if items is ABSENT else []
    items = items if isinstance(items, list) else [items]
    if source.match:
        items = matching(items, source.match, scope, source.bare)
    if source.other_than:
        named = _reached(source.other_than, {"args": scope.args})
        items = [item for item in items if item != named]
    taken = [_taken(source.take, item) for item in items]
    if source.single:
        return taken[0] if taken else None
    return [e for value in taken for e in (value if isinstance(value, list) else [value])]


def _taken(take: str | dict[str, str], item: Any) -> Any:
    if isinstance(take, str):
        return _reached(take, {"item": item})
    pairs = {name: _reached(reference, {"item": item}) for name, reference in take.items()}
    return {name: value for name, value in pairs.items() if value is not ABSENT}


def _reached(reference: str, roots: Mapping[str, Any]) -> Any:
    root, _, path = reference[1:].partition(".")
    found = values_at(roots[root], path)
    if "[]" in path or "[1:]" in path:
        return found
    return found[0] if found else ABSENT


def fitted(schema: Mapping[str, Any], value: Any) -> Any:
    """A value of an answer in the shape of `schema`, a request's.

    An int64 is spelt as the request spells it; fields that it does not take are left out. UNKNOWN
    stands for what is sealed or fits in no way.
    """
    if isinstance(value, str) and SEALED in value:
        return UNKNOWN
    if value is None:
        return None
    if "anyOf" in schema:
        fitting = (fitted(choice, value) for choice in schema["anyOf"])
        return next((v for v in fitting if v is not UNKNOWN), UNKNOWN)
    kind = schema.get("type", "")
    if kind == "string" and type(value) is int:
        value = str(value)
    elif kind == "integer" and isinstance(value, str) and value.lstrip("-").isdecimal():
        value = int(value)
    if kind and not isinstance(value, _TYPES[kind]):
        return UNKNOWN
    if isinstance(value, bool) and kind not in ("boolean", ""):
        return UNKNOWN
    if isinstance(value, list):
        items = [fitted(schema.get("items", {}), item) for item in value]
        return UNKNOWN if any(_has_unknown(item) for item in items) else items
    if isinstance(value, dict):
        listed = schema.get("properties")
        extra = schema.get("additionalProperties")
        free = extra if isinstance(extra, Mapping) else {}
        return {
            name: fitted(listed[name] if listed else free, item)
            for name, item in value.items()
            if not listed or name in listed
        }
    return value


def _has_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_unknown, value.values()))
    return value is UNKNOWN


def _related(path: str, other: str) -> bool:
    """Whether one of two paths is the other or lies below it."""
    longer, shorter = sorted((path, other), key=len, reverse=True)
    return longer == shorter or longer.startswith((f"{shorter}.", f"{shorter}["))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name

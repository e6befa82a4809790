"""What is different between two versions of the contract, for whoever curates the records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog.build.openapi import Contract, Endpoint
from descope_mcp.catalog.errors import SpecError
from descope_mcp.catalog.schemas import input_schema

#: What a schema says of one value, in the words of a difference.
_Facts = dict[str, str]
#: The last step of a path.
_LAST = re.compile(r"(\[\]|\|\d+|\.?[^.|\[\]]+)$")


@dataclass(frozen=True, slots=True)
class Difference:
    """Operations by name, each group sorted.

    ``changed`` has a line for every difference of an operation that both versions have: its
    address, its name, its credentials, each argument and each field of its answer.
    """

    added: Mapping[str, Endpoint]
    removed: Mapping[str, Endpoint]
    changed: Mapping[str, tuple[str, ...]]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def difference(old: Contract, new: Contract) -> Difference:
    """All that is different in `new`.

    An operation is known again by its name; one that has lost it, by its method and path.
    """
    before = {e.name: e for e in old.endpoints.values()}
    after = {e.name: e for e in new.endpoints.values()}
    pairs = {name: (endpoint, after[name]) for name, endpoint in before.items() if name in after}
    for endpoint in before.values():
        same = new.endpoints.get(endpoint.key)
        if endpoint.name not in after and same and same.name not in before:
            pairs[endpoint.name] = (endpoint, same)
    known = {later.name for _, later in pairs.values()}
    changed = {}
    for name, (earlier, later) in sorted(pairs.items()):
        if lines := tuple(_differences(earlier, later, old, new)):
            changed[name] = lines
    return Difference(
        {name: after[name] for name in sorted(after.keys() - known)},
        {name: before[name] for name in sorted(before.keys() - pairs.keys())},
        changed,
    )


def _differences(earlier: Endpoint, later: Endpoint, old: Contract, new: Contract) -> Iterator[str]:
    for what, was, now in (
        ("is called", earlier.name, later.name),
        ("is at", earlier.key, later.key),
        ("takes", _credentials(earlier), _credentials(later)),
    ):
        if was != now:
            yield f"{what} {now}, was {was}"
    yield from _compared("argument", _arguments(earlier, old), _arguments(later, new))
    yield from _compared("answer", _answer(earlier, old), _answer(later, new))


def _compared(what: str, before: _Facts, after: _Facts) -> Iterator[str]:
    for path in sorted(before.keys() | after.keys()):
        was, now = before.get(path), after.get(path)
        if _within(path, before, after):
            continue
        if was is None:
            yield f"{what} {path} is new: {now}"
        elif now is None:
            yield f"{what} {path} is gone"
        elif was != now:
            yield f"{what} {path} is {now}, was {was}"


def _within(path: str, before: _Facts, after: _Facts) -> bool:
    """Whether what holds the value is new, gone or of another kind, which says enough."""
    parent = _LAST.sub("", path)
    kinds = [facts.get(parent, "").partition(" ")[0].rstrip(",") for facts in (before, after)]
    return bool(parent) and kinds[0] != kinds[1]


def _credentials(endpoint: Endpoint) -> str:
    return " or ".join(endpoint.schemes) or "no credential"


def _arguments(endpoint: Endpoint, contract: Contract) -> _Facts:
    try:
        properties, places = contract.arguments(endpoint)
    except SpecError as error:
        return {"": str(error)}
    nullable = input_schema.nullable(endpoint, contract.schemas)
    required = {p["name"] for p in endpoint.parameters if p.get("required")}
    found: _Facts = {}
    for name, schema in properties.items():
        found.update(_facts(schema, name))
        place, wire = places[name]
        found[name] += f" in the {place}" + (f" as {wire}" if wire != name else "")
        found[name] += ", required" if name in required else ""
        found[name] += ", or null" if name in nullable else ""
    return found


def _answer(endpoint: Endpoint, contract: Contract) -> _Facts:
    try:
        schema = contract.answer(endpoint)
    except SpecError as error:
        return {"": str(error)}
    return {path: fact for path, fact in _facts(schema, "") if path}


def _facts(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Every value of a schema by its path, and what is said of it."""
    kind = str(schema.get("type", "anything"))
    of = f" of {', '.join(map(str, schema['enum']))}" if "enum" in schema else ""
    unsigned = ", not negative" if "minimum" in schema else ""
    yield path, f"{kind}{unsigned}{of}"
    for index, choice in enumerate(schema.get("anyOf", ())):
        yield from _facts(choice, f"{path}|{index}")
    for name, inner in schema.get("properties", {}).items():
        yield from _facts(inner, f"{path}.{name}" if path else name)
    if "items" in schema:
        yield from _facts(schema["items"], f"{path}[]")
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        yield from _facts(extra, f"{path}.*" if path else "*")

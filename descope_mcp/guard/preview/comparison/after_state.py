"""What is there after a change: in its answer, or by the preview's own read made once more.

An answer often holds the changed object, under the id that it had before. Where it says nothing,
one read tells; searches lag behind, so that what it shows as before may have changed all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from descope_mcp.catalog.arguments.validation import SEALED
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview import preview_step
from descope_mcp.guard.preview.comparison.difference import Change, difference
from descope_mcp.guard.preview.failures import TargetMissing
from descope_mcp.guard.preview.read_budget import Reader
from descope_mcp.guard.preview.recipe_values import Scope
from descope_mcp.guard.preview.target_identity import identity

#: So deep an answer holds objects, and so many values of it are looked at.
_DEEPEST, _MOST_VALUES = 4, 20_000
#: What a handle or mask begins with.
_SEAL = SEALED.rstrip("]")


#: What an object is called by, the surest first.
NAMES = ("loginIds", "loginId", "name", "displayName", "email", "clientName", "title")


class Pair(NamedTuple):
    """One object as it was before a change and as it is after it."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]


async def read_again(
    catalog: Catalog, operation: Operation, arguments: Mapping[str, Any], project: str, read: Reader
) -> Any:
    """What the first step of the preview finds now, None if nothing.

    Raises:
        Ambiguous, PreviewFailed, ApiFailure: it cannot be read.
    """
    try:
        seen = await preview_step.find(
            catalog, operation.preview[0], Scope(arguments, None, project), read
        )
    except TargetMissing:
        return None
    return seen.value


def pairs(before: Any, after: Any, *, same_read: bool) -> list[Pair]:
    """The objects of the before-state with what `after` holds under the same ids, at any depth.

    What has no id (settings) is known by the read that finds it: with `same_read` it is the same.
    """
    olds = before if isinstance(before, list) else [before]
    known = {name: old for old in olds if isinstance(old, Mapping) and (name := identity(old))}
    news: dict[str, Mapping[str, Any]] = {}
    for one in objects(after):
        if known.keys() & {identity(one)}:
            news.setdefault(identity(one), one)
    if same_read and not known and isinstance(before, Mapping) and isinstance(after, Mapping):
        return [Pair(before, after)]
    return [Pair(known[name], new) for name, new in news.items()]


def ends_target(catalog: Catalog, operation: Operation) -> bool:
    """Whether an operation leaves nothing of its target: to undo it, that is created anew."""
    if operation.update or operation.effect != "destructive" or operation.existing:
        return False
    return any(catalog[step.operation].existing for step in operation.restore)


def gone(before: Any, after: Any) -> list[Any]:
    """What of the before-state is not in what was read after a change."""
    olds = before if isinstance(before, list) else [before]
    news = after if isinstance(after, list) else [after]
    there = {identity(one) for one in news if isinstance(one, Mapping)}
    return [one for one in olds if identity(one) and identity(one) not in there]


def changes(pair: Pair, times: Mapping[str, str]) -> tuple[Change, ...]:
    """What became different, field by field, as reads name them.

    What the after-state does not mention counts as unchanged, and so does a time that passes by
    itself or a secret, whose handle differs from place to place.
    """
    schema = _schema([pair.before, pair.after])
    found = difference(schema, pair.before, pair.after, given_only=True, whole_elements=False)
    return tuple(c for c in found if c.path.rpartition(".")[2] not in times and not _is_secret(c))


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects in an answer, the outer ones first."""
    left = _MOST_VALUES
    level = [value]
    for _ in range(_DEEPEST + 1):
        below: list[Any] = []
        for one in level:
            if isinstance(one, Mapping):
                yield one
                below += one.values()
            elif isinstance(one, list):
                below += one
        left -= len(below)
        if left < 0:
            return
        level = below


def known_as(item: Any) -> str:
    """What a person knows an object of an answer by, "" if nothing."""
    held = item if isinstance(item, Mapping) else {}
    found = next((held[name] for name in NAMES if held.get(name)), "")
    return str(found[0] if isinstance(found, list) else found)


def _schema(values: list[Any]) -> dict[str, Any]:
    """The shape of some values, as far as a comparison asks for it."""
    mappings = [v for v in values if isinstance(v, Mapping)]
    elements = [e for v in values if isinstance(v, list) for e in v]
    names = dict.fromkeys(name for m in mappings for name in m)
    schema: dict[str, Any] = {}
    if names:
        schema["properties"] = {n: _schema([m[n] for m in mappings if n in m]) for n in names}
    if elements:
        schema["items"] = _schema(elements)
    return schema


def _is_secret(change: Change) -> bool:
    return any(isinstance(v, str) and _SEAL in v for v in (change.before, change.after))

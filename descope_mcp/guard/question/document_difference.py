"""How a whole document (a flow, a snapshot, a theme) differs from the present one, by field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from descope_mcp.catalog.arguments.validation import HANDLE, SEALED
from descope_mcp.guard.question.consequence import joined, number
from descope_mcp.guard.question.question_data import Difference, Member
from descope_mcp.guard.question.quoting import fits, whole
from descope_mcp.guard.question.text_difference import passages
from descope_mcp.guard.question.value_format import compact, words

_NOTHING: Any = object()
_IDENTITIES = ("id", "name", "key")
#: Documents nest no deeper than a person reads; below this, values are compared as a whole.
_DEEPEST = 12
#: So many parts are named in a sentence.
_MOST_NAMED = 3


class _Change(NamedTuple):
    where: str
    before: Any
    after: Any


def document_differences(before: Any, after: Any) -> tuple[Difference, ...]:
    """What becomes different in a document, one `Difference` for every part (file) of it.

    Args:
        before: what is there, with its secrets sealed; None if nothing is.
        after: the document that replaces it, secrets masked.
    """
    sides = ({} if side is None else side for side in (before, after))
    old, new = (side if isinstance(side, Mapping) else {"": side} for side in sides)
    found: list[Difference] = []
    absent: list[Member] = []
    for part in dict.fromkeys([*old, *new]):
        was, becomes = old.get(part, _NOTHING), new.get(part, _NOTHING)
        if becomes is _NOTHING:
            absent.append(Member(_part(part)))
            continue
        changes = list(_changes(_read(was), _read(becomes), "", 0))
        if not changes:
            continue
        plain = [change for change in changes if not _is_secret(change)]
        lines = [line for change in plain for line in _lines(change)]
        if secrets := len(changes) - len(plain):
            lines.append(f"{number(secrets, 'secret', 'secrets')}, which nobody can compare")
        if was is not _NOTHING and not plain:
            found.append(Difference(_part(part), "only secrets may differ", lines=tuple(lines)))
            continue
        count = number(len(plain), "value", "values")
        said = f"new, {count}" if was is _NOTHING else f"{count} different"
        found.append(Difference(_part(part), said, lines=tuple(lines)))
    if absent:
        count = number(len(absent), "part that is", "parts that are")
        found.append(Difference("left out", f"{count} there now", tuple(absent)))
    return tuple(found)


def compared(
    name: str, found: Sequence[Difference], paths: Sequence[str]
) -> tuple[Difference, ...]:
    """The changes of the document that is the argument `name`, one `Difference` for every part.

    Args:
        name: of the argument.
        found: what becomes different, by the schema of the call.
        paths: of `found`, as far as they lie in the document.
    """
    grouped: dict[str, list[str]] = {}
    for path, one in zip(paths, found, strict=True):
        part = re.split(r"[.\[]", path.removeprefix(name).lstrip(".["))[0] or name
        grouped.setdefault(part, []).extend([f"{one.field}: {one.becomes}", *one.lines])
    return tuple(
        Difference(whole(part), f"{number(len(lines), 'value', 'values')} different", (), (*lines,))
        for part, lines in grouped.items()
    )


def parts(found: Sequence[Difference]) -> str:
    """What becomes different in documents, in a few words."""
    named = [f"{part.field} ({part.becomes})" for part in found[:_MOST_NAMED]]
    more = len(found) - _MOST_NAMED
    named += [number(more, "more part", "more parts")] if more > 0 else []
    return joined(named) if found else "nothing becomes different"


def _part(name: str) -> str:
    return whole(name) if name else "the document"


def _read(value: Any) -> Any:
    """A part that is JSON as a text, as what it holds."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _changes(before: Any, after: Any, where: str, depth: int) -> Iterator[_Change]:
    if _secret(before) or _secret(after):
        # Also where both are sealed: what is behind may differ.
        yield _Change(where, before, after)
        return
    if _says_nothing(before) and _says_nothing(after):
        return
    if before == after and not _holds_secret(before):
        return
    if (
        depth < _DEEPEST
        and isinstance(after, Mapping)
        and isinstance(before, (Mapping, type(_NOTHING)))
    ):
        old = before if isinstance(before, Mapping) else {}
        for key in dict.fromkeys([*old, *after]):
            place = f"{where} / {_step(key)}" if where else _step(key)
            yield from _changes(old.get(key, _NOTHING), after.get(key, _NOTHING), place, depth + 1)
    elif depth < _DEEPEST and (identity := _identity(before, after)):
        old_by, new_by = ({one[identity]: one for one in side} for side in (before, after))
        for key in dict.fromkeys([*old_by, *new_by]):
            place = f"{where} / {whole(key)}" if where else whole(key)
            yield from _changes(
                old_by.get(key, _NOTHING), new_by.get(key, _NOTHING), place, depth + 1
            )
    elif depth < _DEEPEST and _alike(before, after):
        for index, (was, becomes) in enumerate(zip(before, after, strict=True), 1):
            place = f"{where} / number {index}" if where else f"number {index}"
            yield from _changes(was, becomes, place, depth + 1)
    else:
        yield _Change(where, before, after)


def _step(key: str) -> str:
    plain = key.isascii() and key.isidentifier()
    return words(key) if plain else whole(key)


def _identity(before: Any, after: Any) -> str:
    """The field that tells the elements of two lists apart, "" if there is none."""
    if not (isinstance(before, list) and isinstance(after, list)):
        return ""
    every = [*before, *after]
    if not every or not all(isinstance(one, Mapping) for one in every):
        return ""
    for name in _IDENTITIES:
        values = [[one.get(name) for one in side] for side in (before, after)]
        plain = all(isinstance(v, (str, int)) and v != "" for side in values for v in side)
        if plain and all(len(set(side)) == len(side) for side in values):
            return name
    return ""


def _alike(before: Any, after: Any) -> bool:
    """Whether two lists are of objects, as many in each, so that one place is like the other."""
    lists = isinstance(before, list) and isinstance(after, list) and len(before) == len(after)
    return lists and all(isinstance(one, Mapping) for one in [*before, *after])


def _says_nothing(value: Any) -> bool:
    return value is _NOTHING or value in (None, "", False, 0) or value == [] or value == {}


def _lines(change: _Change) -> Iterator[str]:
    """One change, in one line or, of a long text, in its passages."""
    where = f"{change.where}: " if change.where else ""
    before, after = change.before, change.after
    if isinstance(before, list) and isinstance(after, list):
        old, new = ({_key(one) for one in side} for side in (before, after))
        lost = [one for one in before if _key(one) not in new]
        gained = [one for one in after if _key(one) not in old]
        said = [
            f"{verb} {', '.join(map(compact, ones))}"
            for verb, ones in (("loses", lost), ("gains", gained))
            if ones
        ]
        yield f"{where}{'; '.join(said) or 'in another order'}"
    elif after is _NOTHING:
        yield f"{where}{compact(before)} goes"
    elif isinstance(after, str) and not fits(after):
        yield f"{where}another text"
        found = passages(before if isinstance(before, str) else "", after)
        yield from (f"  {line}" for line in found or [f"now: {whole(after)}"])
    else:
        was = "not set" if _says_nothing(before) else compact(before)
        yield f"{where}{was} -> {compact(after)}"


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _holds_secret(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_secret, value.values()))
    return any(map(_holds_secret, value)) if isinstance(value, list) else _secret(value)


def _is_secret(change: _Change) -> bool:
    return _secret(change.before) or _secret(change.after)


def _secret(value: Any) -> bool:
    return isinstance(value, str) and (value == SEALED or bool(HANDLE.fullmatch(value)))

"""What a call holds of one meaning: every role, tenant or host that it names, at any place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from descope_mcp.catalog.arguments.meanings import Marks, Meaning
from descope_mcp.catalog.json_path import values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.policy import claimed, contact_addresses, url
from descope_mcp.guard.policy.given_rights import replaced
from descope_mcp.guard.policy.url import linked_hosts
from descope_mcp.guard.preview.comparison.difference import Change
from descope_mcp.guard.preview.target_names import KnownNames, names_at

#: Where a role or permission is named by its id, its name is not known.
_BY_ID = ("id", "ids", "roleIds")
#: What users have, and with them whatever has their rights.
_OF_USERS: tuple[Meaning, ...] = ("roles", "permissions", "tenants")


class Meant(NamedTuple):
    """The values of one meaning in a call.

    ``sure`` are those that a rule which allows has to fit, ``possible`` those of which one is
    enough for a rule that restricts. With ``unknown`` there are others that cannot be told. With
    ``uncertain`` one is no name of the target as it is spelled, or stands in a claim that may
    mean something else: no rule allows by it.
    """

    sure: tuple[str, ...]
    possible: tuple[str, ...]
    unknown: bool
    uncertain: bool


def meant(
    operation: Operation,
    arguments: Mapping[str, Any],
    meaning: Meaning,
    changes: Sequence[Change] = (),
    known: KnownNames | None = None,
) -> Meant:
    """What a call of `operation` holds of `meaning`, by every name `known` of its targets.

    Rights that its `changes` put others in the place of are taken away by it.
    """
    marks = operation.marks.get(meaning, Marks())
    sure: list[str] = []
    possible: list[str] = []
    unknown = uncertain = False
    for path in marks.paths:
        targets = list(names_at(known, path))
        possible += [name for one in targets for name in one.possible]
        for value in _opened(values_at(arguments, path)):
            if meaning == "claims":
                names, deep = _claims(value)
                sure += names
                possible += deep
                unknown = unknown or not isinstance(value, Mapping)
                continue
            text = url.host(value) if meaning == "hosts" else _text(value)
            if text is None or _is_id(meaning, path):
                unknown = True
            if text is not None:
                sure.append(text)
                possible += _otherwise(text, meaning)
                uncertain = uncertain or not all(one.certain(text) for one in targets)
    for one in (h for p in marks.texts for v in values_at(arguments, p) for h in linked_hosts(v)):
        unknown = unknown or one is None
        sure += [one] if one else []
    claims = [
        value
        for path in (operation.marks.get("claims", Marks()).paths if marks.in_claims else ())
        for value in values_at(arguments, path)
    ]
    if meaning in _OF_USERS:
        taken = [one for path in marks.acts for one in replaced(changes, path)]
        sure += [one for one in _opened(taken) if isinstance(one, str)]
        # What the user has whose rights are lent cannot be told from the call.
        lent = operation.marks.get("roles", Marks()).lends
        unknown = unknown or any(any(_opened(values_at(arguments, path))) for path in lent)
        # Nor what is in a template that is named by its id.
        unknown = unknown or not all(isinstance(one, Mapping) for one in _opened(claims))
    inside = list(_in_claims(claims, marks.in_claims, meaning))
    # An application may read a right in any claim, however that is called and written.
    anything = claimed.texts(claims)
    uncertain = uncertain or claimed.holds_more(claims, marks.in_claims)
    return Meant((*sure, *inside), (*sure, *possible, *inside, *anything), unknown, uncertain)


def _otherwise(text: str, meaning: Meaning) -> list[str]:
    """How else a host or a phone number is spelled: without a dot at the end, without blanks."""
    if meaning == "hosts":
        return [text.rstrip(".")]
    address = contact_addresses.parse(text) if meaning == "recipients" else None
    is_phone = address is not None and address.kind == "phone"
    return [address.text, f"+{address.text}"] if address and is_phone else []


def _is_id(meaning: Meaning, path: str) -> bool:
    return meaning in ("roles", "permissions") and path.rpartition(".")[2] in _BY_ID


def _opened(values: list[Any]) -> Iterator[Any]:
    """The values that say something, those in lists one by one."""
    for value in values:
        if isinstance(value, list):
            yield from _opened(value)
        elif value not in (None, "", {}):
            yield value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _claims(value: Any) -> tuple[list[str], list[str]]:
    """The names of claims, and every name below them."""
    if not isinstance(value, Mapping):
        return [], []
    return [str(name) for name in value], list(_names(value))


def _names(value: Any) -> Iterator[str]:
    items = value.items() if isinstance(value, Mapping) else ()
    for name, inner in items:
        yield str(name)
        yield from _names(inner)
    if isinstance(value, list):
        for item in value:
            yield from _names(item)


def _in_claims(value: Any, names: tuple[str, ...], meaning: Meaning) -> Iterator[str]:
    """What claims of these names hold, at any depth."""
    if isinstance(value, list):
        for item in value:
            yield from _in_claims(item, names, meaning)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name in names:
                yield from _held(inner, meaning)
            yield from _in_claims(inner, names, meaning)


def _held(value: Any, meaning: Meaning) -> Iterator[str]:
    """The texts in a claim; tenants are the names under which it holds something."""
    if isinstance(value, Mapping):
        if meaning == "tenants":
            yield from map(str, value)
        else:
            for inner in value.values():
                yield from _held(inner, meaning)
    elif isinstance(value, list):
        for item in value:
            yield from _held(item, meaning)
    elif value is not None:
        yield str(value)

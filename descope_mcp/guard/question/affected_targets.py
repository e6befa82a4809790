"""Who and what a call hits: groups of members, each once, with what marks them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from descope_mcp.catalog.json_path import values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.recipe_values import as_list
from descope_mcp.guard.question.question_data import Group, Member
from descope_mcp.guard.question.quoting import whole
from descope_mcp.guard.question.value_format import words

#: What a member is called by, and what else tells it from others, the surest first.
_NAMES = ("name", "displayName", "clientName", "action", "loginId", "email", "userName", "id")
_ADDRESSES = ("loginIds", "loginId", "email")
_IDS = (*_ADDRESSES, "id", "userId", "appId", "tenantId", "clientId")
#: Lists in answers that are called by too little.
_TITLES = {"keys": "access keys", "apps": "applications", "SSOSettings": "single sign-on settings"}
_OWNER = re.compile(r"\bowner\b", re.I)
_ADMINISTRATOR = re.compile(r"\badmin(?:istrator)?\b|\bsuper ?user\b", re.I)
#: Permissions that Descope itself gives a meaning: who has one administers others.
_ADMINISTERS = {"Impersonate", "User Admin", "SSO Admin"}


def hits(operation: Operation, preview: Preview, counts: Sequence[Tally]) -> tuple[Group, ...]:
    """Those whom the preview found: several targets, and what hangs on them."""
    groups = []
    for index, (step, seen) in enumerate(zip(operation.preview, preview.found, strict=False)):
        whole_list = isinstance(seen, list) or (index > 0 and step.find and bool(seen))
        if not whole_list or (index == 0 and operation.update):
            continue
        elements = seen if isinstance(seen, list) else [seen]
        several = [one for one in elements if isinstance(one, (Mapping, str))]
        name = step.find.rpartition(".")[2]
        if len(several) == len(elements) and (isinstance(seen, list) or _is_element(seen)):
            title = _TITLES.get(name) or words(name)
            numbers = [c.number for c in counts if c.label.startswith(title)]
            more = max([0, *(n - len(elements) for n in numbers)])
            named = _members(elements)
            groups.append(Group(title, named, max(more, len(elements) - len(named))))
    return (*groups, *_counted_lists(operation, preview))


def members(elements: Sequence[Any]) -> dict[str, str]:
    """What a person knows elements by, by every value that identifies them."""
    names: dict[str, str] = {}
    for element in elements:
        if isinstance(element, Mapping):
            member = _member(element)
            marked = f" ({', '.join(member.marks)})" if member.marks else ""
            for key in _IDS:
                value = element.get(key)
                for one in value if isinstance(value, list) else [value]:
                    names.setdefault(str(one), f"{member.name}{marked}")
    return names


def marks_of(target: Any) -> list[str]:
    """What marks a single target: owner, administrator, disabled."""
    return list(_marks(target)) if isinstance(target, Mapping) else []


def _is_element(seen: Any) -> bool:
    return isinstance(seen, Mapping) and any(seen.get(key) for key in _NAMES)


def _members(elements: Sequence[Any]) -> tuple[Member, ...]:
    """One for every element that has a name; with service-made ids only where names are alike."""
    named = [member for one in elements if (member := _member(one)).name]
    distinct = len({member.name for member in named}) == len(named)
    if not distinct:
        named = [_member(one, _IDS) for one in elements]
    return tuple(sorted(dict.fromkeys(named), key=lambda member: not member.marks))


def _member(element: Any, ids: Sequence[str] = _ADDRESSES) -> Member:
    if not isinstance(element, Mapping):
        return Member(whole(element))
    name = next((element[key] for key in _NAMES if element.get(key)), "")
    known = [one for key in ids for one in as_list(element.get(key)) if one and one != name]
    if not name and known:
        name, known = known[0], known[1:]
    shown = whole(name) if name else ""
    return Member(shown, whole(known[0]) if known else "", tuple(_marks(element)))


def _marks(element: Mapping[str, Any]) -> Iterator[str]:
    """What marks a user: rights over others, and whether they are shut out already."""
    roles = [*values_at(element, "roleNames[]"), *values_at(element, "userTenants[].roleNames[]")]
    permissions = {
        *values_at(element, "permissions[]"),
        *values_at(element, "userTenants[].permissions[]"),
    }
    if any(_OWNER.search(str(role)) for role in roles):
        yield "owner"
    elif any(_ADMINISTRATOR.search(str(role)) for role in roles) or permissions & _ADMINISTERS:
        yield "administrator"
    if element.get("status") in ("disabled", "inactive"):
        yield str(element["status"])


def _counted_lists(operation: Operation, preview: Preview) -> Iterator[Group]:
    """Lists inside of what the preview found that the impact counts: problems of a dry run."""
    for count in operation.impact:
        for step, seen in zip(operation.preview[1:], preview.found[1:], strict=False):
            if step.operation != count.operation or step.find or not isinstance(seen, Mapping):
                continue
            listed = [v for v in values_at(seen, count.count) if isinstance(v, list) and v]
            for found in listed[:1]:
                yield Group(count.label, tuple(Member(whole(one)) for one in found))

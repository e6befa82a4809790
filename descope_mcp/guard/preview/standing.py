"""What marks those whom a call hits: who signed in lately, and who is the last of their kind.

Read for a person who is asked, of the users or access keys that a call is about. What cannot be
read is left out: it only adds to what the before-state says.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from descope_mcp.api.errors import ApiFailure, MissingCredential
from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.json_path import values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.failures import PreviewFailed
from descope_mcp.guard.preview.ordered_gather import gather
from descope_mcp.guard.preview.read_budget import Reader
from descope_mcp.guard.preview.recipe_values import as_list

#: Who has signed in within so many seconds is active.
LATELY = 7 * 24 * 3600
#: So many are looked at at most, and so many roles of theirs: all, or none.
_MOST_TARGETS, _MOST_ROLES = 100, 8
#: So many holders of a role are read besides those who are hit: some may be shut out.
_MORE = 10


class Role(NamedTuple):
    """A role in a tenant, or ("") in the project; a name of "" is a membership without any."""

    name: str
    tenant: str


class Kind(NamedTuple):
    """Those of one kind: the fields that tell them from others, and the read that finds more."""

    has: tuple[str, ...]
    id: str
    memberships: str
    shut_out: str
    read: str
    rows: str


_USERS = Kind(("userId", "loginIds"), "userId", "userTenants", "disabled", "SearchUsers", "users")
_KEYS = Kind(("id", "keyTenants"), "id", "keyTenants", "inactive", "SearchAccessKeys", "keys")
_SIGN_INS = "UsersAuthHistoryV2"
#: What is read here.
READS = frozenset({_USERS.read, _KEYS.read, _SIGN_INS})

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """Who was ``active`` lately, and what somebody is the ``last`` holder of; both by their ids."""

    active: frozenset[str] = frozenset()
    last: Mapping[str, tuple[Role, ...]] = field(default_factory=dict)


#: Where nobody has looked.
UNMARKED = Standing()


async def standing(catalog: Catalog, target: Any, read: Reader) -> Standing:
    """What marks those whom a call is about, by reads side by side.

    `target` is the before-state. UNMARKED if it is neither of users nor of keys.
    """
    hit = [one for one in (target if isinstance(target, list) else [target]) if kind_of(one)]
    kind = kind_of(hit[0]) if hit else None
    if kind is None or len(hit) > _MOST_TARGETS:
        return UNMARKED
    ids = [str(one[kind.id]) for one in hit]
    roles = list(dict.fromkeys(role for one in hit for role in _roles(kind, one)))
    roles = roles if len(roles) <= _MOST_ROLES else []
    rows = partial(_rows, catalog, read)
    jobs = [partial(rows, kind.read, _holders(kind, role, len(ids)), kind.rows) for role in roles]
    if kind is _USERS:
        jobs.append(partial(rows, _SIGN_INS, {"userIds": ids}, "usersAuthHistory"))
    found = await gather(jobs) if jobs else []
    alone = {
        role
        for role, holders in zip(roles, found, strict=False)
        if _nobody_else(kind, role, holders, frozenset(ids))
    }
    since = time.time() - LATELY
    signed_in = found[len(roles)] or [] if kind is _USERS else []
    last = {
        str(one[kind.id]): tuple(role for role in _roles(kind, one) if role in alone)
        for one in hit
        if one.get("status") != kind.shut_out
    }
    return Standing(
        frozenset(str(row.get("userId")) for row in signed_in if _number(row) > since), last
    )


def at_stake(operation: Operation, arguments: Mapping[str, Any], marks: Standing) -> Standing:
    """The marks without being the last of what the call leaves alone.

    A call that takes away one role or one membership ends nothing else.
    """
    roles, tenants = (operation.marks.get(meaning) for meaning in ("roles", "tenants"))
    taken = [*(roles.takes if roles else ()), *(tenants.takes if tenants else ())]
    if not taken:
        return marks
    where = _said(arguments, tenants.paths) if tenants else frozenset()
    what = _said(arguments, roles.takes) if roles and roles.takes else None
    last = {
        one: tuple(
            role
            for role in held
            if role.tenant in (where or {""}) and (what is None or role.name in what)
        )
        for one, held in marks.last.items()
    }
    return replace(marks, last=last)


def _said(arguments: Mapping[str, Any], paths: Sequence[str]) -> frozenset[str]:
    """The texts at some paths of a call."""
    found = (value for path in paths for value in values_at(dict(arguments), path))
    return frozenset(str(one) for value in found for one in as_list(value))


def kind_of(element: Any) -> Kind | None:
    """What an element of a before-state is; None if it is neither a user nor a key."""
    if not isinstance(element, Mapping):
        return None
    found = (kind for kind in (_USERS, _KEYS) if all(name in element for name in kind.has))
    return next(found, None)


def _roles(kind: Kind, element: Row) -> Iterator[Role]:
    """What somebody holds; a key without roles is at least one of its tenant."""
    for name in element.get("roleNames") or ():
        yield Role(str(name), "")
    for member in element.get(kind.memberships) or ():
        if isinstance(member, Mapping) and member.get("tenantId"):
            for name in member.get("roleNames") or ([""] if kind is _KEYS else []):
                yield Role(str(name), str(member["tenantId"]))


def _holders(kind: Kind, role: Role, hit: int) -> dict[str, Any]:
    """The arguments that find who has a role, beyond those who are hit."""
    if kind is _KEYS:
        return {"tenantIds": [role.tenant]} if role.tenant else {}
    where = {"tenantRoleNames": {role.tenant: {"values": [role.name]}}}
    return {**(where if role.tenant else {"roleNames": [role.name]}), "limit": hit + _MORE}


def _nobody_else(kind: Kind, role: Role, holders: list[Row] | None, hit: frozenset[str]) -> bool:
    """Whether all holders of a role were read, and all that are not shut out are hit."""
    if holders is None or (kind is _USERS and len(holders) >= len(hit) + _MORE):
        return False
    return not any(
        str(one.get(kind.id)) not in hit
        and one.get("status") != kind.shut_out
        and role in _roles(kind, one)
        for one in holders
    )


async def _rows(
    catalog: Catalog, read: Reader, name: str, arguments: dict[str, Any], rows: str
) -> list[Row] | None:
    """The rows of a read, None if it fails."""
    try:
        answer = await read(catalog[name], check(catalog[name], arguments))
    except (ApiFailure, InvalidArguments, MissingCredential, PreviewFailed):
        return None
    found = answer.get(rows)
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else None


def _number(row: Row) -> float:
    """When a sign-in was, in seconds; 0 where it does not say."""
    value = str(row.get("loginTime"))
    return float(value) if value.isascii() and value.isdecimal() else 0.0

"""What the roles in a call bring: who may do what after it and not before.

A role is a name for permissions, and a tenant may have a role of its own under the name of one of
the project's. So a name alone says little, and what it stands for may become another thing while a
person thinks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from descope_mcp.api.errors import ApiFailure, MissingCredential
from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.preview.failures import PreviewFailed, TooMuchToRead
from descope_mcp.guard.preview.read_budget import Reader
from descope_mcp.guard.preview.rights.named_roles import (
    Definition,
    Handover,
    PlannedCall,
    console_roles,
    definitions,
    handed_over,
    joined,
    lent,
    roles_of,
)
from descope_mcp.guard.preview.rights.permission_change import (
    ConsoleRole,
    Holder,
    Nowhere,
    Rights,
    Shift,
)

#: The reads that know what roles bring, what members of a tenant get by default, who has which.
ROLES, _TENANTS, _USERS = "SearchRoles", "SearchTenants", "LoadUsers"

#: The permissions of roles, by tenant and name.
_Known = Mapping[tuple[str, str], Sequence[str]]


class _Said(NamedTuple):
    """What calls say of roles, all together."""

    handovers: tuple[Handover, ...]
    joins: tuple[tuple[Holder, str], ...]
    lent: tuple[tuple[Holder, str], ...]
    console: tuple[ConsoleRole, ...]
    definitions: tuple[Definition, ...]


async def rights(
    catalog: Catalog, calls: Sequence[PlannedCall], read: Reader, *, asked: bool
) -> Rights:
    """What the roles in calls bring, by three reads at most.

    Args:
        catalog: where the reads are described.
        calls: what would be called; the steps of an undo, or one call.
        read: runs one read, within a budget.
        asked: a person has to agree, and is shown what the roles bring. Otherwise only a role that
            takes the place of another is looked for.

    Raises:
        PreviewFailed: the roles could not be read.
    """
    said = _said(calls, asked=asked)
    try:
        defaults = await _default_roles(catalog, said.joins, read)
        lending = await _lending(catalog, said.lent, read)
        given = (*said.handovers, *_by_default(said.joins, defaults), *lending)
        there = await _known_roles(catalog, given, said.definitions, read)
    except MissingCredential:
        return Rights(console=said.console)
    except (ApiFailure, TooMuchToRead) as error:
        message = error.message if isinstance(error, ApiFailure) else str(error)
        raise PreviewFailed(f"What the roles bring cannot be read: {message}") from None
    known = {**there, **{(d.tenant, d.name): d.permissions for d in said.definitions}}
    shifts = [_shift(known, one) for one in given]
    redefined = [_redefined(there, one) for one in said.definitions if one.tenant]
    return Rights(
        tuple(dict.fromkeys(s for s in shifts if s.gained or s.lost)),
        tuple(s for s in redefined if s and (s.gained or s.lost)),
        tuple(dict.fromkeys(said.console)),
        tuple(dict.fromkeys(_nowhere(known, given))),
    )


def _said(calls: Sequence[PlannedCall], *, asked: bool) -> _Said:
    shown = calls if asked else ()
    return _Said(
        tuple(one for call in shown for one in handed_over(call)),
        tuple(dict.fromkeys(one for call in shown for one in joined(call))),
        tuple(dict.fromkeys(one for call in shown for one in lent(call))),
        tuple(one for call in shown for one in console_roles(call)),
        tuple(one for call in calls for one in definitions(call)),
    )


async def _default_roles(
    catalog: Catalog, joins: Iterable[tuple[Holder, str]], read: Reader
) -> dict[str, tuple[str, ...]]:
    """What members get by default, by tenant."""
    tenants = sorted({tenant for _, tenant in joins})
    if not tenants:
        return {}
    answer = await read(catalog[_TENANTS], check(catalog[_TENANTS], {"tenantIds": tenants}))
    return {
        str(tenant.get("id")): tuple(map(str, tenant.get("defaultRoles") or ()))
        for tenant in answer.get("tenants") or ()
        if isinstance(tenant, Mapping)
    }


def _by_default(
    joins: Iterable[tuple[Holder, str]], defaults: Mapping[str, tuple[str, ...]]
) -> Iterator[Handover]:
    for holder, tenant in joins:
        if roles := defaults.get(tenant):
            yield Handover(holder, tenant, roles, ())


async def _lending(
    catalog: Catalog, whose: Iterable[tuple[Holder, str]], read: Reader
) -> list[Handover]:
    """The roles of users, for those who get all rights that these have."""
    pairs = list(whose)
    if not pairs:
        return []
    ids = sorted({user for _, user in pairs})
    answer = await read(catalog[_USERS], check(catalog[_USERS], {"userIds": ids}))
    users = {str(u.get("userId")): u for u in answer.get("users") or () if isinstance(u, Mapping)}
    return [
        Handover(holder, tenant, roles, ())
        for holder, user in pairs
        for tenant, roles in roles_of(users.get(user, {}))
        if roles
    ]


async def _known_roles(
    catalog: Catalog, given: Sequence[Handover], defined: Sequence[Definition], read: Reader
) -> dict[tuple[str, str], Sequence[str]]:
    """The permissions of every role that is named, as they are now."""
    hiding = [one for one in defined if one.tenant]
    names = {name for one in given for name in (*one.roles, *one.present)}
    names |= {one.name for one in hiding}
    if not names:
        return {}
    query: dict[str, Any] = {"roleNames": sorted(names)}
    tenants = {one.tenant for one in given} | {one.tenant for one in hiding}
    if tenants - {""}:
        query |= {"tenantIds": sorted(tenants - {""}), "includeProjectRoles": True}
    answer = await read(catalog[ROLES], check(catalog[ROLES], query))
    return {
        (str(role.get("tenantId") or ""), role["name"]): role.get("permissionNames") or ()
        for role in answer.get("roles") or ()
        if isinstance(role, dict) and isinstance(role.get("name"), str)
    }


def _brought(known: _Known, roles: Sequence[str], tenant: str) -> dict[str, None]:
    """The permissions of roles in a tenant: of its own role of a name, else of the project's."""
    found = [known.get((tenant, name), known.get(("", name), ())) for name in roles]
    return {str(permission): None for permissions in found for permission in permissions}


def _shift(known: _Known, one: Handover) -> Shift:
    """What a holder gains, and loses where roles are taken or others take their place."""
    before = _brought(known, one.present, one.tenant)
    if one.takes:
        left = [role for role in one.present if role not in one.roles]
        after = _brought(known, left, one.tenant)
    else:
        after = _brought(known, one.roles, one.tenant)
    gained = () if one.takes else tuple(p for p in after if p not in before)
    lost = tuple(p for p in before if p not in after) if one.takes or one.replaces else ()
    return Shift(one.holder.who, one.tenant, gained, lost, one.holder.group)


def _nowhere(known: _Known, given: Iterable[Handover]) -> Iterator[Nowhere]:
    """The roles that a person or key gets and that are not there; of groups it is not sure."""
    for one in given:
        for role in () if one.takes or one.holder.group else one.roles:
            if known.keys().isdisjoint([(one.tenant, role), ("", role)]):
                yield Nowhere(role, one.tenant)


def _redefined(there: _Known, one: Definition) -> Shift | None:
    """What a tenant's role changes for those who had the project's role of its name until now."""
    before = there.get(("", one.name))
    if before is None or (one.tenant, one.name) in there:
        return None
    held = tuple(map(str, before))
    return Shift(
        one.name,
        one.tenant,
        tuple(p for p in one.permissions if p not in held),
        tuple(p for p in held if p not in one.permissions),
    )

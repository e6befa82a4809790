"""What the roles that a call names bring: who may do what after it and not before.

A role is a name for permissions, and a tenant may have a role of its own under the name of one of
the project's. So a name alone says little, and what it stands for may become another thing while a
person thinks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from descope_mcp.api.errors import ApiFailure, MissingCredential
from descope_mcp.catalog.arguments.meanings import Marks
from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.json_path import values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.failures import PreviewFailed
from descope_mcp.guard.preview.permission_change import NO_RIGHTS, Rights, Shift
from descope_mcp.guard.preview.preview import Preview, target_name
from descope_mcp.guard.preview.read_budget import Reader

#: The read that knows what roles bring.
_ROLES = "SearchRoles"
#: What a holder of roles is known by, the surest first.
_NAMES = ("loginId", "name", "email", "tenantId")
#: Where the memberships of a user or a key are.
_MEMBERSHIPS = ("userTenants", "keyTenants")


class _Grant(NamedTuple):
    """Roles that a call gives to one holder, and those that it has so far."""

    who: str
    tenant: str
    roles: tuple[str, ...]
    present: tuple[str, ...]


class _Definition(NamedTuple):
    """A role that a call creates or changes."""

    name: str
    tenant: str
    permissions: tuple[str, ...]


async def rights(
    catalog: Catalog,
    operation: Operation,
    arguments: Mapping[str, Any],
    preview: Preview,
    read: Reader,
    *,
    asked: bool,
) -> Rights:
    """What the roles in a call bring, by one read.

    Args:
        catalog: where the read is described.
        operation: what is called.
        arguments: as the caller gave them.
        preview: the before-state, which says what the holders have.
        read: runs one read, within a budget.
        asked: a person has to agree, and is shown what the roles bring. Otherwise only a role that
            takes the place of another is looked for.

    Raises:
        PreviewFailed: the roles could not be read.
    """
    grants = list(_grants(operation, arguments, preview)) if asked else []
    definitions = [one for one in _definitions(operation, arguments) if one.tenant]
    names = {name for one in grants for name in (*one.roles, *one.present)}
    names |= {one.name for one in definitions}
    if not names:
        return NO_RIGHTS
    tenants = {
        tenant
        for tenant in (*(g.tenant for g in grants), *(d.tenant for d in definitions))
        if tenant
    }
    query: dict[str, Any] = {"roleNames": sorted(names)}
    if tenants:
        query |= {"tenantIds": sorted(tenants), "includeProjectRoles": True}
    try:
        answer = await read(catalog[_ROLES], check(catalog[_ROLES], query))
    except MissingCredential:
        return NO_RIGHTS
    except ApiFailure as error:
        raise PreviewFailed(f"{_ROLES} failed: {error.message}") from None
    known = {(r["tenantId"] or "", r["name"]): r for r in _roles(answer)}
    shifts = [_shift(known, one, operation) for one in grants]
    redefined = [_redefined(known, one) for one in definitions]
    return Rights(
        tuple(s for s in shifts if s.gained or s.lost),
        tuple(s for s in redefined if s and (s.gained or s.lost)),
    )


def _roles(answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for role in answer.get("roles") or ():
        if isinstance(role, dict) and isinstance(role.get("name"), str):
            yield {"tenantId": "", "permissionNames": [], **role}


def _brought(
    known: Mapping[tuple[str, str], Mapping[str, Any]], roles: Sequence[str], tenant: str
) -> dict[str, None]:
    """The permissions of roles in a tenant: of its own role of a name, else of the project's."""
    found = [known.get((tenant, name)) or known.get(("", name)) for name in roles]
    return {str(p): None for role in found if role for p in role["permissionNames"] or ()}


def _shift(
    known: Mapping[tuple[str, str], Mapping[str, Any]], grant: _Grant, operation: Operation
) -> Shift:
    """What a holder gains, and loses where the roles take the place of those that it has."""
    after = _brought(known, grant.roles, grant.tenant)
    before = _brought(known, grant.present, grant.tenant)
    gained = tuple(p for p in after if p not in before)
    lost = tuple(p for p in before if p not in after) if operation.update else ()
    return Shift(grant.who, grant.tenant, gained, lost)


def _redefined(
    known: Mapping[tuple[str, str], Mapping[str, Any]], one: _Definition
) -> Shift | None:
    """What a tenant's role changes for those who had the project's role of its name until now."""
    project = known.get(("", one.name))
    if project is None or (one.tenant, one.name) in known:
        return None
    before = [str(p) for p in project["permissionNames"] or ()]
    return Shift(
        one.name,
        one.tenant,
        tuple(p for p in one.permissions if p not in before),
        tuple(p for p in before if p not in one.permissions),
    )


def _definitions(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[_Definition]:
    """The roles that a call creates or changes, as the record's `defines` says."""
    defines = operation.defines
    if defines is None:
        return
    elements = values_at(arguments, f"{defines.each}[]") if defines.each else [arguments]
    for one in elements:
        name = one.get(defines.name) if isinstance(one, Mapping) else None
        if isinstance(name, str) and name:
            permissions = tuple(map(str, one.get(defines.permissions) or ()))
            yield _Definition(name, str(one.get(defines.tenant) or ""), permissions)


def _grants(
    operation: Operation, arguments: Mapping[str, Any], preview: Preview
) -> Iterator[_Grant]:
    """The roles that a call gives, holder by holder."""
    marks = operation.marks.get("roles", Marks())
    tenants = operation.marks.get("tenants", Marks()).paths
    around = [str(arguments[name]) for name in tenants if arguments.get(name)]
    holder = target_name(operation, preview)
    for path in marks.acts:
        yield from _at(
            path.split("."), arguments, around[0] if around else "", holder, preview.target
        )


def _at(
    parts: list[str], data: Mapping[str, Any], tenant: str, holder: str, before: Any
) -> Iterator[_Grant]:
    """The roles at the end of a path; tenant and holder are those of the innermost object."""
    name, *rest = parts
    plain = name.removesuffix("[]")
    value = data.get(plain)
    if not rest:
        roles = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        named = tuple(role for role in roles if isinstance(role, str) and role)
        if named:
            yield _Grant(holder, tenant, named, _present(before, tenant, plain))
        return
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, Mapping):
            continue
        inside = str(item.get("tenantId") or tenant)
        who = next((str(item[key]) for key in _NAMES if item.get(key)), holder)
        member = plain in _MEMBERSHIPS
        own = before if member or not isinstance(value, list) else _own(before, who)
        yield from _at(rest, item, inside, holder if member else who, own)


def _own(before: Any, who: str) -> Any:
    """The before-state of one of several holders."""
    several = before if isinstance(before, list) else [before]
    holders = [one for one in several if isinstance(one, Mapping)]
    return next((one for one in holders if who in (one.get("loginIds") or ())), None)


def _present(before: Any, tenant: str, field: str) -> tuple[str, ...]:
    """The roles that a holder has: in the tenant, or under the same name as in the call."""
    if not isinstance(before, Mapping):
        return ()
    members = [one for name in _MEMBERSHIPS for one in before.get(name) or ()]
    if members and tenant:
        held = [r for m in members if m.get("tenantId") == tenant for r in m.get("roleNames") or ()]
    else:
        held = [] if tenant and field == "roleNames" else before.get(field) or []
    return tuple(role for role in held if isinstance(role, str))

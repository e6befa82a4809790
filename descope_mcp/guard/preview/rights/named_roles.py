"""What a call says of roles: whom it gives which, from whom it takes some, what it makes of one.

Which arguments say so is marked (`tool_specs/meanings.yaml`); the holder and the tenant are those
of the innermost object around them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from descope_mcp.catalog.arguments.meanings import Marks
from descope_mcp.catalog.json_path import values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.preview import Preview, target_name
from descope_mcp.guard.preview.rights.permission_change import ConsoleRole, Holder

#: What a holder of roles is known by, the surest first.
_NAMES = ("loginId", "name", "email", "tenantId")
#: Where the memberships of a user or a key are; of these, where whoever joins gets default roles.
_MEMBERSHIPS = ("userTenants", "keyTenants")
_OF_KEYS = "keyTenants"


class PlannedCall(NamedTuple):
    """A call that is about to be made: its arguments as they were given, and what it would hit.

    ``sent`` are the arguments with what the call leaves out filled in, None where that is not
    known.
    """

    operation: Operation
    arguments: Mapping[str, Any]
    preview: Preview
    sent: Mapping[str, Any] | None = None


class Handover(NamedTuple):
    """Roles that a call gives to one holder in a tenant, and those that it has so far.

    It ``takes`` them instead, or ``replaces`` by them what is there.
    """

    holder: Holder
    tenant: str
    roles: tuple[str, ...]
    present: tuple[str, ...]
    takes: bool = False
    replaces: bool = False


class Definition(NamedTuple):
    """A role that a call creates or changes."""

    name: str
    tenant: str
    permissions: tuple[str, ...]


class _Leaf(NamedTuple):
    """What stands at the end of a path, and whose it is."""

    values: tuple[str, ...]
    field: str
    tenant: str
    holder: Holder
    before: Any
    around: Mapping[str, Any]


def handed_over(call: PlannedCall) -> Iterator[Handover]:
    """The roles that a call gives and takes, holder by holder."""
    marks = call.operation.marks.get("roles", Marks())
    for path in marks.acts:
        if path not in marks.console:
            for leaf in _leaves(call, path):
                given = Handover(leaf.holder, leaf.tenant, leaf.values, _present(leaf))
                yield given._replace(replaces=bool(call.operation.update))
    for path in marks.takes:
        for leaf in _leaves(call, path):
            present = _present(leaf) or leaf.values
            yield Handover(leaf.holder, leaf.tenant, leaf.values, present, takes=True)
    for path in call.operation.marks.get("tenants", Marks()).takes:
        for leaf in _leaves(call, path):
            for tenant in leaf.values:
                held = _present(leaf._replace(tenant=tenant))
                if held:
                    yield Handover(leaf.holder, tenant, held, held, takes=True)


def joined(call: PlannedCall) -> Iterator[tuple[Holder, str]]:
    """Who becomes a member of which tenant without roles, and gets what members get by default."""
    given = {(one.holder, one.tenant) for one in handed_over(call)}
    for path in call.operation.marks.get("tenants", Marks()).acts:
        if path.partition("[")[0] != _OF_KEYS:
            for leaf in _leaves(call, path):
                new = [(leaf.holder, t) for t in leaf.values if t not in _tenants(leaf.before)]
                yield from (one for one in new if one not in given)


def lent(call: PlannedCall) -> Iterator[tuple[Holder, str]]:
    """Who gets all rights of which user, by the user's id."""
    for path in call.operation.marks.get("roles", Marks()).lends:
        for leaf in _leaves(call, path):
            yield from ((leaf.holder, user) for user in leaf.values)


def roles_of(user: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The roles of a user in the project ("") and in each tenant."""
    yield "", _texts(user.get("roleNames") or [])
    for member in _members(user):
        yield str(member.get("tenantId") or ""), _texts(member.get("roleNames") or [])


def console_roles(call: PlannedCall) -> Iterator[ConsoleRole]:
    """The roles of the console that a call gives."""
    marks = call.operation.marks.get("roles", Marks())
    for path in marks.console:
        for leaf in _leaves(call, path):
            beside = {name: _texts(v) for name, v in leaf.around.items() if name != leaf.field}
            among, places = next(((n, texts) for n, texts in beside.items() if texts), ("", ()))
            for role in leaf.values:
                brings = marks.console_roles.get(role, "")
                yield ConsoleRole(leaf.holder, role, among, places, brings)


def definitions(call: PlannedCall) -> Iterator[Definition]:
    """The roles that a call creates or changes, as the record's `defines` says.

    One that is changed keeps the permissions that the call leaves out.
    """
    defines = call.operation.defines
    if defines is None:
        return
    given = call.arguments if call.sent is None else call.sent
    for one in values_at(dict(given), f"{defines.each}[]") if defines.each else [given]:
        name = one.get(defines.name) if isinstance(one, Mapping) else None
        if isinstance(name, str) and name:
            permissions = tuple(map(str, one.get(defines.permissions) or ()))
            yield Definition(name, str(one.get(defines.tenant) or ""), permissions)


def _leaves(call: PlannedCall, path: str) -> Iterator[_Leaf]:
    marked = call.operation.marks.get("tenants", Marks()).paths
    around = [str(call.arguments[name]) for name in marked if call.arguments.get(name)]
    start = _Leaf(
        (),
        "",
        around[0] if around else "",
        Holder(target_name(call.operation, call.preview)),
        call.preview.target,
        call.arguments,
    )
    yield from _at(path.split("."), call.arguments, start)


def _at(parts: list[str], data: Mapping[str, Any], leaf: _Leaf) -> Iterator[_Leaf]:
    """What stands at the end of a path; tenant and holder are those of the innermost object."""
    name, *rest = parts
    plain = name.removesuffix("[]")
    value = data.get(plain)
    if not rest:
        if texts := _texts(value):
            yield leaf._replace(values=texts, field=plain, around=data)
        return
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, Mapping):
            continue
        member = plain in _MEMBERSHIPS
        holder = leaf.holder if member else _holder(item, leaf.holder)
        several = isinstance(value, list) and not member
        own = _own(leaf.before, holder) if several else leaf.before
        tenant = str(item.get("tenantId") or leaf.tenant)
        yield from _at(rest, item, leaf._replace(tenant=tenant, holder=holder, before=own))


def _texts(value: Any) -> tuple[str, ...]:
    """A text, or those in a list of them."""
    given = value if isinstance(value, list) else [value]
    return tuple(one for one in given if isinstance(one, str) and one)


def _holder(item: Mapping[str, Any], around: Holder) -> Holder:
    groups = item.get("groups")
    if isinstance(groups, list) and groups:
        return Holder(", ".join(map(str, groups)), group=True)
    return Holder(next((str(item[key]) for key in _NAMES if item.get(key)), around.who))


def _own(before: Any, holder: Holder) -> Any:
    """The before-state of one of several holders."""
    several = before if isinstance(before, list) else [before]
    holders = [one for one in several if isinstance(one, Mapping)]
    return next((one for one in holders if holder.who in (one.get("loginIds") or ())), None)


def _members(before: Any) -> list[Any]:
    if not isinstance(before, Mapping):
        return []
    return [one for name in _MEMBERSHIPS for one in before.get(name) or ()]


def _tenants(before: Any) -> set[str]:
    return {str(one.get("tenantId")) for one in _members(before)}


def _present(leaf: _Leaf) -> tuple[str, ...]:
    """The roles that a holder has: in the tenant, or under the same name as in the call."""
    before, tenant, field = leaf.before, leaf.tenant, leaf.field
    if not isinstance(before, Mapping):
        return ()
    if tenant and (members := _members(before)):
        held = [r for m in members if m.get("tenantId") == tenant for r in m.get("roleNames") or ()]
    else:
        held = [] if tenant and field == "roleNames" else before.get(field) or []
    return _texts(held) if isinstance(held, list) else ()

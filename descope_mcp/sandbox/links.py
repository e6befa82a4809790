"""What ties records together: roles given to users and keys, memberships, permissions of roles.

Roles are given by name. Inside a tenant a name means the tenant's own role if it has one, else
the project's, so every change to a role goes through `role_named`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from descope_mcp.sandbox.errors import (
    INVALID,
    MALFORMED,
    NO_PERMISSION,
    NO_ROLE,
    NO_TENANT,
    DescopeError,
)
from descope_mcp.sandbox.fields import Record, distinct, strings
from descope_mcp.sandbox.state import State


def holders(state: State) -> Iterator[tuple[Record, list[Record]]]:
    """Everything that can have roles, with its memberships."""
    for user in state.users.values():
        yield user, user["userTenants"]
    for key in state.access_keys.values():
        yield key, key["keyTenants"]


def tenant(state: State, tenant_id: str) -> Record:
    """The tenant, or E111104."""
    if tenant_id not in state.tenants:
        raise DescopeError(NO_TENANT, f"Tenant not found: {tenant_id}")
    return state.tenants[tenant_id]


def role_named(state: State, name: str, tenant_id: str = "") -> Record | None:
    """What `name` means in the tenant, or in the project without one."""
    found = {r["tenantId"]: r for r in state.roles.values() if r["name"] == name}
    return found.get(tenant_id) or found.get("")


def known_roles(state: State, names: Iterable[str], tenant_id: str = "") -> list[str]:
    """`names` without repetitions; E111403 if one of them means nothing there."""
    out = distinct(names)
    for name in out:
        if role_named(state, name, tenant_id) is None:
            raise DescopeError(NO_ROLE, f"Role not found: {name}")
    return out


def known_permissions(state: State, names: Iterable[str]) -> list[str]:
    """`names` without repetitions; E111303 if there is no such permission."""
    out, known = distinct(names), {p["name"] for p in state.permissions.values()}
    for name in out:
        if name not in known:
            raise DescopeError(NO_PERMISSION, f"Permission not found: {name}")
    return out


def memberships(state: State, given: Iterable[Any]) -> list[Record]:
    """Memberships as they are stored: tenant id and role names, both of which must exist."""
    out: dict[str, Record] = {}
    for item in given:
        if not isinstance(item, Mapping):
            raise DescopeError(MALFORMED, "A tenant must be an object with a tenantId")
        tenant_id = tenant(state, str(item.get("tenantId") or ""))["id"]
        names = known_roles(state, strings(item, "roleNames"), tenant_id)
        out[tenant_id] = {"tenantId": tenant_id, "roleNames": names}
    return list(out.values())


def membership(memberships: Iterable[Record], tenant_id: str) -> Record:
    """The membership in one tenant; an error if there is none."""
    for item in memberships:
        if item["tenantId"] == tenant_id:
            return item
    raise DescopeError(INVALID, f"Not associated with tenant {tenant_id}")


def permissions_of(state: State, role_names: Iterable[str], tenant_id: str = "") -> list[str]:
    """The permissions that the roles give together."""
    roles = (role_named(state, name, tenant_id) for name in role_names)
    return distinct(p for role in roles if role for p in role["permissionNames"])


def replace_role(state: State, role: Record, new_name: str | None) -> None:
    """Rename `role` wherever it is given, or take it away with None.

    To be called while `role` still has its old name, since only that tells in which tenants the
    name means this role.
    """
    name = role["name"]
    for holder, items in holders(state):
        if not role["tenantId"]:
            holder["roleNames"] = _replaced(holder["roleNames"], name, new_name)
        for item in items:
            if role_named(state, name, item["tenantId"]) is role:
                item["roleNames"] = _replaced(item["roleNames"], name, new_name)
    for each in state.tenants.values():
        if role_named(state, name, each["id"]) is role:
            each["defaultRoles"] = _replaced(each["defaultRoles"], name, new_name)


def replace_permission(state: State, name: str, new_name: str | None) -> None:
    """Rename a permission in every role, or take it away with None."""
    for role in state.roles.values():
        role["permissionNames"] = _replaced(role["permissionNames"], name, new_name)


def _replaced(names: list[str], old: str, new: str | None) -> list[str]:
    return distinct((new or "") if name == old else name for name in names)

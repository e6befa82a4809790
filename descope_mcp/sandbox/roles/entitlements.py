"""What follows from the roles that users and keys have, and their memberships in tenants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import INVALID, MALFORMED, DescopeError
from descope_mcp.sandbox.engine.fields import Record, distinct, strings
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.roles.tables import ROLES


def role_named(state: State, name: str, tenant_id: str = "") -> Record | None:
    """What `name` means in the tenant, or in the project without one."""
    own = state.find(ROLES, name=name, tenantId=tenant_id)
    return own or state.find(ROLES, name=name, tenantId="")


def memberships(given: Iterable[Any]) -> list[Record]:
    """Memberships as they are stored: tenant id and role names, each tenant once."""
    out: dict[str, Record] = {}
    for item in given:
        if not (isinstance(item, Mapping) and isinstance(item.get("tenantId"), str)):
            raise DescopeError(MALFORMED, "A tenant must be an object with a tenantId")
        tenant_id = item["tenantId"]
        out[tenant_id] = {"tenantId": tenant_id, "roleNames": strings(item, "roleNames")}
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

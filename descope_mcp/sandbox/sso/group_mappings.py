"""Giving the users of a tenant the roles that its SSO configuration maps their groups to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.fields import distinct
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sso.settings import found, role_names
from descope_mcp.sandbox.tenants.groups import GROUPS
from descope_mcp.sandbox.users.handlers import touched
from descope_mcp.sandbox.users.tables import USERS


@handles("RecalculateSSOMappings", required=["tenantId"])
def recalculate_sso_mappings(state: State, arguments: Arguments) -> Answer:
    """Set the roles in the tenant of everybody who signs in by SSO or is in one of its groups.

    They get the configuration's default roles and those of their groups, and lose all others.
    Who signs in otherwise keeps theirs.
    """
    settings = found(state, arguments)
    if settings is None or not settings["protocol"]:
        return {}
    tenant_id, side = settings["tenantId"], settings[settings["protocol"]]
    groups = state.all(GROUPS, tenantId=tenant_id)
    for user in state.all(USERS, **{"userTenants[].tenantId": tenant_id}):
        own = [g["display"] for g in groups if user["userId"] in g["members"]]
        if not (own or user["SAML"] or user["OIDC"] or user["SCIM"]):
            continue
        roles = mapped_roles(state, side, own)
        memberships = [
            {**m, "roleNames": roles} if m["tenantId"] == tenant_id else m
            for m in user["userTenants"]
        ]
        if memberships != user["userTenants"]:
            touched(state, user, userTenants=memberships)
    return {}


def mapped_roles(state: State, side: Mapping[str, Any], groups: list[str]) -> list[str]:
    """The roles of somebody in `groups`.

    If some of them have a priority, only the one that comes first counts.
    """
    ranked = [group for group in side["groupsPriority"] if group in groups]
    counted = ranked[:1] or groups
    ids = [r["roleId"] for r in side["roleGroups"] if not set(r["groups"]).isdisjoint(counted)]
    return distinct(role_names(state, [*side["defaultRoleIds"], *ids]))

"""Groups of a tenant's users, as its identity provider sends them over SCIM or at sign-in.

Their members get roles by the mappings of the tenant's SSO configurations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import GROUP_EXISTS, NO_GROUP, NO_TENANT, NO_USER
from descope_mcp.sandbox.engine.fields import Record, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, Unique, register
from descope_mcp.sandbox.tenants.tables import TENANTS
from descope_mcp.sandbox.users.lookup import by_login_id
from descope_mcp.sandbox.users.tables import USERS

#: `members` are user ids.
GROUPS = register(
    Table(
        "groups",
        "G",
        missing=NO_GROUP,
        unique=(Unique(("display", "tenantId"), GROUP_EXISTS),),
        references=(
            Reference("tenantId", "tenants", unknown=NO_TENANT, on_delete="cascade"),
            Reference("members[]", "users", "userId", unknown=NO_USER, on_delete="drop"),
        ),
        template={
            "display": "",
            "tenantId": "",
            "members": [],
            "externalId": "",
            "createdTime": 0,
            "modifiedTime": 0,
        },
    )
)


@handles("LoadGroups", required=["tenantId"])
def load_groups(state: State, arguments: Arguments) -> Answer:
    """The tenant's groups with their members: a bare list, as are the other two answers."""
    return [_shown(state, group) for group in _of_tenant(state, arguments)]


@handles("LoadMemberGroups", required=["tenantId"], any_of=["loginIds[]", "userIds[]"])
def load_member_groups(state: State, arguments: Arguments) -> Answer:
    """The groups that have one of the users as member."""
    wanted = {by_login_id(state, i)["userId"] for i in strings(arguments, "loginIds")}
    wanted |= {state.get(USERS, i)["userId"] for i in strings(arguments, "userIds")}
    groups = _of_tenant(state, arguments)
    return [_shown(state, group) for group in groups if wanted.intersection(group["members"])]


@handles("LoadGroupMembers", required=["tenantId", "groupId"])
def load_group_members(state: State, arguments: Arguments) -> Answer:
    """One group with its members."""
    groups = [g for g in _of_tenant(state, arguments) if g["id"] == arguments["groupId"]]
    return [_shown(state, group) for group in groups]


def _of_tenant(state: State, arguments: Arguments) -> list[Record]:
    tenant = state.get(TENANTS, arguments["tenantId"])
    return state.all(GROUPS, tenantId=tenant["id"])


def _shown(state: State, group: Mapping[str, Any]) -> Record:
    users = [state.get(USERS, user_id) for user_id in group["members"]]
    members = [
        {"loginId": user["loginIds"][0], "userId": user["userId"], "display": user["name"]}
        for user in users
    ]
    return {"id": group["id"], "display": group["display"], "members": members}

"""Searching users, and their sign-in history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from descope_mcp.sandbox import filters
from descope_mcp.sandbox.fields import Record, fill, given, integer, objects, strings
from descope_mcp.sandbox.registry import Answer, Arguments, handles
from descope_mcp.sandbox.state import State
from descope_mcp.sandbox.users import view

SEARCHED = {
    "loginIds": "loginIds",
    "userIds": "userId",
    "roleNames": "roleNames",
    "statuses": "status",
    "emails": "email",
    "phones": "phone",
    "ssoAppIds": "ssoAppIds",
    "recoveryEmails": "recoveryEmail",
    "recoveryPhones": "recoveryPhone",
}

#: Filters that apply when they are given, be it with false.
YES_OR_NO = {
    "verifiedEmail": "verifiedEmail",
    "verifiedPhone": "verifiedPhone",
    "verifiedRecoveryEmail": "verifiedRecoveryEmail",
    "verifiedRecoveryPhone": "verifiedRecoveryPhone",
    "password": "password",
    "totp": "TOTP",
    "webauthn": "webauthn",
    "scim": "SCIM",
}

TEXT_FIELDS = ("name", "givenName", "familyName", "email", "phone", "loginIds", "userId")

OTHERS: Record = {
    "loginId": "",
    "text": "",
    "tenantIds": [],
    "includeSubTenants": False,
    "ssoOnly": False,
    "scimOnly": False,
    "withTestUser": False,
    "testUsersOnly": False,
    "tenantRoleNames": {},
    "tenantRoleIds": {},
    "selectedColumns": [],
}


@handles("SearchUsers", "SearchUsersV1")
def search_users(state: State, arguments: Arguments) -> Answer:
    """Users that pass every filter, a page of them, and how many there are in all.

    Test users are left out unless they are asked for.
    """
    asked = fill(OTHERS, arguments)
    wanted = filters.asked(arguments, SEARCHED)
    flags = given(dict.fromkeys(YES_OR_NO, False), arguments)
    found = []
    for user in filters.ordered(state.users.values(), arguments.get("sort")):
        shown = view(state, user)
        if (
            filters.matches(shown, wanted)
            and all(shown[YES_OR_NO[name]] is value for name, value in flags.items())
            and filters.has_text(shown, asked["text"], TEXT_FIELDS)
            and filters.has_attributes(shown, arguments)
            and _is_in_time(user, arguments)
            and _is_asked_for(shown, asked)
            and _is_in_tenants(state, shown, asked)
        ):
            found.append(shown)
    shown_page = filters.page(found, arguments)
    if columns := asked["selectedColumns"]:
        shown_page = [{k: v for k, v in user.items() if k in columns} for user in shown_page]
    return {"users": shown_page, "total": len(found)}


@handles("SearchTestUsers")
def search_test_users(state: State, arguments: Arguments) -> Answer:
    """As `search_users`, but test users only."""
    return search_users(state, {**arguments, "testUsersOnly": True})


def _is_asked_for(user: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    tests = asked["withTestUser"] or asked["testUsersOnly"]
    return (
        (tests if user["test"] else not asked["testUsersOnly"])
        and (not asked["loginId"] or asked["loginId"] in user["loginIds"])
        and (not asked["ssoOnly"] or user["SAML"] or user["OIDC"])
        and (not asked["scimOnly"] or user["SCIM"])
    )


def _is_in_tenants(state: State, user: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """A member of one of the tenants, with the roles that are asked for in each."""
    tenant_ids = strings(asked, "tenantIds")
    if asked["includeSubTenants"]:
        # Parents are older than their children, so one pass finds every level.
        for tenant in state.tenants.values():
            if tenant["parent"] in tenant_ids:
                tenant_ids.append(tenant["id"])
    own = {m["tenantId"]: m["roleNames"] for m in user["userTenants"]}
    if tenant_ids and not any(tenant_id in own for tenant_id in tenant_ids):
        return False
    return all(
        tenant_id in own and _has_roles(own[tenant_id], names, roles)
        for tenant_id, names, roles in _asked_roles(state, asked)
    )


def _asked_roles(
    state: State, asked: Mapping[str, Any]
) -> Iterator[tuple[str, list[str], Mapping[str, Any]]]:
    """Tenant, names and the rest of every ``tenantRoleNames`` and ``tenantRoleIds``."""
    for argument in ("tenantRoleNames", "tenantRoleIds"):
        values = objects({argument: list(asked[argument].values())}, argument)
        for tenant_id, roles in zip(asked[argument], values, strict=True):
            names = strings(roles, "values")
            if argument == "tenantRoleIds":
                names = [state.roles[i]["name"] for i in names if i in state.roles]
            yield tenant_id, names, roles


def _has_roles(own: list[str], wanted: list[str], roles: Mapping[str, Any]) -> bool:
    """Whether a member has one, or with ``and`` all, of the roles."""
    return (all if roles.get("and") else any)(name in own for name in wanted)


def _is_in_time(user: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    """Whether creation and last change lie between the limits, in epoch milliseconds."""
    times = {"Created": user["createdTime"] * 1000, "Modified": user["modifiedTime"]}
    first = {which: integer(arguments, f"from{which}Time") for which in times}
    last = {which: integer(arguments, f"to{which}Time") or times[which] for which in times}
    return all(first[which] <= times[which] <= last[which] for which in times)


@handles("UsersAuthHistory")
def users_auth_history(state: State, arguments: Arguments) -> Answer:
    """A bare list, as is the request. Nobody signs in to the sandbox yet, so it is empty."""
    return []


@handles("UsersAuthHistoryV2", required=["userIds[]"])
def users_auth_history_v2(state: State, arguments: Arguments) -> Answer:
    """As `users_auth_history`, but wrapped."""
    return {"usersAuthHistory": []}

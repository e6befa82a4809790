"""Searching users, and their sign-in history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox import filters
from descope_mcp.sandbox.fields import Record, fill, given, integer
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
            and filters.has_attributes(shown, arguments.get("customAttributes"))
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
    tenant_ids = set(asked["tenantIds"])
    if asked["includeSubTenants"]:
        tenant_ids |= {t["id"] for t in state.tenants.values() if t["parent"] in tenant_ids}
    own = {m["tenantId"]: m["roleNames"] for m in user["userTenants"]}
    if tenant_ids and tenant_ids.isdisjoint(own):
        return False
    by_id = {
        tenant_id: {**roles, "values": _role_names(state, roles.get("values") or [])}
        for tenant_id, roles in asked["tenantRoleIds"].items()
    }
    return all(
        _has_roles(own.get(tenant_id), roles)
        for wanted in (asked["tenantRoleNames"], by_id)
        for tenant_id, roles in wanted.items()
    )


def _role_names(state: State, ids: list[str]) -> list[str]:
    return [state.roles[i]["name"] for i in ids if i in state.roles]


def _has_roles(own: list[str] | None, wanted: Mapping[str, Any]) -> bool:
    """Whether a member has one, or with ``and`` all, of the roles in ``values``."""
    if own is None:
        return False
    names = wanted.get("values") or []
    return (all if wanted.get("and") else any)(name in own for name in names)


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
    return {"usersAuthHistory": []}

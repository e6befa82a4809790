"""Searching users."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from descope_mcp.sandbox.engine import filters
from descope_mcp.sandbox.engine.fields import Record, fill, given, integer, objects, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.roles.tables import ROLES
from descope_mcp.sandbox.tenants.tables import TENANTS
from descope_mcp.sandbox.users.handlers import view
from descope_mcp.sandbox.users.tables import USERS

Condition = Callable[[Record], bool]

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
    found = state.all(USERS)
    for condition in [*_tenants(state, asked), *_fields(state, asked, arguments), *_kinds(asked)]:
        found = [user for user in found if condition(user)]
    page = filters.page(filters.ordered(found, arguments.get("sort")), arguments)
    shown = [view(state, user) for user in page]
    if columns := asked["selectedColumns"]:
        shown = [{k: v for k, v in user.items() if k in columns} for user in shown]
    return {"users": shown, "total": len(found)}


@handles("SearchTestUsers")
def search_test_users(state: State, arguments: Arguments) -> Answer:
    """As `search_users`, but test users only."""
    return search_users(state, {**arguments, "testUsersOnly": True})


def _kinds(asked: Record) -> Iterator[Condition]:
    """Which sorts of users are asked for."""
    if not (asked["withTestUser"] or asked["testUsersOnly"]):
        yield lambda user: not user["test"]
    if asked["testUsersOnly"]:
        yield lambda user: bool(user["test"])
    if asked["ssoOnly"]:
        yield lambda user: bool(user["SAML"] or user["OIDC"])
    if asked["scimOnly"]:
        yield lambda user: bool(user["SCIM"])


def _fields(state: State, asked: Record, arguments: Arguments) -> Iterator[Condition]:
    """What is asked of the user's own fields; what is left out is not looked at."""
    if asked["loginId"]:
        yield lambda user: asked["loginId"] in user["loginIds"]
    if wanted := filters.asked(arguments, SEARCHED):
        yield lambda user: filters.matches(user, wanted)
    if flags := given(dict.fromkeys(YES_OR_NO, False), arguments):
        yield lambda user: _has_flags(view(state, user), flags)
    if asked["text"]:
        with_text = state.containing(USERS, asked["text"])
        yield lambda user: user["userId"] in with_text
    if given({"customAttributes": {}}, arguments).get("customAttributes"):
        yield lambda user: filters.has_attributes(user, arguments)
    for which, field, unit in (("Created", "createdTime", 1000), ("Modified", "modifiedTime", 1)):
        first, last = (integer(arguments, f"{end}{which}Time") for end in ("from", "to"))
        if first or last:
            yield partial(_is_between, field=field, unit=unit, first=first, last=last)


def _has_flags(shown: Record, flags: Mapping[str, bool]) -> bool:
    return all(shown[YES_OR_NO[name]] is value for name, value in flags.items())


def _is_between(user: Record, *, field: str, unit: int, first: int, last: int) -> bool:
    """Whether a time of the user lies between the limits, in epoch milliseconds; 0 is none.

    The first is exclusive, the last is not: who asks again from the last time that was seen does
    not get the same users again.
    """
    time = int(user[field]) * unit
    return first < time <= (last or time)


def _tenants(state: State, asked: Record) -> Iterator[Condition]:
    """The tenants of which a user must be in one, and the roles to have in each of some."""
    tenant_ids = strings(asked, "tenantIds")
    if asked["includeSubTenants"]:
        # Parents are older than their children, so one pass finds every level.
        for tenant in state.all(TENANTS):
            if tenant["parent"] in tenant_ids:
                tenant_ids.append(tenant["id"])
    if tenant_ids:
        path = "userTenants[].tenantId"
        members = {u["userId"] for i in tenant_ids for u in state.all(USERS, **{path: i})}
        yield lambda user: user["userId"] in members
    for tenant_id, names, roles in _asked_roles(state, asked):
        yield partial(_has_roles, tenant_id=tenant_id, wanted=names, every_one=roles.get("and"))


def _asked_roles(
    state: State, asked: Mapping[str, Any]
) -> Iterator[tuple[str, list[str], Mapping[str, Any]]]:
    """Tenant, names and the rest of every ``tenantRoleNames`` and ``tenantRoleIds``."""
    for argument in ("tenantRoleNames", "tenantRoleIds"):
        values = objects({argument: list(asked[argument].values())}, argument)
        for tenant_id, roles in zip(asked[argument], values, strict=True):
            names = strings(roles, "values")
            if argument == "tenantRoleIds":
                names = [_held_name(state, tenant_id, role_id) for role_id in names]
            yield tenant_id, names, roles


def _held_name(state: State, tenant_id: str, role_id: str) -> str:
    """The name by which members of a tenant hold this very role; "", which nobody has, if none do.

    In a tenant a name means the tenant's own role, and the project's only where it has none.
    """
    role = state.find(ROLES, id=role_id)
    if role is None:
        return ""
    meant = state.find(ROLES, name=role["name"], tenantId=tenant_id) or state.find(
        ROLES, name=role["name"], tenantId=""
    )
    return role["name"] if meant and meant["id"] == role_id else ""


def _has_roles(user: Record, *, tenant_id: str, wanted: list[str], every_one: object) -> bool:
    """Whether a member of the tenant has one, or with `every_one` all, of the roles there."""
    own = (m["roleNames"] for m in user["userTenants"] if m["tenantId"] == tenant_id)
    return any((all if every_one else any)(name in held for name in wanted) for held in own)

"""Users: loading, creating, replacing, patching, deleting. Test users are users with a mark."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import DescopeError
from descope_mcp.sandbox.engine.fields import (
    Record,
    distinct,
    fill,
    given,
    objects,
    one_of,
    strings,
)
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.roles import entitlements
from descope_mcp.sandbox.sign_in import password_rules
from descope_mcp.sandbox.tenants.tables import TENANTS
from descope_mcp.sandbox.users.invitations import invite
from descope_mcp.sandbox.users.lookup import by_either_id, by_identifier
from descope_mcp.sandbox.users.tables import CREDENTIALS, EDITABLE, USERS

STATUSES = ("enabled", "disabled", "invited")

#: Names that SDKs send for the same fields.
_ALIASES = {
    "identifier": "loginId",
    "displayName": "name",
    "additionalLoginIds": "additionalIdentifiers",
    "ssoAppIDs": "ssoAppIds",
}


@handles("LoadUser", any_of=["loginId", "userId"])
def load_user(state: State, arguments: Arguments) -> Answer:
    """One user, by login id or by user id."""
    return answer(state, by_either_id(state, arguments))


@handles("LoadUsers", required=["userIds[]"])
def load_users(state: State, arguments: Arguments) -> Answer:
    """The users that exist; ids of others are passed over."""
    ids = strings(arguments, "userIds")
    found = [view(state, user) for i in ids if (user := state.find(USERS, userId=i))]
    return {"users": found, "total": len(found)}


@handles("CreateUser", required=["loginId"])
def create_user(state: State, arguments: Arguments) -> Answer:
    """A new user, who is invited if that is asked for."""
    user = add_user(state, arguments)
    invite(state, arguments, user)
    return {**answer(state, user), "created": True}


@handles("CreateTestUser", required=["loginId"])
def create_test_user(state: State, arguments: Arguments) -> Answer:
    """As `create_user`, marked as a test user."""
    return {**answer(state, add_user(state, {**arguments, "test": True})), "created": True}


@handles("CreateUsers", required=["users[]"])
def create_users(state: State, arguments: Arguments) -> Answer:
    """Those that can be created are; the others are listed with the reason, under HTTP 200."""
    created, failed = [], []
    for item in objects(arguments, "users"):
        try:
            with state.transaction():
                user = add_user(state, item)
                invite(state, arguments, user)
                created.append(view(state, user))
        except DescopeError as error:
            failed.append(_failure(item, error))
    return {"createdUsers": created, "failedUsers": failed, "additionalErrors": {}}


@handles("UpdateUser", required=["loginId"])
def update_user(state: State, arguments: Arguments) -> Answer:
    """Replace everything that can be edited: what is left out is cleared."""
    user = by_identifier(state, arguments["loginId"])
    arguments = renamed(arguments)
    _edit(state, user, arguments, fill(EDITABLE, arguments))
    return answer(state, user)


@handles("PatchUser", required=["loginId"])
def patch_user(state: State, arguments: Arguments) -> Answer:
    """Change what is given: null or left out keeps, an empty list clears."""
    return answer(state, _patch(state, arguments))


@handles("PatchUserBatch", required=["users[]"])
def patch_user_batch(state: State, arguments: Arguments) -> Answer:
    """As `create_users`: failures are listed under HTTP 200."""
    patched, failed = [], []
    for item in objects(arguments, "users"):
        try:
            with state.transaction():
                patched.append(view(state, _patch(state, item)))
        except DescopeError as error:
            failed.append(_failure(item, error))
    return {"patchedUsers": patched, "failedUsers": failed, "additionalErrors": {}}


@handles("DeleteUser", any_of=["loginId", "userId"])
def delete_user(state: State, arguments: Arguments) -> Answer:
    """Delete a user with their credentials."""
    user = by_either_id(state, arguments)
    state.delete(USERS, user["userId"])
    state.record("UserDeleted", user=user)
    return None


@handles("DeleteUsers", required=["userIds[]"])
def delete_users(state: State, arguments: Arguments) -> Answer:
    """Delete by user id; ids of nobody are passed over."""
    found = (state.find(USERS, userId=i) for i in strings(arguments, "userIds"))
    remove_users(state, [user for user in found if user])
    return None


@handles("DeleteAllTestUsers")
def delete_all_test_users(state: State, arguments: Arguments) -> Answer:
    """Delete every test user, and nobody else."""
    remove_users(state, state.all(USERS, test=True))
    return None


def touched(state: State, user: Record, **fields: Any) -> Answer:
    """Write `fields`, record that `user` was changed, and give the usual answer."""
    state.change(USERS, user, {**fields, "modifiedTime": state.now_ms()})
    state.record("UserModified", user=user)
    return answer(state, user)


def answer(state: State, user: Record) -> dict[str, Any]:
    """The answer of every operation on one user."""
    return {"user": view(state, user), "created": False}


def view(state: State, user: Record) -> Record:
    """A user as answers show it: what is stored and what follows from other records."""
    own = state.get(CREDENTIALS, user["userId"])
    tenants = [
        {
            **item,
            "tenantName": state.get(TENANTS, item["tenantId"])["name"],
            "permissions": entitlements.permissions_of(state, item["roleNames"], item["tenantId"]),
        }
        for item in user["userTenants"]
    ]
    return {
        **{name: value for name, value in user.items() if name != "modifiedTime"},
        "externalIds": user["loginIds"],
        "userTenants": tenants,
        "permissions": entitlements.permissions_of(state, user["roleNames"]),
        "password": bool(own["password"]),
        "TOTP": bool(own["totp"]),
        "webauthn": bool(own["passkeys"]),
    }


def phone_number(value: str) -> str:
    """A phone number without everything that only makes it readable."""
    return re.sub(r"[^\d+]", "", value)


def _normal(fields: Record) -> Record:
    """`fields` with phones, role names and memberships as they are stored."""
    for name in ("phone", "recoveryPhone"):
        if name in fields:
            fields[name] = phone_number(fields[name])
    for name in ("roleNames", "ssoAppIds"):
        if name in fields:
            fields[name] = distinct(fields[name])
    if "userTenants" in fields:
        fields["userTenants"] = entitlements.memberships(fields["userTenants"])
    return fields


def remove_users(state: State, users: list[Record]) -> None:
    """Take users and their credentials away, in one entry of the audit trail."""
    for user in users:
        state.delete(USERS, user["userId"])
    if users:
        ids = [user["userId"] for user in users]
        tenants = distinct(m["tenantId"] for user in users for m in user["userTenants"])
        state.record("UsersDeleted", tenants=tenants, data={"userIds": ids})


def add_user(state: State, arguments: Arguments) -> Record:
    """Store a new user with credentials, from the arguments of ``CreateUser``."""
    arguments = renamed(arguments)
    require(arguments, "loginId")
    more = {"loginId": "", "additionalIdentifiers": [], "status": "invited", "test": False}
    extra = fill({**more, "password": "", "seed": "", "createdTime": 0}, arguments)
    if arguments.get("email") is None and "@" in extra["loginId"]:
        arguments["email"] = extra["loginId"]
    new = {
        "loginIds": distinct([extra["loginId"], *extra["additionalIdentifiers"]]),
        **_normal(fill(EDITABLE, _vouched(arguments))),
        "status": one_of("status", extra["status"] or "invited", STATUSES),
        "test": extra["test"],
        "createdTime": extra["createdTime"] or state.now(),
        "modifiedTime": state.now_ms(),
    }
    user = state.add(USERS, new)
    # What was hashed elsewhere counts as a password, but nobody can sign in with it here.
    password = "imported" if arguments.get("hashedPassword") else ""
    if extra["password"]:
        password = password_rules.hashed(state.random, extra["password"])
    own = {"password": password, "totp": extra["seed"]}
    state.add(CREDENTIALS, {"userId": user["userId"], **own})
    state.record("UserCreated", user=user)
    return user


def _patch(state: State, arguments: Arguments) -> Record:
    arguments = renamed(arguments)
    require(arguments, "loginId")
    user = by_identifier(state, arguments["loginId"])
    fields = given(EDITABLE, _vouched(arguments))
    if "customAttributes" in fields:
        fields["customAttributes"] = user["customAttributes"] | fields["customAttributes"]
    _edit(state, user, arguments, fields)
    return user


def _edit(state: State, user: Record, arguments: Arguments, fields: Record) -> None:
    """Write `fields`, and the status and the additional login ids if they are given."""
    extra = given({"status": "", "additionalIdentifiers": []}, arguments)
    new = _normal(fields)
    if extra.get("status"):
        new["status"] = one_of("status", extra["status"], STATUSES)
    if "additionalIdentifiers" in extra:
        own = [i for i in user["loginIds"] if i == arguments["loginId"]] or user["loginIds"]
        new["loginIds"] = distinct([own[0], *extra["additionalIdentifiers"]])
    touched(state, user, **new)


def _vouched(arguments: Arguments) -> Record:
    """`arguments`, with an address that a backend gives verified unless it says otherwise.

    So it is in the end-to-end tests of Descope's Python SDK.
    """
    flags = {"email": "verifiedEmail", "phone": "verifiedPhone"}
    said = {
        flag: bool(arguments[of]) for of, flag in flags.items() if arguments.get(of) is not None
    }
    return {**said, **{name: value for name, value in arguments.items() if value is not None}}


def renamed(arguments: Arguments) -> dict[str, Any]:
    """`arguments` under the names of the contract."""
    return {_ALIASES.get(name, name): value for name, value in arguments.items()}


def _failure(item: Mapping[str, Any], error: DescopeError) -> Record:
    """One entry of ``failedUsers``: the user as it was asked for, and why it was not made."""
    login_ids = [i for i in [renamed(item).get("loginId")] if i]
    user = {
        **{name: value for name, value in USERS.template.items() if name != "modifiedTime"},
        "loginIds": login_ids,
        "externalIds": login_ids,
        **dict.fromkeys(("userId", "status"), ""),
        **dict.fromkeys(("test", "password", "TOTP", "webauthn"), False),
        "createdTime": 0,
        "permissions": [],
    }
    return {"failure": error.message, "user": user}

"""Users: loading, creating, replacing, patching, deleting. Test users are users with a mark."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox import links
from descope_mcp.sandbox.errors import DescopeError
from descope_mcp.sandbox.fields import Record, distinct, fill, given, objects, one_of, strings
from descope_mcp.sandbox.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.state import Credentials, State
from descope_mcp.sandbox.user_lookup import by_either_id, by_identifier, ensure_free

STATUSES = ("enabled", "disabled", "invited")

#: What create, replace and patch take. Two of them have rules of their own: `status` is never
#: cleared, and `additionalIdentifiers` are the login ids after the first.
EDITABLE: Record = {
    "name": "",
    "email": "",
    "phone": "",
    "verifiedEmail": False,
    "verifiedPhone": False,
    "roleNames": [],
    "userTenants": [],
    "customAttributes": {},
    "picture": "",
    "ssoAppIds": [],
    "givenName": "",
    "middleName": "",
    "familyName": "",
    "recoveryEmail": "",
    "recoveryPhone": "",
    "verifiedRecoveryEmail": False,
    "verifiedRecoveryPhone": False,
}

#: What only other operations, or signing in, can change.
_FIXED: Record = {
    "SAML": False,
    "OAuth": {},
    "OIDC": False,
    "SCIM": False,
    "push": False,
    "editable": True,
    "consentExpiration": 0,
}

#: Names that older clients send for the same fields.
_ALIASES = {
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
    found = [view(state, state.users[i]) for i in ids if i in state.users]
    return {"users": found, "total": len(found)}


@handles("CreateUser", required=["loginId"])
def create_user(state: State, arguments: Arguments) -> Answer:
    """A new user; the invitation that may be asked for is not sent."""
    return {**answer(state, _create(state, arguments)), "created": True}


@handles("CreateTestUser", required=["loginId"])
def create_test_user(state: State, arguments: Arguments) -> Answer:
    """As `create_user`, marked as a test user."""
    return {**answer(state, _create(state, {**arguments, "test": True})), "created": True}


@handles("CreateUsers", required=["users[]"])
def create_users(state: State, arguments: Arguments) -> Answer:
    """Those that can be created are; the others are listed with the reason, under HTTP 200."""
    created, failed = [], []
    for item in objects(arguments, "users"):
        try:
            created.append(view(state, _create(state, item)))
        except DescopeError as error:
            failed.append(_failure(item, error))
    return {"createdUsers": created, "failedUsers": failed, "additionalErrors": {}}


@handles("UpdateUser", required=["loginId"])
def update_user(state: State, arguments: Arguments) -> Answer:
    """Replace everything that can be edited: what is left out is cleared."""
    user = by_identifier(state, arguments["loginId"])
    arguments = _renamed(arguments)
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
            patched.append(view(state, _patch(state, item)))
        except DescopeError as error:
            failed.append(_failure(item, error))
    return {"patchedUsers": patched, "failedUsers": failed, "additionalErrors": {}}


@handles("DeleteUser", any_of=["loginId", "userId"])
def delete_user(state: State, arguments: Arguments) -> Answer:
    """Delete a user with their credentials."""
    user = by_either_id(state, arguments)
    del state.users[user["userId"]]
    del state.credentials[user["userId"]]
    state.record("UserDeleted", user=user)
    return None


@handles("DeleteUsers", required=["userIds[]"])
def delete_users(state: State, arguments: Arguments) -> Answer:
    """Delete by user id; ids of nobody are passed over."""
    users = [state.users[i] for i in strings(arguments, "userIds") if i in state.users]
    remove_users(state, users)
    return None


@handles("DeleteAllTestUsers")
def delete_all_test_users(state: State, arguments: Arguments) -> Answer:
    """Delete every test user, and nobody else."""
    remove_users(state, [user for user in state.users.values() if user["test"]])
    return None


def touched(state: State, user: Record) -> Answer:
    """Record that `user` was changed, and give the usual answer."""
    user["modifiedTime"] = state.now_ms()
    state.record("UserModified", user=user)
    return answer(state, user)


def answer(state: State, user: Record) -> dict[str, Any]:
    """The answer of every operation on one user."""
    return {"user": view(state, user), "created": False}


def view(state: State, user: Record) -> Record:
    """A user as answers show it: what is stored and what follows from other records."""
    own = state.credentials[user["userId"]]
    tenants = [
        {
            **item,
            "tenantName": state.tenants[item["tenantId"]]["name"],
            "permissions": links.permissions_of(state, item["roleNames"], item["tenantId"]),
        }
        for item in user["userTenants"]
    ]
    return {
        **{name: value for name, value in user.items() if name != "modifiedTime"},
        "externalIds": user["loginIds"],
        "userTenants": tenants,
        "permissions": links.permissions_of(state, user["roleNames"]),
        "password": bool(own.password),
        "TOTP": own.totp,
        "webauthn": bool(own.passkeys),
    }


def phone_number(value: str) -> str:
    """A phone number without everything that only makes it readable."""
    return re.sub(r"[^\d+]", "", value)


def _checked(state: State, fields: Record) -> Record:
    """`fields` with phones normalised, and roles and tenants made sure of."""
    for name in ("phone", "recoveryPhone"):
        if name in fields:
            fields[name] = phone_number(fields[name])
    if "roleNames" in fields:
        fields["roleNames"] = links.known_roles(state, fields["roleNames"])
    if "userTenants" in fields:
        fields["userTenants"] = links.memberships(state, fields["userTenants"])
    if "ssoAppIds" in fields:
        fields["ssoAppIds"] = distinct(fields["ssoAppIds"])
    return fields


def remove_users(state: State, users: list[Record]) -> None:
    """Take users and their credentials away, in one entry of the audit trail."""
    for user in users:
        del state.users[user["userId"]]
        del state.credentials[user["userId"]]
    if users:
        ids = [user["userId"] for user in users]
        tenants = distinct(m["tenantId"] for user in users for m in user["userTenants"])
        state.record("UsersDeleted", tenants=tenants, data={"userIds": ids})


def _create(state: State, arguments: Arguments) -> Record:
    arguments = _renamed(arguments)
    require(arguments, "loginId")
    more = {"loginId": "", "additionalIdentifiers": [], "status": "invited", "test": False}
    extra = fill({**more, "password": "", "createdTime": 0}, arguments)
    login_ids = distinct([extra["loginId"], *extra["additionalIdentifiers"]])
    ensure_free(state, login_ids)
    user = {
        "loginIds": login_ids,
        "userId": state.new_id("U"),
        **_checked(state, fill(EDITABLE, arguments)),
        **fill(_FIXED, {}),
        "status": one_of("status", extra["status"] or "invited", STATUSES),
        "test": extra["test"],
        "createdTime": extra["createdTime"] or state.now(),
        "modifiedTime": state.now_ms(),
    }
    state.users[user["userId"]] = user
    hashed = "hashed" if arguments.get("hashedPassword") else ""
    state.credentials[user["userId"]] = Credentials(
        password=extra["password"] or hashed, totp=bool(arguments.get("seed"))
    )
    state.record("UserCreated", user=user)
    return user


def _patch(state: State, arguments: Arguments) -> Record:
    arguments = _renamed(arguments)
    require(arguments, "loginId")
    user = by_identifier(state, arguments["loginId"])
    fields = given(EDITABLE, arguments)
    if "customAttributes" in fields:
        fields["customAttributes"] = user["customAttributes"] | fields["customAttributes"]
    _edit(state, user, arguments, fields)
    return user


def _edit(state: State, user: Record, arguments: Arguments, fields: Record) -> None:
    """Write `fields`, and the status and the additional login ids if they are given."""
    extra = given({"status": "", "additionalIdentifiers": []}, arguments)
    new = _checked(state, fields)
    if extra.get("status"):
        new["status"] = one_of("status", extra["status"], STATUSES)
    if "additionalIdentifiers" in extra:
        own = [i for i in user["loginIds"] if i == arguments["loginId"]] or user["loginIds"]
        new["loginIds"] = distinct([own[0], *extra["additionalIdentifiers"]])
        ensure_free(state, new["loginIds"], user)
    user.update(new)
    touched(state, user)


def _renamed(arguments: Arguments) -> dict[str, Any]:
    return {_ALIASES.get(name, name): value for name, value in arguments.items()}


def _failure(item: Mapping[str, Any], error: DescopeError) -> Record:
    """One entry of ``failedUsers``: the user as it was asked for, and why it was not made."""
    login_ids = [i for i in [_renamed(item).get("loginId")] if i]
    user = {
        **EDITABLE,
        **_FIXED,
        "loginIds": login_ids,
        "externalIds": login_ids,
        **dict.fromkeys(("userId", "status"), ""),
        **dict.fromkeys(("test", "password", "TOTP", "webauthn"), False),
        "createdTime": 0,
        "permissions": [],
    }
    return {"failure": error.message, "user": user}

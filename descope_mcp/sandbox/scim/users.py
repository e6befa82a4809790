"""SCIM users: the users of the tenant that the access key is for, as SCIM shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import BAD_SCIM_PATH, BAD_SCIM_VALUE, NO_USER, DescopeError
from descope_mcp.sandbox.engine.fields import Record, distinct, fill, objects
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.scim import shared as scim
from descope_mcp.sandbox.scim.shared import speaks_scim
from descope_mcp.sandbox.users.handlers import delete_user, touched
from descope_mcp.sandbox.users.tables import USERS

#: SCIM's attributes that are one field of the user, by their path in small letters.
_TEXTS = {
    "displayname": "name",
    "name.givenname": "givenName",
    "name.familyname": "familyName",
    "name.middlename": "middleName",
}

_RESOURCE: Record = {
    "userName": "",
    "displayName": "",
    "name": {},
    "emails": [],
    "active": True,
    "attributes": {},
}


@handles("SearchSCIMUsers")
@speaks_scim
def search(state: State, arguments: Arguments) -> Answer:
    """The users that pass the filter, a page of them."""
    return scim.found([resource(state, user) for user in _users(state)], arguments)


@handles("LoadSCIMUser", required=["userId"])
@speaks_scim
def load(state: State, arguments: Arguments) -> Answer:
    """One user."""
    return resource(state, _user(state, arguments["userId"]))


@handles("UpdateSCIMUser", required=["userId"])
@speaks_scim
def replace(state: State, arguments: Arguments) -> Answer:
    """Replace a user: what is left out is cleared, the user name excepted."""
    user = _user(state, arguments["userId"])
    asked = fill(_RESOURCE, arguments)
    name = fill({"givenName": "", "familyName": "", "middleName": ""}, asked["name"])
    fields = {
        **name,
        "name": asked["displayName"],
        "customAttributes": asked["attributes"],
        **_email(objects(asked, "emails")),
        **_status(asked["active"]),
        **(_user_name(user, asked["userName"]) if asked["userName"] else {}),
        "SCIM": True,
    }
    touched(state, user, **fields)
    return resource(state, user)


@handles("SCIMPatchUser", required=["userId"])
@speaks_scim
def patch(state: State, arguments: Arguments) -> Answer:
    """Change single attributes of a user."""
    user = _user(state, arguments["userId"])
    fields: Record = {"SCIM": True}
    for change in scim.changes(arguments):
        value = None if change.op == "remove" else change.value
        for path, one in _flat(change.path, value).items():
            fields |= _changed({**user, **fields}, path, one)
    touched(state, user, **fields)
    return resource(state, user)


@handles("DeleteSCIMUser", required=["userId"])
@speaks_scim
def delete(state: State, arguments: Arguments) -> Answer:
    """Delete a user for good, as `DeleteUser` does."""
    return delete_user(state, {"userId": _user(state, arguments["userId"])["userId"]})


def resource(state: State, user: Mapping[str, Any]) -> Record:
    """A user as SCIM shows them."""
    modified = user["modifiedTime"] // 1000
    email = {"value": user["email"], "primary": True, "type": "work"}
    return {
        "schemas": [f"{scim.CORE}:User"],
        "id": user["userId"],
        "userName": user["loginIds"][0],
        "displayName": user["name"],
        "name": {name: user[name] for name in ("givenName", "familyName", "middleName")},
        "emails": [email] if user["email"] else [],
        "active": user["status"] != "disabled",
        "attributes": user["customAttributes"],
        "meta": scim.meta(state, "User", user["userId"], user["createdTime"], modified),
    }


def _users(state: State) -> list[Record]:
    tenant = scim.tenant_of(state)
    return state.all(USERS, **{"userTenants[].tenantId": tenant}) if tenant else state.all(USERS)


def _user(state: State, user_id: str) -> Record:
    for user in _users(state):
        if user["userId"] == user_id:
            return user
    raise DescopeError(NO_USER, f"User not found: {user_id}")


def _flat(path: str, value: Any) -> dict[str, Any]:
    """The attributes that a change is about, by their path in small letters.

    The part of a path that chooses among several addresses is left out: a user has only one.
    """
    if not path and isinstance(value, Mapping):
        inner = [_flat(str(name), one) for name, one in value.items()]
        return {name: one for each in inner for name, one in each.items()}
    if path.lower() == "name" and isinstance(value, Mapping):
        return {f"name.{name}".lower(): one for name, one in value.items()}
    plain = re.sub(r"\[[^\]]*\]", "", path).lower()
    return {plain.rpartition("user:")[2] or plain: value}


def _changed(user: Mapping[str, Any], path: str, value: Any) -> Record:
    """The fields of the user that an attribute is; None takes it away."""
    if path in _TEXTS and isinstance(value, str | None):
        return {_TEXTS[path]: value or ""}
    if path == "active" and value is not None:
        return _status(value if isinstance(value, bool) else str(value).lower() == "true")
    if path == "username" and value and isinstance(value, str):
        return _user_name(user, value)
    if path == "emails.value" and isinstance(value, str | None):
        return _email([{"value": value}] if value else [])
    if path == "emails" and isinstance(value, list | None):
        return _email(objects({"emails": value or []}, "emails"))
    if path.startswith("attributes.") and isinstance(value, str | bool | int | None):
        name = path.partition(".")[2]
        kept = {n: v for n, v in user["customAttributes"].items() if n.lower() != name}
        return {"customAttributes": kept if value is None else {**kept, name: value}}
    if path in (*_TEXTS, "active", "username", "emails", "emails.value"):
        raise DescopeError(BAD_SCIM_VALUE, f"The value of {path} does not fit")
    raise DescopeError(BAD_SCIM_PATH, f"Not supported: {path or 'an operation without a path'}")


def _email(emails: list[Mapping[str, Any]]) -> Record:
    """The primary address, else the first."""
    chosen = next((e for e in emails if e.get("primary")), next(iter(emails), {}))
    address = fill({"value": ""}, chosen)["value"]
    return {"email": address, "verifiedEmail": bool(address)}


def _status(active: bool) -> Record:
    return {"status": "enabled" if active else "disabled"}


def _user_name(user: Mapping[str, Any], name: str) -> Record:
    return {"loginIds": distinct([name, *user["loginIds"][1:]])}

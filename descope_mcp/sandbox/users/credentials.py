"""What users sign in with: passwords, passkeys, TOTP, trusted devices; and logging them out.

Passwords, TOTP and passkeys go by login id only; the others take a user id as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import INVALID, DescopeError
from descope_mcp.sandbox.engine.fields import Record, fill, objects, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sessions import sessions
from descope_mcp.sandbox.sign_in import password_rules
from descope_mcp.sandbox.users.handlers import renamed, touched
from descope_mcp.sandbox.users.lookup import by_either_id, by_identifier, by_login_id
from descope_mcp.sandbox.users.tables import CREDENTIALS


@handles("SetUserActivePassword", required=["loginId", "password"])
def set_active_password(state: State, arguments: Arguments) -> Answer:
    """Set a password that can be used at once."""
    return _set_password(state, arguments, expired=False)


@handles("SetUserTemporaryPassword", required=["loginId"])
def set_temporary_password(state: State, arguments: Arguments) -> Answer:
    """Set a password that must be changed at the next sign-in; without one it is made up."""
    return _set_password(state, arguments, expired=True)


def _set_password(state: State, arguments: Arguments, *, expired: bool) -> Answer:
    password = fill({"password": ""}, arguments)["password"] or state.new_secret(16)
    kept = password_rules.hashed(state.random, password)
    _set(state, arguments, password=kept, passwordExpired=expired, wrongPasswords=0)
    return {"cleartext": password}


@handles("ExpireUserPassword", required=["loginId"])
def expire_password(state: State, arguments: Arguments) -> Answer:
    """Ask for a new password at the next sign-in."""
    _set(state, arguments, passwordExpired=True)
    return None


@handles("RemoveUserTOTP", required=["loginId"])
def remove_totp(state: State, arguments: Arguments) -> Answer:
    """Remove the user's authenticator app."""
    _set(state, arguments, totp="")
    return None


@handles("ListUserPasskeys", required=["loginId"])
def list_passkeys(state: State, arguments: Arguments) -> Answer:
    """The user's passkeys."""
    return {"passkeys": _own(state, arguments)["passkeys"]}


@handles("ImportUserPasskeys", required=["loginId", "devices[]"])
def import_passkeys(state: State, arguments: Arguments) -> Answer:
    """Add passkeys that were registered elsewhere."""
    new = [_passkey(state, item) for item in objects(arguments, "devices")]
    _set(state, arguments, passkeys=[*_own(state, arguments)["passkeys"], *new])
    return None


def _passkey(state: State, item: Mapping[str, Any]) -> Record:
    """A passkey from its export by Descope or by Auth0."""
    given = item.get("descope") or item.get("auth0") or {}
    key_id = given.get("credentialId") or given.get("keyId")
    if not key_id:
        raise DescopeError(INVALID, "A passkey needs a credentialId or keyId")
    return {
        "id": key_id,
        "rpId": given.get("rpId") or "",
        "kind": "passkey",
        "displayName": "Imported passkey",
        "createdTime": state.now(),
    }


@handles("RemoveUserPasskey", required=["loginId", "credentialId"])
def remove_passkey(state: State, arguments: Arguments) -> Answer:
    """Remove one passkey, which must be there."""
    passkeys = _own(state, arguments)["passkeys"]
    kept = [p for p in passkeys if p["id"] != arguments["credentialId"]]
    if len(kept) == len(passkeys):
        raise DescopeError(INVALID, f"Passkey not found: {arguments['credentialId']}")
    _set(state, arguments, passkeys=kept)
    return None


@handles("RemoveUserPasskeys", required=["loginId"])
def remove_passkeys(state: State, arguments: Arguments) -> Answer:
    """Remove all of them, or only ``credentialId`` if it is given."""
    if arguments.get("credentialId"):
        return remove_passkey(state, arguments)
    _set(state, arguments, passkeys=[])
    return None


@handles("ListTrustedDevicesForUsers", required=["identifiers[]"])
def list_trusted_devices(state: State, arguments: Arguments) -> Answer:
    """The trusted devices of all the users together."""
    users = [by_identifier(state, i) for i in strings(arguments, "identifiers")]
    devices = [d for user in users for d in state.get(CREDENTIALS, user["userId"])["devices"]]
    return {"devices": devices}


@handles(
    "UpdateUserRemoveTrustedDevices", required=["deviceIds[]"], any_of=["loginId", "identifier"]
)
def remove_trusted_devices(state: State, arguments: Arguments) -> Answer:
    """Forget trusted devices; ids of others are passed over."""
    user = by_identifier(state, renamed(arguments)["loginId"])
    own, gone = state.get(CREDENTIALS, user["userId"]), strings(arguments, "deviceIds")
    kept = [device for device in own["devices"] if device["id"] not in gone]
    state.change(CREDENTIALS, own, {"devices": kept})
    touched(state, user)
    return None


@handles("LogoutAllUserDevices", any_of=["loginId", "userId"])
def logout_all_devices(state: State, arguments: Arguments) -> Answer:
    """End the user's sessions."""
    user = by_either_id(state, arguments)
    kinds = strings(arguments, "sessionTypes")
    sessions.end(state, sessions.of_user(state, user["userId"]))
    state.record("UserLoggedOut", user=user, data={"sessionTypes": kinds})
    return None


def _own(state: State, arguments: Arguments) -> Record:
    """The credentials of the user with this login id."""
    return state.get(CREDENTIALS, by_login_id(state, arguments["loginId"])["userId"])


def _set(state: State, arguments: Arguments, **fields: Any) -> None:
    state.change(CREDENTIALS, _own(state, arguments), fields)
    touched(state, by_login_id(state, arguments["loginId"]))

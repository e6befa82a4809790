"""What users sign in with: passwords, passkeys, TOTP, trusted devices; and logging them out.

Passwords, TOTP and passkeys go by login id only; the others take a user id as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.errors import INVALID, DescopeError
from descope_mcp.sandbox.fields import Record, fill, objects, strings
from descope_mcp.sandbox.registry import Answer, Arguments, handles
from descope_mcp.sandbox.state import Credentials, State
from descope_mcp.sandbox.user_lookup import by_either_id, by_identifier, by_login_id
from descope_mcp.sandbox.users import touched


@handles("SetUserActivePassword", required=["loginId", "password"])
def set_active_password(state: State, arguments: Arguments) -> Answer:
    """Set a password that can be used at once."""
    return _set_password(state, arguments, expired=False)


@handles("SetUserTemporaryPassword", required=["loginId"])
def set_temporary_password(state: State, arguments: Arguments) -> Answer:
    """Set a password that must be changed at the next sign-in; without one it is made up."""
    return _set_password(state, arguments, expired=True)


def _set_password(state: State, arguments: Arguments, *, expired: bool) -> Answer:
    user, own = _user(state, arguments)
    password = fill({"password": ""}, arguments)["password"] or state.new_secret(16)
    own.password, own.password_expired = password, expired
    touched(state, user)
    return {"cleartext": password}


@handles("ExpireUserPassword", required=["loginId"])
def expire_password(state: State, arguments: Arguments) -> Answer:
    """Ask for a new password at the next sign-in."""
    user, own = _user(state, arguments)
    own.password_expired = True
    touched(state, user)
    return None


@handles("RemoveUserTOTP", required=["loginId"])
def remove_totp(state: State, arguments: Arguments) -> Answer:
    """Remove the user's authenticator app."""
    user, own = _user(state, arguments)
    own.totp = False
    touched(state, user)
    return None


@handles("ListUserPasskeys", required=["loginId"])
def list_passkeys(state: State, arguments: Arguments) -> Answer:
    """The user's passkeys."""
    _, own = _user(state, arguments)
    return {"passkeys": own.passkeys}


@handles("ImportUserPasskeys", required=["loginId", "devices[]"])
def import_passkeys(state: State, arguments: Arguments) -> Answer:
    """Add passkeys that were registered elsewhere."""
    user, own = _user(state, arguments)
    own.passkeys += [_passkey(state, item) for item in objects(arguments, "devices")]
    touched(state, user)
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
    user, own = _user(state, arguments)
    kept = [p for p in own.passkeys if p["id"] != arguments["credentialId"]]
    if len(kept) == len(own.passkeys):
        raise DescopeError(INVALID, f"Passkey not found: {arguments['credentialId']}")
    own.passkeys = kept
    touched(state, user)
    return None


@handles("RemoveUserPasskeys", required=["loginId"])
def remove_passkeys(state: State, arguments: Arguments) -> Answer:
    """Remove all of them, or only ``credentialId`` if it is given."""
    if arguments.get("credentialId"):
        return remove_passkey(state, arguments)
    user, own = _user(state, arguments)
    own.passkeys = []
    touched(state, user)
    return None


@handles("ListTrustedDevicesForUsers", required=["identifiers[]"])
def list_trusted_devices(state: State, arguments: Arguments) -> Answer:
    """The trusted devices of all the users together."""
    users = [by_identifier(state, i) for i in strings(arguments, "identifiers")]
    devices = [d for user in users for d in state.credentials[user["userId"]].devices]
    return {"devices": devices}


@handles("UpdateUserRemoveTrustedDevices", required=["loginId", "deviceIds[]"])
def remove_trusted_devices(state: State, arguments: Arguments) -> Answer:
    """Forget trusted devices; ids of others are passed over."""
    user = by_identifier(state, arguments["loginId"])
    own, gone = state.credentials[user["userId"]], strings(arguments, "deviceIds")
    own.devices = [device for device in own.devices if device["id"] not in gone]
    touched(state, user)
    return None


@handles("LogoutAllUserDevices", any_of=["loginId", "userId"])
def logout_all_devices(state: State, arguments: Arguments) -> Answer:
    """End the user's sessions. The sandbox has none yet, so only the audit trail shows it."""
    user = by_either_id(state, arguments)
    kinds = strings(arguments, "sessionTypes")
    state.record("UserLoggedOut", user=user, data={"sessionTypes": kinds})
    return None


def _user(state: State, arguments: Arguments) -> tuple[Record, Credentials]:
    user = by_login_id(state, arguments["loginId"])
    return user, state.credentials[user["userId"]]

"""Signing in by password: the rules, resets by link, and passwords that must be changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import (
    LOCKED_PASSWORD,
    PASSWORD_EXPIRED,
    REUSED_PASSWORD,
    WRONG_PASSWORD,
    DescopeError,
)
from descope_mcp.sandbox.engine.fields import fill
from descope_mcp.sandbox.engine.registry import Answer, Arguments, Reply, failed, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sign_in import magic_links, password_rules
from descope_mcp.sandbox.sign_in import shared as sign_in
from descope_mcp.sandbox.sign_in.shared import known_user
from descope_mcp.sandbox.tenants import settings as tenant_settings
from descope_mcp.sandbox.users.tables import CREDENTIALS

_SHOWN = ("minLength", "lowercase", "uppercase", "number", "nonAlphanumeric")


@handles("SignUpPassword", required=["loginId", "password"])
def sign_up(state: State, arguments: Arguments) -> Answer:
    """A new user with a password, signed in at once."""
    user = sign_in.sign_up(state, arguments)
    _set(state, user, arguments["password"])
    return sign_in.enter(state, user, "pwd", sign_in.options(state, arguments))


@handles("SignInPassword", required=["loginId", "password"])
def sign_in_by_password(state: State, arguments: Arguments) -> Answer:
    """Sign in; an expired password is right, but must be replaced first."""
    user = known_user(state, arguments["loginId"])
    if refusal := _checked(state, user, arguments["password"]):
        return refusal
    if state.get(CREDENTIALS, user["userId"])["passwordExpired"]:
        raise DescopeError(PASSWORD_EXPIRED)
    return sign_in.enter(state, user, "pwd", sign_in.options(state, arguments))


@handles("SendPasswordReset", required=["loginId"])
def send_reset(state: State, arguments: Arguments) -> Answer:
    """A link that signs the user in, so that they can set a new password."""
    user = known_user(state, arguments["loginId"])
    sent = magic_links.send(state, user, "email", arguments, "passwordreset")
    assert isinstance(sent, dict)
    return {"resetMethod": "magiclink", "pendingRef": "", "linkId": "", **sent}


@handles("ReplaceUserPassword", required=["loginId", "oldPassword", "newPassword"])
def replace(state: State, arguments: Arguments) -> Answer:
    """Change the password by the present one, even if that is expired, and sign in."""
    user = known_user(state, arguments["loginId"])
    if refusal := _checked(state, user, arguments["oldPassword"]):
        return refusal
    _set(state, user, arguments["newPassword"])
    revoke = fill({"revokeOtherSessions": False}, arguments)
    return sign_in.enter(state, user, "pwd", {**sign_in.OPTIONS, **revoke, "session": ""})


@handles("UpdateUserPassword", required=["loginId", "newPassword"])
def update(state: State, arguments: Arguments) -> Answer:
    """Give the signed-in user a new password."""
    user = sign_in.named_self(state, arguments["loginId"])
    _set(state, user, arguments["newPassword"])
    return None


@handles("GetPasswordPolicy")
def policy(state: State, arguments: Arguments) -> Answer:
    """The rules that a page can check while the user types."""
    rules = tenant_settings.password_settings(state, "")
    return {
        **{name: rules[name] for name in _SHOWN},
        "strengthScoreEnabled": rules["enablePasswordStrength"],
        "strengthScore": rules["passwordStrengthScore"],
    }


def _checked(state: State, user: Mapping[str, Any], password: str) -> Reply | None:
    """The refusal of a wrong password, which counts; None for the right one."""
    rules = tenant_settings.password_settings(state, "")
    own = state.get(CREDENTIALS, user["userId"])
    limit = rules["lockAttempts"] if rules["lock"] else 0
    if limit and own["wrongPasswords"] >= limit:
        raise DescopeError(LOCKED_PASSWORD)
    right = password_rules.fits(password, own["password"])
    state.change(CREDENTIALS, own, {"wrongPasswords": 0 if right else own["wrongPasswords"] + 1})
    if right:
        return None
    state.record("LoginFailed", user=user)
    return failed(WRONG_PASSWORD)


def _set(state: State, user: Mapping[str, Any], password: str) -> None:
    """Keep a new password, if the rules let it pass."""
    rules = tenant_settings.password_settings(state, "")
    own = state.get(CREDENTIALS, user["userId"])
    password_rules.ensure_strong(password, rules, user["email"])
    if rules["reuse"] and password_rules.fits(password, own["password"]):
        raise DescopeError(REUSED_PASSWORD)
    kept = password_rules.hashed(state.random, password)
    fresh = {"password": kept, "passwordExpired": False, "wrongPasswords": 0}
    state.change(CREDENTIALS, own, fresh)
    state.record("PasswordChanged", user=user)

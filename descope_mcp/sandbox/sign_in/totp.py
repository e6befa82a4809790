"""Authenticator apps: time-based one-time passwords with real seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import WRONG_TOTP
from descope_mcp.sandbox.engine.registry import Answer, Arguments, failed, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sign_in import qr_codes
from descope_mcp.sandbox.sign_in import shared as sign_in
from descope_mcp.sandbox.users.tables import CREDENTIALS

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@handles("SignUpTOTP", required=["loginId"])
def sign_up(state: State, arguments: Arguments) -> Answer:
    """A new user with an authenticator app to be."""
    return _new_seed(state, sign_in.sign_up(state, arguments))


@handles("UpdateUserTOTP", required=["loginId"])
def update(state: State, arguments: Arguments) -> Answer:
    """A new seed for the signed-in user; the former one is void."""
    return _new_seed(state, sign_in.named_self(state, arguments["loginId"]))


@handles("VerifyCodeTOTP", required=["loginId", "code"])
def verify(state: State, arguments: Arguments) -> Answer:
    """Sign in by the code that the app shows now, or showed or will show half a minute away."""
    import pyotp

    user = sign_in.known_user(state, arguments["loginId"])
    seed = state.get(CREDENTIALS, user["userId"])["totp"]
    moment = state.now()
    if not seed or not pyotp.TOTP(seed).verify(arguments["code"], for_time=moment, valid_window=1):
        state.record("LoginFailed", user=user)
        return failed(WRONG_TOTP)
    return sign_in.enter(state, user, "totp", sign_in.options(state, arguments))


def _new_seed(state: State, user: Mapping[str, Any]) -> Answer:
    import pyotp

    seed = "".join(state.secrets.choices(_BASE32, k=32))
    state.change(CREDENTIALS, state.get(CREDENTIALS, user["userId"]), {"totp": seed})
    state.record("UserModified", user=user)
    project = state.project["name"]
    url = pyotp.TOTP(seed).provisioning_uri(name=user["loginIds"][0], issuer_name=project)
    return {"provisioningURL": url, "image": qr_codes.png(url), "key": seed}

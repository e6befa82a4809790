"""Recovery codes: each signs its user in once, when nothing else can."""

from __future__ import annotations

from descope_mcp.sandbox.engine.errors import WRONG_RECOVERY_CODE
from descope_mcp.sandbox.engine.registry import Answer, Arguments, failed, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sign_in import password_rules
from descope_mcp.sandbox.sign_in import shared as sign_in
from descope_mcp.sandbox.users.tables import CREDENTIALS

COUNT = 10


@handles("GenerateUserRecoveryCodes", required=["loginId"])
def generate(state: State, arguments: Arguments) -> Answer:
    """New codes for the signed-in user; the former ones are void."""
    user = sign_in.named_self(state, arguments["loginId"])
    codes = [f"{state.new_secret(5)}-{state.new_secret(5)}".lower() for _ in range(COUNT)]
    kept = [password_rules.hashed(state.random, code) for code in codes]
    state.change(CREDENTIALS, state.get(CREDENTIALS, user["userId"]), {"recoveryCodes": kept})
    state.record("UserModified", user=user)
    return {"codes": [{"code": code} for code in codes]}


@handles("SignInRecoveryCode", required=["loginId", "code"])
def sign_in_by_code(state: State, arguments: Arguments) -> Answer:
    """Sign in by one of the codes, which is used up."""
    user = sign_in.known_user(state, arguments["loginId"])
    own = state.get(CREDENTIALS, user["userId"])
    code = arguments["code"].strip().lower()
    left = [kept for kept in own["recoveryCodes"] if not password_rules.fits(code, kept)]
    if len(left) == len(own["recoveryCodes"]):
        state.record("LoginFailed", user=user)
        return failed(WRONG_RECOVERY_CODE)
    state.change(CREDENTIALS, own, {"recoveryCodes": left})
    return sign_in.enter(state, user, "recovery", sign_in.options(state, arguments))

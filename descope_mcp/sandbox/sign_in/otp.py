"""One-time codes by mail, text message, call and instant message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sign_in import verifications
from descope_mcp.sandbox.sign_in.shared import (
    address,
    known_or_new,
    known_user,
    masked,
    options,
    sign_up,
)
from descope_mcp.sandbox.sign_in.verifications import ATTEMPTS, new_address

#: channel -> the operations that sign up, sign in, do either, verify, and change the address
OPERATIONS = {
    "email": (
        "UserSignupOtpEmail",
        "UserSigninOtpEmail",
        "UserSignUpInOtpEmail",
        "VerifyOtpEmail",
        "UpdateUserEmailOtp",
    ),
    "sms": (
        "SignUpOtpSMS",
        "SignInOTPSMS",
        "SignUpOrInOTPSMS",
        "VerifyCodeSMS",
        "UpdateUserPhoneOTPSMS",
    ),
    "voice": (
        "SignUpOtpVoice",
        "SignInOTPVoice",
        "SignUpOrInOTPVoice",
        "VerifyCodeVoice",
        "UpdateUserPhoneOTPVoice",
    ),
    "im": (
        "SignUpOTPInstantMessage",
        "SignInOTPInstantMessage",
        "SignUpOrInOTPInstantMessage",
        "VerifyCodeIM",
        "UpdateUserPhoneOTPIM",
    ),
}


def _register(channel: str, up: str, into: str, either: str, verify: str, update: str) -> None:
    field = "email" if channel == "email" else "phone"

    @handles(up, any_of=["loginId", field])
    def signing_up(state: State, arguments: Arguments) -> Answer:
        user = sign_up(state, arguments, channel)
        return _send(state, user, channel, arguments)

    @handles(into, required=["loginId"])
    def signing_in(state: State, arguments: Arguments) -> Answer:
        user = known_user(state, arguments["loginId"])
        return _send(state, user, channel, arguments)

    @handles(either, required=["loginId"])
    def signing_up_or_in(state: State, arguments: Arguments) -> Answer:
        user = known_or_new(state, arguments, channel)
        return _send(state, user, channel, arguments)

    @handles(verify, required=["loginId", "code"])
    def verifying(state: State, arguments: Arguments) -> Answer:
        return verifications.check_code(state, arguments["loginId"], channel, arguments["code"])

    @handles(update, required=["loginId", field])
    def updating(state: State, arguments: Arguments) -> Answer:
        user, to, change = new_address(state, arguments, field)
        proof = verifications.start(state, user, "otp", channel, to=to, change=change)
        return _sent(state, proof)


def _send(state: State, user: Mapping[str, Any], channel: str, arguments: Arguments) -> Answer:
    to, chosen = address(user, channel, arguments), options(state, arguments)
    return _sent(state, verifications.start(state, user, "otp", channel, to=to, options=chosen))


def _sent(state: State, proof: Record) -> Answer:
    state.send(proof["channel"], proof["to"], "otp", {"code": proof["secret"]})
    return {**masked(proof["channel"], proof["to"]), "verificationAttempts": ATTEMPTS}


for _channel, _names in OPERATIONS.items():
    _register(_channel, *_names)

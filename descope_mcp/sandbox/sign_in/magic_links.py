"""Links that sign in whoever opens them, sent by mail or text message or put into a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from descope_mcp.sandbox.engine.fields import Record, fill, seconds
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
from descope_mcp.sandbox.sign_in.verifications import new_address
from descope_mcp.sandbox.users.lookup import by_login_id
from descope_mcp.sandbox.users.tables import USERS

#: The methods whose links are opened in the same way.
METHODS = ("magiclink", "embeddedlink")

#: channel -> the operations that sign up, sign in, do either, and change the address
OPERATIONS = {
    "email": (
        "SignUpMagicLinkEmail",
        "SignInMagicLinkEmail",
        "SignUpOrInMagicLinkEmail",
        "UpdateUserEmailMagicLink",
    ),
    "sms": (
        "SignUpMagicLinkSMS",
        "SignInMagicLinkSMS",
        "SignUpOrInMagicLinkSMS",
        "UpdateUserPhoneMagicLinkSMS",
    ),
}


def _register(channel: str, up: str, into: str, either: str, update: str) -> None:
    field = "email" if channel == "email" else "phone"

    @handles(up, any_of=["loginId", field])
    def signing_up(state: State, arguments: Arguments) -> Answer:
        return send(state, sign_up(state, arguments, channel), channel, arguments)

    @handles(into, required=["loginId"])
    def signing_in(state: State, arguments: Arguments) -> Answer:
        return send(state, known_user(state, arguments["loginId"]), channel, arguments)

    @handles(either, required=["loginId"])
    def signing_up_or_in(state: State, arguments: Arguments) -> Answer:
        return send(state, known_or_new(state, arguments, channel), channel, arguments)

    @handles(update, required=["loginId", field])
    def updating(state: State, arguments: Arguments) -> Answer:
        user, to, change = new_address(state, arguments, field)
        proof = verifications.start(state, user, "magiclink", channel, to=to, change=change)
        return _sent(state, proof, "magiclink", arguments)


for _channel, _names in OPERATIONS.items():
    _register(_channel, *_names)


@handles("VerifyMagicLink", required=["token"])
def verify(state: State, arguments: Arguments) -> Answer:
    """Sign in by a magic or embedded link; it works once."""
    return verifications.complete(state, verifications.of_token(state, METHODS, arguments["token"]))


def send(
    state: State,
    user: Mapping[str, Any],
    channel: str,
    arguments: Arguments,
    template: str = "magiclink",
) -> Answer:
    """Send the user a link, and answer where it went."""
    to, chosen = address(user, channel, arguments), options(state, arguments)
    proof = verifications.start(state, user, "magiclink", channel, to=to, options=chosen)
    return _sent(state, proof, template, arguments)


def _sent(state: State, proof: Record, template: str, arguments: Arguments) -> Answer:
    data = {"link": link(state, proof, arguments), "token": proof["secret"]}
    state.send(proof["channel"], proof["to"], template, data)
    return masked(proof["channel"], proof["to"])


def link(state: State, proof: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    """What the user opens: the application's page, or one of the service if it names none.

    Descope's SDKs still send the older name of ``redirectUrl``.
    """
    asked = fill({"redirectUrl": "", "URI": ""}, arguments)
    page = asked["redirectUrl"] or asked["URI"] or f"{state.caller.url}/verify"
    return f"{page}{'&' if '?' in page else '?'}{urlencode({'t': proof['secret']})}"


@handles("EmbeddedLinkSignin", required=["loginId"])
def embedded_sign_in(state: State, arguments: Arguments) -> Answer:
    """A token that signs a user in without a message being sent."""
    user = by_login_id(state, arguments["loginId"])
    claims = fill({"customClaims": {}}, arguments)
    return _embedded(state, user, claims, arguments)


@handles("EmbeddedLinkSignup", required=["loginId"])
def embedded_sign_up(state: State, arguments: Arguments) -> Answer:
    """A token that signs a new user in."""
    user = sign_up(state, arguments)
    marks = fill({"emailVerified": False, "phoneVerified": False}, arguments)
    flags = {"verifiedEmail": marks["emailVerified"], "verifiedPhone": marks["phoneVerified"]}
    user = state.change(USERS, user, flags)
    return _embedded(state, user, options(state, arguments, of_backend=True), arguments)


def _embedded(
    state: State, user: Mapping[str, Any], chosen: Mapping[str, Any], arguments: Arguments
) -> Answer:
    span = seconds(arguments, "timeout") or verifications.SECONDS
    proof = verifications.start(state, user, "embeddedlink", "", options=chosen, seconds=span)
    return {
        "token": proof["secret"],
        **masked("email", user["email"]),
        **masked("sms", user["phone"]),
    }

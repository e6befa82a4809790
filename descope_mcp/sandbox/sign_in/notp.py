"""nOTP: the user sends the service a message, which only WhatsApp can carry.

The outbox holds the text that the user would send, and the token in it. Nothing can receive it;
`VerifyEnchantedLink` with that token stands for its arrival.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from descope_mcp.sandbox.engine.errors import EXPIRED_LINK, NOTP_PENDING, DescopeError
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sign_in import qr_codes, verifications
from descope_mcp.sandbox.sign_in.shared import OPTIONS, known_or_new, known_user, options, sign_up
from descope_mcp.sandbox.sign_in.verifications import VERIFICATIONS
from descope_mcp.sandbox.users.handlers import phone_number

_WHY = "No message arrives from WhatsApp; VerifyEnchantedLink with the outbox's token stands for it"


@handles("SignUpNOTP", shape_only=_WHY)
def signing_up(state: State, arguments: Arguments) -> Answer:
    """A new user, known by the number that the message will come from."""
    return _start(state, sign_up(state, arguments, "im"), options(state, arguments))


@handles("SignInNOTP", required=["loginId"], shape_only=_WHY)
def signing_in(state: State, arguments: Arguments) -> Answer:
    """Wait for the message of a user."""
    return _start(state, known_user(state, arguments["loginId"]), options(state, arguments))


@handles("SignUpOrInNOTP", required=["loginId"], shape_only=_WHY)
def signing_up_or_in(state: State, arguments: Arguments) -> Answer:
    """Wait for the message of a user, who may be new."""
    return _start(state, known_or_new(state, arguments, "im"), options(state, arguments))


@handles("UpdateUserNOTP", required=["loginId", "phone"], shape_only=_WHY)
def updating(state: State, arguments: Arguments) -> Answer:
    """Wait for a message from the user's new number."""
    change = {"phone": phone_number(arguments["phone"])}
    return _start(state, known_user(state, arguments["loginId"]), OPTIONS, change)


@handles("GetNOTPSession", required=["pendingRef"], shape_only=_WHY)
def pending_session(state: State, arguments: Arguments) -> Answer:
    """The tokens, once the message arrived; until then E066103."""
    proof = state.find(VERIFICATIONS, id=arguments["pendingRef"])
    if proof is None or proof["method"] != "notp" or proof["expires"] <= state.now():
        raise DescopeError(EXPIRED_LINK)
    if not proof["verified"]:
        raise DescopeError(NOTP_PENDING)
    return verifications.complete(state, proof)


def _start(
    state: State,
    user: Mapping[str, Any],
    chosen: Mapping[str, Any],
    change: Mapping[str, Any] | None = None,
) -> Answer:
    to = (change or user)["phone"]
    proof = verifications.start(state, user, "notp", "im", to=to, options=chosen, change=change)
    url = f"https://wa.me/15550100?{urlencode({'text': proof['secret']})}"
    state.send("im", to, "notp", {"link": url, "token": proof["secret"]})
    return {"pendingRef": proof["id"], "redirectUrl": url, "image": qr_codes.png(url)}

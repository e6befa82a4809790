"""Links opened anywhere that sign in the browser which asked for them, once they are opened."""

from __future__ import annotations

from descope_mcp.sandbox.engine.errors import EXPIRED_LINK, LINK_PENDING, UNKNOWN_LINK, DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sign_in import magic_links, verifications
from descope_mcp.sandbox.sign_in.shared import (
    address,
    known_or_new,
    known_user,
    masked,
    options,
    sign_up,
)
from descope_mcp.sandbox.sign_in.verifications import VERIFICATIONS, new_address

#: The methods whose completion another place waits for.
_OPENED = ("enchantedlink", "notp")


@handles("SignUpEnchantedLink", any_of=["loginId", "email"])
def signing_up(state: State, arguments: Arguments) -> Answer:
    """A new user, and a link to them."""
    return _send(state, sign_up(state, arguments, "email"), arguments)


@handles("SignInEnchantedLinkEmail", required=["loginId"])
def signing_in(state: State, arguments: Arguments) -> Answer:
    """A link to a user."""
    return _send(state, known_user(state, arguments["loginId"]), arguments)


@handles("SignUpOrInEnchantedLinkEmail", required=["loginId"])
def signing_up_or_in(state: State, arguments: Arguments) -> Answer:
    """A link to a user, who may be new."""
    return _send(state, known_or_new(state, arguments, "email"), arguments)


@handles("UpdateUserEmailEnchantedLink", required=["loginId", "email"])
def updating(state: State, arguments: Arguments) -> Answer:
    """A link to the signed-in user's new address."""
    user, to, change = new_address(state, arguments, "email")
    proof = verifications.start(state, user, "enchantedlink", "email", to=to, change=change)
    return _sent(state, proof, arguments)


@handles("VerifyEnchantedLink", required=["token"])
def verify(state: State, arguments: Arguments) -> Answer:
    """The link was opened: whoever waits for it may come in."""
    proof = verifications.of_token(state, _OPENED, arguments["token"])
    state.change(VERIFICATIONS, proof, {"verified": True})
    return {}


@handles("GetEnchantedLinkSession", required=["pendingRef"])
def pending_session(state: State, arguments: Arguments) -> Answer:
    """The tokens, once the link was opened; until then E062503."""
    proof = state.find(VERIFICATIONS, id=arguments["pendingRef"])
    if proof is None or proof["method"] != "enchantedlink":
        raise DescopeError(UNKNOWN_LINK)
    if proof["expires"] <= state.now():
        raise DescopeError(EXPIRED_LINK)
    if not proof["verified"]:
        raise DescopeError(LINK_PENDING)
    return verifications.complete(state, proof)


def _send(state: State, user: Record, arguments: Arguments) -> Answer:
    to, chosen = address(user, "email", arguments), options(state, arguments)
    proof = verifications.start(state, user, "enchantedlink", "email", to=to, options=chosen)
    return _sent(state, proof, arguments)


def _sent(state: State, proof: Record, arguments: Arguments) -> Answer:
    # The number is shown where the user asked, and tells the right link in the message from others.
    number = str(state.random.randint(10, 99))
    link = magic_links.link(state, proof, arguments)
    data = {"link": link, "token": proof["secret"], "linkId": number}
    state.send("email", proof["to"], "enchantedlink", data)
    return {"pendingRef": proof["id"], "linkId": number, **masked("email", proof["to"])}

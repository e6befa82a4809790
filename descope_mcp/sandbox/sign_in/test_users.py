"""Codes and links of test users, handed to a test instead of being sent."""

from __future__ import annotations

from descope_mcp.sandbox.engine.errors import INVALID, DescopeError
from descope_mcp.sandbox.engine.fields import Record, fill, one_of
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sign_in import magic_links, verifications
from descope_mcp.sandbox.sign_in.shared import address, options
from descope_mcp.sandbox.users.lookup import by_identifier

#: The names that clients give to the channels.
_CHANNELS = {"email": "email", "sms": "sms", "voice": "voice", "whatsapp": "im", "im": "im"}


@handles("GenerateOTPForTestUser", required=["loginId"])
def generate_otp(state: State, arguments: Arguments) -> Answer:
    """A code that verifies as if it had been sent."""
    proof = _started(state, arguments, "otp")
    return {"loginId": arguments["loginId"], "code": proof["secret"]}


@handles("GenerateMagicLinkForTestUser", required=["loginId"])
def generate_magic_link(state: State, arguments: Arguments) -> Answer:
    """A link that verifies as if it had been sent."""
    proof = _started(state, arguments, "magiclink")
    return {"loginId": arguments["loginId"], "link": magic_links.link(state, proof, arguments)}


@handles("GenerateEnchantedLinkForTestUser", required=["loginId"])
def generate_enchanted_link(state: State, arguments: Arguments) -> Answer:
    """A link, and the reference by which the session is collected once it was opened."""
    proof = _started(state, arguments, "enchantedlink")
    link = magic_links.link(state, proof, arguments)
    return {"loginId": arguments["loginId"], "link": link, "pendingRef": proof["id"]}


def _started(state: State, arguments: Arguments, method: str) -> Record:
    user = by_identifier(state, arguments["loginId"])
    if not user["test"]:
        raise DescopeError(INVALID, "The user is not a test user")
    asked = fill({"deliveryMethod": ""}, arguments)["deliveryMethod"] or "email"
    channel = _CHANNELS[one_of("deliveryMethod", asked, _CHANNELS)]
    chosen = options(state, arguments, of_backend=True)
    to = address(user, channel, arguments)
    return verifications.start(state, user, method, channel, to=to, options=chosen)

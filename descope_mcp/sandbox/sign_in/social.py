"""Signing in at a social provider: by redirect, by the phone's own dialogue, by One Tap."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from descope_mcp.sandbox.engine.errors import INVALID, UNAUTHORIZED, DescopeError
from descope_mcp.sandbox.engine.fields import Record, fill
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sessions.sessions import current_user
from descope_mcp.sandbox.sign_in import exchange_codes
from descope_mcp.sandbox.sign_in import shared as sign_in

_WHY = "Nobody signs in at the provider; the outbox has the code that would come back"
_UNCHECKED = "The provider's token is read, but its signature cannot be checked"

_ASKED: Record = {"provider": "", "redirectUrl": "", "loginHint": ""}


@handles("AuthorizeOAuth", "CreateOAuthRedirectURISignup", required=["provider"], shape_only=_WHY)
def authorize(state: State, arguments: Arguments) -> Answer:
    """Where the browser goes to sign in, or up."""
    return _start(state, arguments)


@handles("CreateOAuthRedirectURISignin", required=["provider"], shape_only=_WHY)
def authorize_sign_in(state: State, arguments: Arguments) -> Answer:
    """Where the browser goes to sign in; the user must be known already."""
    return _start(state, arguments, newUsers=False)


@handles("CreateOAuthRedirectURIUpdateUser", required=["provider"], shape_only=_WHY)
def authorize_update(state: State, arguments: Arguments) -> Answer:
    """Where the browser goes to link the signed-in user with the provider."""
    return _start(state, arguments, userId=current_user(state)["userId"])


@handles("OAuthNativeStart", required=["provider"], shape_only=_WHY)
def native_start(state: State, arguments: Arguments) -> Answer:
    """What a phone's own dialogue needs."""
    asked = fill({"implicit": False}, arguments)
    record = _issue(state, arguments)
    return {
        "clientId": _client_id(arguments["provider"]),
        "stateId": record["code"],
        "nonce": state.new_secret(24),
        "implicit": asked["implicit"],
        "errorId": "",
    }


@handles("OAuthNativeFinish", required=["provider", "stateId"], shape_only=_UNCHECKED)
def native_finish(state: State, arguments: Arguments) -> Answer:
    """The tokens, after the phone's own dialogue."""
    return exchange_codes.redeem(state, arguments["stateId"], "oauth")


@handles("ExchangeCodeoauth", required=["code"])
def exchange(state: State, arguments: Arguments) -> Answer:
    """The tokens, for the code that came back."""
    return exchange_codes.redeem(state, arguments["code"], "oauth")


@handles("ExchangeOneTapIDToken", required=["provider", "idToken"], shape_only=_UNCHECKED)
def exchange_one_tap(state: State, arguments: Arguments) -> Answer:
    """The tokens, for a token of the provider."""
    return exchange_codes.redeem(state, _one_tap(state, arguments)["code"], "oauth")


@handles("VerifyOneTapIDToken", required=["provider", "idToken"], shape_only=_UNCHECKED)
def verify_one_tap(state: State, arguments: Arguments) -> Answer:
    """A code to exchange, for a token of the provider."""
    return {"code": _one_tap(state, arguments)["code"]}


@handles("GetOneTapClientID", required=["provider"])
def one_tap_client(state: State, arguments: Arguments) -> Answer:
    """The client that the provider knows the project by."""
    return {"clientId": _client_id(arguments["provider"])}


def _start(state: State, arguments: Arguments, **more: Any) -> Answer:
    asked = fill(_ASKED, arguments)
    record = _issue(state, arguments, **more)
    exchange_codes.send_back(state, record, asked["redirectUrl"])
    query = {
        "client_id": _client_id(asked["provider"]),
        "redirect_uri": f"{state.caller.url}/v1/oauth/callback",
        "response_type": "code",
        "state": state.new_secret(24),
        **({"login_hint": asked["loginHint"]} if asked["loginHint"] else {}),
    }
    url = f"https://{asked['provider']}.example/authorize?{urlencode(query)}"
    return {"url": url, "errorId": ""}


def _issue(state: State, arguments: Arguments, **more: Any) -> Record:
    """The code of a sign-in at the provider. The options are the body itself here."""
    asked = fill(_ASKED, arguments)
    if not asked["provider"].isalnum():
        raise DescopeError(INVALID, f"Unknown provider: {asked['provider']}")
    options = sign_in.options(state, {"loginOptions": fill(sign_in.OPTIONS, arguments)})
    return exchange_codes.issue(
        state,
        "oauth",
        provider=asked["provider"],
        loginId=asked["loginHint"] or f"someone@{asked['provider']}.example",
        marks={"OAuth": {asked["provider"]: True}},
        options=options,
        **more,
    )


def _one_tap(state: State, arguments: Arguments) -> Record:
    import jwt

    try:
        claims = jwt.decode(arguments["idToken"], options={"verify_signature": False})
    except jwt.PyJWTError:
        raise DescopeError(UNAUTHORIZED, "The provider's token cannot be read") from None
    if not claims.get("email"):
        raise DescopeError(UNAUTHORIZED, "The provider's token has no email")
    return _issue(state, {**arguments, "loginHint": str(claims["email"])})


def _client_id(provider: str) -> str:
    return f"sandbox.apps.{provider}.example"

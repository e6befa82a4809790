"""The tokens that OAuth clients get, and what these give access to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from descope_mcp.sandbox.engine.errors import DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.registry import Answer, Arguments, Reply
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.oauth import discovery
from descope_mcp.sandbox.oauth.clients import Client
from descope_mcp.sandbox.oauth.errors import OAuthError
from descope_mcp.sandbox.sessions import sessions, tokens
from descope_mcp.sandbox.users.tables import USERS

_MINUTES = 10 * 60

#: What each scope shows: claim -> field of the user.
_CLAIMS: Mapping[str, Mapping[str, str]] = {
    "profile": {
        "name": "name",
        "given_name": "givenName",
        "family_name": "familyName",
        "picture": "picture",
    },
    "email": {"email": "email", "email_verified": "verifiedEmail"},
    "phone": {"phone_number": "phone", "phone_number_verified": "verifiedPhone"},
    "descope.custom_claims": {"customAttributes": "customAttributes"},
}


def for_user(
    state: State,
    client: Client,
    user: Mapping[str, Any],
    amr: Sequence[str],
    scope: str,
    *,
    nonce: str = "",
) -> Record:
    """The tokens of a user for the client: a session of its own."""
    audience = [client.client_id, state.project_id]
    claims = {"scope": scope, "azp": client.client_id, "aud": audience}
    session = sessions.begin(state, user, amr, claims=claims)
    return _answer(state, client, session, nonce)


def refresh(state: State, client: Client, token: str) -> Record:
    """New tokens for a refresh token, which must be the client's."""
    try:
        session = sessions.of_token(state, token, sessions.REFRESH)
    except DescopeError as error:
        raise OAuthError("invalid_grant", error.message) from None
    if session["customClaims"].get("azp") != client.client_id:
        raise OAuthError("invalid_grant", "The refresh token is another client's")
    return _answer(state, client, session, "")


def for_client(state: State, client: Client, scope: str) -> Record:
    """A token of the client itself, for no user."""
    now = state.now()
    claims = {
        "iss": state.project_id,
        "sub": client.client_id,
        "azp": client.client_id,
        "aud": [client.client_id, state.project_id],
        "iat": now,
        "exp": now + _MINUTES,
        "scope": scope,
    }
    answer = {"access_token": tokens.sign(state, claims), "token_type": "Bearer"}
    return {**answer, "expires_in": _MINUTES, "scope": scope}


def session_of(state: State, access_token: str) -> Record:
    """The session of an access token, which must be a user's."""
    try:
        session = sessions.of_token(state, access_token, sessions.SESSION)
    except DescopeError as error:
        raise OAuthError("invalid_token", error.message, 401) from None
    if not session["userId"]:
        raise OAuthError("invalid_token", "The token is nobody's", 401)
    return session


def user_info(state: State) -> Answer:
    """What the presented access token may know of its user."""
    session = session_of(state, state.caller.credential)
    user = state.get(USERS, session["userId"])
    scope = session["customClaims"].get("scope", " ".join(_CLAIMS))
    return {"sub": user["userId"], **_shown(user, scope)}


def revoke(state: State, token: str) -> Answer:
    """End the session of a token. One that is not valid is revoked already (RFC 7009)."""
    for kind in (sessions.REFRESH, sessions.SESSION):
        try:
            sessions.end(state, [sessions.of_token(state, token, kind)])
        except DescopeError:
            continue
    return {}


def end_session(state: State, arguments: Arguments) -> Answer:
    """End the session that an identity token is of, and go where the application wants."""
    revoke(state, state.caller.credential)
    try:
        hint = tokens.read(state, str(arguments.get("id_token_hint") or ""))
    except DescopeError:
        hint = {}
    sessions.end(state, state.all(sessions.SESSIONS, id=hint.get("sid", "")))
    page = str(arguments.get("post_logout_redirect_uri") or "")
    if not page:
        return {}
    query = urlencode({"state": arguments["state"]}) if arguments.get("state") else ""
    url = f"{page}{'&' if '?' in page else '?'}{query}" if query else page
    return Reply({}, 302, {"Location": url})


def _answer(state: State, client: Client, session: Record, nonce: str) -> Record:
    scope, now = session["customClaims"]["scope"], state.now()
    access = sessions.session_token(state, session)
    seconds = tokens.read(state, access)["exp"] - now
    answer = {
        "access_token": access,
        "token_type": "Bearer",
        "refresh_token": sessions.refresh_token(state, session),
        "expires_in": seconds,
        "scope": scope,
    }
    if "openid" not in scope.split():
        return answer
    user = state.get(USERS, session["userId"])
    identity = {
        "iss": discovery.issuer(state, client.issuer),
        "sub": user["userId"],
        "aud": client.client_id,
        "iat": now,
        "exp": now + seconds,
        "auth_time": session["authTime"],
        "amr": session["amr"],
        "sid": session["id"],
        **({"nonce": nonce} if nonce else {}),
        **_shown(user, scope),
    }
    return {**answer, "id_token": tokens.sign(state, identity)}


def _shown(user: Mapping[str, Any], scope: str) -> Record:
    claims = (_CLAIMS.get(name, {}) for name in scope.split())
    return {claim: user[field] for each in claims for claim, field in each.items()}

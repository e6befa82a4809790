"""The answer of every operation that signs somebody in: tokens in the body or in cookies."""

from __future__ import annotations

from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.registry import Reply
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Table, register
from descope_mcp.sandbox.sessions import sessions
from descope_mcp.sandbox.users.handlers import view
from descope_mcp.sandbox.users.tables import USERS

#: How the project hands out tokens. Without a record they are in the body.
TOKEN_DELIVERY = register(Table("token_delivery"))

_PROJECT = "project"

_EMPTY_ANSWER: Record = {
    "sessionJwt": "",
    "refreshJwt": "",
    "cookieDomain": "",
    "cookiePath": "/",
    "cookieMaxAge": 0,
    "cookieExpiration": 0,
    "user": None,
    "firstSeen": False,
    "idpResponse": None,
    "sessionExpiration": 0,
    "externalToken": "",
    "claims": {},
    "tenantSSOID": "",
    "trustedDeviceJwt": "",
    "nextRefreshSeconds": 0,
    "cookieName": sessions.REFRESH,
    "sessionCookieName": sessions.SESSION,
    "sessionCookieDomain": "",
    "unsavedSSO": False,
}


def in_cookies(state: State) -> bool:
    """Whether the project hands out tokens in cookies that only a browser reads."""
    return state.find(TOKEN_DELIVERY, id=_PROJECT) is not None


def deliver(state: State, *, cookies: bool) -> None:
    """Hand out tokens in cookies from now on, or in the body."""
    if cookies and not in_cookies(state):
        state.add(TOKEN_DELIVERY, {"id": _PROJECT})
    elif not cookies and in_cookies(state):
        state.delete(TOKEN_DELIVERY, _PROJECT)


def signed_in(
    state: State, session: Record, *, first_seen: bool = False, stepup: bool = False
) -> Reply:
    """What every operation that signs somebody in answers."""
    until = sessions.session_until(state, session, stepup=stepup)
    user = state.get(USERS, session["userId"]) if session["userId"] else None
    body = {
        **_EMPTY_ANSWER,
        "sessionJwt": sessions.session_token(state, session, stepup=stepup),
        "refreshJwt": sessions.refresh_token(state, session),
        "cookieMaxAge": session["expires"] - state.now(),
        "cookieExpiration": session["expires"],
        "user": view(state, user) if user else None,
        "firstSeen": first_seen,
        "sessionExpiration": until,
        "nextRefreshSeconds": max(until - state.now() - 20, 1),
    }
    return _delivered(state, body)


def _delivered(state: State, body: Record) -> Reply:
    """`body`, or in a project that uses cookies the body without tokens and cookies with them."""
    if not in_cookies(state):
        return Reply(body)
    cookies = tuple(
        f"{name}={body[field]}; Path=/; Max-Age={body['cookieMaxAge']}; HttpOnly; SameSite=Strict"
        for name, field in ((sessions.SESSION, "sessionJwt"), (sessions.REFRESH, "refreshJwt"))
    )
    return Reply({**body, "sessionJwt": "", "refreshJwt": ""}, cookies=cookies)


def logged_out(state: State) -> Reply:
    """What logging out answers: no tokens, and cookies that are gone."""
    return _delivered(state, dict(_EMPTY_ANSWER))

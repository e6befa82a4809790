"""What signed-in users do with their sessions: refresh, select a tenant, log out, look at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import LOGGED_OUT, UNAUTHORIZED, DescopeError
from descope_mcp.sandbox.engine.fields import fill
from descope_mcp.sandbox.engine.registry import Answer, Arguments, Reply, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.keys import access_keys
from descope_mcp.sandbox.roles import entitlements
from descope_mcp.sandbox.sessions import answers as session_answers
from descope_mcp.sandbox.sessions import sessions, tokens
from descope_mcp.sandbox.sessions.sessions import SESSIONS
from descope_mcp.sandbox.users.handlers import view
from descope_mcp.sandbox.users.tables import USERS

#: What an answer to a sign-in has and one to `try_refresh` has not.
_OF_SIGN_INS = ("user", "firstSeen", "idpResponse", "unsavedSSO")


@handles("RefreshSession")
def refresh(state: State, arguments: Arguments) -> Answer:
    """A new session token, with the rights that the user has by now."""
    return session_answers.signed_in(state, sessions.current(state))


@handles("TryRefreshSession")
def try_refresh(state: State, arguments: Arguments) -> Answer:
    """As `refresh`, with the tokens only."""
    reply = session_answers.signed_in(state, sessions.current(state))
    kept = {name: value for name, value in reply.body.items() if name not in _OF_SIGN_INS}
    return Reply(kept, cookies=reply.cookies)


@handles("SelectTenant", required=["tenant"])
def select_tenant(state: State, arguments: Arguments) -> Answer:
    """Make a tenant the current one; the user must belong to it."""
    entitlements.membership(sessions.current_user(state)["userTenants"], arguments["tenant"])
    session = sessions.current(state)
    session = state.change(SESSIONS, session, {"tenant": arguments["tenant"]})
    return session_answers.signed_in(state, session)


@handles("ValidateSession")
def validate(state: State, arguments: Arguments) -> Answer:
    """The claims of the session token that was presented."""
    return tokens.read(state, state.caller.credential)


@handles("Logout")
def logout(state: State, arguments: Arguments) -> Answer:
    """End this session."""
    session = sessions.current(state)
    sessions.end(state, [session])
    _record_logout(state, session)
    return session_answers.logged_out(state)


@handles("LogoutAllDevices")
def logout_all(state: State, arguments: Arguments) -> Answer:
    """End every session of the user."""
    session = sessions.current(state)
    everywhere = sessions.of_user(state, session["userId"]) if session["userId"] else [session]
    sessions.end(state, everywhere)
    _record_logout(state, session)
    return session_answers.logged_out(state)


@handles(
    "IDPSSOLogoutGet",
    "IDPSSOLogoutPost",
    shape_only="Nobody is signed in at the other applications",
)
def logout_everywhere(state: State, arguments: Arguments) -> Answer:
    """End the session whose refresh token comes with the call, if one does."""
    try:
        sessions.end(state, [sessions.current(state)])
    except DescopeError as error:
        if error.kind not in (UNAUTHORIZED, LOGGED_OUT):
            raise
    return {}


@handles("Me")
def me(state: State, arguments: Arguments) -> Answer:
    """The user whose session it is."""
    return view(state, sessions.current_user(state))


@handles("ExchangeAccessKey")
def exchange_access_key(state: State, arguments: Arguments) -> Answer:
    """A session token for an access key. A tenant that is selected must be one of the key's."""
    key = access_keys.opened_by(state, state.caller.credential)
    if key is None:
        raise DescopeError(UNAUTHORIZED, "The access key is not valid")
    options = fill({"loginOptions": {}}, arguments)["loginOptions"]
    asked = fill({"customClaims": {}, "selectedTenant": ""}, options)
    token = sessions.access_key_token(state, key, asked["selectedTenant"], asked["customClaims"])
    return {"keyId": key["id"], "sessionJwt": token}


def _record_logout(state: State, session: Mapping[str, Any]) -> None:
    user = state.get(USERS, session["userId"]) if session["userId"] else None
    state.record("UserLoggedOut", user=user)

"""Tokens that a backend asks for, without the user proving anything to the service."""

from __future__ import annotations

from typing import Any

from descope_mcp.sandbox.engine.errors import INVALID, DescopeError
from descope_mcp.sandbox.engine.fields import Record, fill, seconds, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, Reply, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.roles import entitlements
from descope_mcp.sandbox.sessions import answers as session_answers
from descope_mcp.sandbox.sessions import sessions, tokens
from descope_mcp.sandbox.sessions.sessions import SESSIONS
from descope_mcp.sandbox.sign_in import shared as sign_in
from descope_mcp.sandbox.tenants.tables import TENANTS
from descope_mcp.sandbox.users.handlers import touched
from descope_mcp.sandbox.users.tables import USERS

#: How such a sign-in is named among the methods of the session.
_AMR = "backend"

_ANONYMOUS = (
    "sessionJwt",
    "refreshJwt",
    "cookieDomain",
    "cookiePath",
    "cookieMaxAge",
    "cookieExpiration",
)


@handles("UpdateJWT", required=["jwt"])
def update_jwt(state: State, arguments: Arguments) -> Answer:
    """The same token with more claims, which later tokens of its session have too."""
    old = tokens.read(state, arguments["jwt"])
    claims = fill({"customClaims": {}}, arguments)["customClaims"]
    span = seconds(arguments, "refreshDuration")
    session = state.find(SESSIONS, id=old.get("sid", ""))
    if session is None:
        return {"jwt": tokens.sign(state, {**claims, **old})}
    fields: Record = {"customClaims": session["customClaims"] | claims}
    if span:
        fields["expires"] = state.now() + span
    session = state.change(SESSIONS, session, fields)
    issue = sessions.session_token if old["drn"] == sessions.SESSION else sessions.refresh_token
    return {"jwt": issue(state, session)}


@handles("Anonymous")
def anonymous(state: State, arguments: Arguments) -> Answer:
    """Tokens of nobody in particular."""
    asked = fill({"customClaims": {}, "selectedTenant": ""}, arguments)
    if asked["selectedTenant"]:
        state.get(TENANTS, asked["selectedTenant"])
    session = sessions.begin_anonymous(
        state,
        strings(arguments, "roles"),
        asked["selectedTenant"],
        asked["customClaims"],
        seconds(arguments, "refreshDuration"),
    )
    reply = session_answers.signed_in(state, session)
    return Reply({name: reply.body[name] for name in _ANONYMOUS}, cookies=reply.cookies)


@handles("GenerateJWTSignIn", required=["loginId"])
def generate_sign_in(state: State, arguments: Arguments) -> Answer:
    """Sign a user in. Step-up and MFA strengthen the session of ``jwt``."""
    return _enter(state, sign_in.known_user(state, arguments["loginId"]), arguments)


@handles("GenerateJWTSignUp", required=["loginId"])
def generate_sign_up(state: State, arguments: Arguments) -> Answer:
    """Sign a new user up and in."""
    return _enter(state, _sign_up(state, arguments), arguments)


@handles("GenerateJWTSignUpOrIn", required=["loginId"])
def generate_sign_up_or_in(state: State, arguments: Arguments) -> Answer:
    """Sign a user in, who may be new."""
    known = state.find(USERS, **{"loginIds[]": arguments["loginId"]})
    return _enter(state, known or _sign_up(state, arguments), arguments)


def _sign_up(state: State, arguments: Arguments) -> Record:
    user = sign_in.sign_up(state, arguments)
    asked = fill({"emailVerified": False, "phoneVerified": False, "userTenants": []}, arguments)
    fields: dict[str, Any] = {
        "verifiedEmail": asked["emailVerified"],
        "verifiedPhone": asked["phoneVerified"],
        "userTenants": entitlements.memberships(asked["userTenants"]),
    }
    touched(state, user, **fields)
    return user


def _enter(state: State, user: Record, arguments: Arguments) -> Answer:
    asked = fill({**sign_in.OPTIONS, "jwt": "", "selectedTenantId": ""}, arguments)
    strengthens = asked["stepup"] or asked["mfa"]
    if strengthens and not asked["jwt"]:
        raise DescopeError(INVALID, "Step-up and MFA need the jwt of the session")
    sid = tokens.read(state, asked["jwt"]).get("sid", "") if strengthens else ""
    chosen = {
        **asked,
        "tenantId": asked["selectedTenantId"],
        "session": sid,
        "refreshSeconds": seconds(arguments, "refreshDuration"),
    }
    return sign_in.enter(state, user, _AMR, chosen)

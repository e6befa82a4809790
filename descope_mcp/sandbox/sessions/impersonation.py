"""Signing in as somebody else, for those who have the permission, and stopping to."""

from __future__ import annotations

from descope_mcp.sandbox.engine.errors import INVALID, MAY_NOT_IMPERSONATE, NO_CONSENT, DescopeError
from descope_mcp.sandbox.engine.fields import Record, fill, seconds
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.roles import entitlements
from descope_mcp.sandbox.sessions import sessions, tokens
from descope_mcp.sandbox.sessions.sessions import SESSIONS
from descope_mcp.sandbox.users.lookup import by_identifier, by_login_id
from descope_mcp.sandbox.users.tables import USERS

#: The system permission that it takes, in the project or in a tenant that both belong to.
PERMISSION = "Impersonate"

_ASKED: Record = {"validateConsent": False, "customClaims": {}, "selectedTenant": ""}


@handles("Impersonate", required=["loginId", "impersonatorId"])
def impersonate(state: State, arguments: Arguments) -> Answer:
    """A refresh token of the user, which says who is behind it."""
    return {"jwt": sessions.refresh_token(state, _begin(state, arguments))}


@handles("ImpersonateStepup", required=["loginId", "impersonatorId"])
def impersonate_stepup(state: State, arguments: Arguments) -> Answer:
    """As `impersonate`, with a session token that counts as stepped up."""
    return {"jwt": sessions.session_token(state, _begin(state, arguments), stepup=True)}


@handles("StopImpersonation", required=["jwt"])
def stop(state: State, arguments: Arguments) -> Answer:
    """End an impersonation: a refresh token of the one who was behind it."""
    session = state.find(SESSIONS, id=tokens.read(state, arguments["jwt"]).get("sid", ""))
    if session is None or not session["impersonator"]:
        raise DescopeError(INVALID, "The token is not one of an impersonation")
    sessions.end(state, [session])
    asked = fill(_ASKED, arguments)
    own = sessions.begin(
        state,
        state.get(USERS, session["impersonator"]),
        session["amr"],
        tenant=asked["selectedTenant"],
        claims=asked["customClaims"],
        refresh_seconds=seconds(arguments, "refreshDuration"),
    )
    return {"jwt": sessions.refresh_token(state, own)}


def _begin(state: State, arguments: Arguments) -> Record:
    user = by_login_id(state, arguments["loginId"])
    impersonator = by_identifier(state, arguments["impersonatorId"])
    if not _may(state, impersonator, user):
        raise DescopeError(MAY_NOT_IMPERSONATE)
    asked = fill(_ASKED, arguments)
    if asked["validateConsent"] and user["consentExpiration"] <= state.now():
        raise DescopeError(NO_CONSENT, "The user has not consented to be impersonated")
    state.record("UserImpersonated", user=user, data={"impersonator": impersonator["userId"]})
    return sessions.begin(
        state,
        user,
        ["impersonation"],
        tenant=asked["selectedTenant"],
        claims=asked["customClaims"],
        impersonator=impersonator["userId"],
        refresh_seconds=seconds(arguments, "refreshDuration"),
    )


def _may(state: State, impersonator: Record, user: Record) -> bool:
    shared = {item["tenantId"] for item in user["userTenants"]}
    granted = entitlements.permissions_of(state, impersonator["roleNames"])
    for item in impersonator["userTenants"]:
        if item["tenantId"] in shared:
            granted += entitlements.permissions_of(state, item["roleNames"], item["tenantId"])
    return PERMISSION in granted

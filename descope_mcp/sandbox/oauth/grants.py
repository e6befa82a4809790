"""Authorizations under way: a client asks, a signed-in user agrees, the client collects tokens.

All three ways share one record: the redirect with a code, the device that shows a code to type
in, and the request that is confirmed elsewhere (CIBA). Each is agreed to at finish-authorize by its
``state_id``; nobody but the user's refresh token says who agrees.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import urlencode

from descope_mcp.sandbox.applications import third_party_consents
from descope_mcp.sandbox.engine.errors import INVALID, DescopeError
from descope_mcp.sandbox.engine.fields import Record, fill
from descope_mcp.sandbox.engine.registry import Answer, Arguments, Reply
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, register
from descope_mcp.sandbox.oauth import clients as oauth_clients
from descope_mcp.sandbox.oauth import tokens as oauth_tokens
from descope_mcp.sandbox.oauth.clients import Client
from descope_mcp.sandbox.oauth.errors import OAuthError
from descope_mcp.sandbox.sessions import sessions
from descope_mcp.sandbox.users.tables import USERS

GRANTS = register(
    Table(
        "oauth_grants",
        "OG",
        passing=True,
        secrets=("secret",),
        references=(Reference("userId", "users", by="userId", on_delete="cascade"),),
        template={
            "kind": "",
            "clientId": "",
            "appId": "",
            "userId": "",
            "amr": [],
            "scope": "",
            "redirect": "",
            "clientState": "",
            "nonce": "",
            "challenge": "",
            "secret": "",
            "expires": 0,
        },
    )
)

SECONDS = 10 * 60
INTERVAL = 5

#: The grant types that collect such an authorization, and the field that has its secret.
_COLLECTED = {
    "authorization_code": ("code", "code"),
    "urn:ietf:params:oauth:grant-type:device_code": ("device", "device_code"),
    "urn:openid:params:grant-type:ciba": ("ciba", "auth_req_id"),
}

_AUTHORIZE: Record = {
    "response_type": "",
    "scope": "",
    "redirect_uri": "",
    "state": "",
    "nonce": "",
    "code_challenge": "",
    "code_challenge_method": "",
}


def authorize(state: State, client: Client, arguments: Arguments) -> Answer:
    """On to the page where the user signs in, which leads on to finish-authorize."""
    asked = fill(_AUTHORIZE, arguments)
    if not asked["redirect_uri"]:
        raise OAuthError("invalid_request", "redirect_uri is missing")
    if client.redirects and asked["redirect_uri"] not in client.redirects:
        raise OAuthError("invalid_request", "redirect_uri is not one of the client's")
    if asked["response_type"] != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code")
    if asked["code_challenge"] and asked["code_challenge_method"] not in ("", "S256"):
        raise OAuthError("invalid_request", "code_challenge_method must be S256")
    grant = _begin(
        state,
        client,
        "code",
        asked["scope"] or "openid",
        redirect=asked["redirect_uri"],
        clientState=asked["state"],
        nonce=asked["nonce"],
        challenge=asked["code_challenge"],
    )
    page = client.login_page or f"{state.caller.url}/login/{state.project_id}"
    query = urlencode({"state_id": grant["id"], "client_id": client.client_id})
    return Reply({}, 302, {"Location": f"{page}{'&' if '?' in page else '?'}{query}"})


def device(state: State, client: Client, arguments: Arguments) -> Answer:
    """A code to be typed in on another device."""
    scope = fill({"scope": ""}, arguments)["scope"] or "openid"
    grant = _begin(state, client, "device", scope)
    page = f"{state.caller.url}/login/{state.project_id}"
    return {
        "device_code": grant["secret"],
        "user_code": grant["id"],
        "verification_uri": page,
        "verification_uri_complete": f"{page}?{urlencode({'state_id': grant['id']})}",
        "expires_in": SECONDS,
        "interval": INTERVAL,
    }


def backchannel(state: State, client: Client, arguments: Arguments) -> Answer:
    """Ask a user, whom the client names, to agree; the outbox has the message to them."""
    asked = fill({"scope": "", "login_hint": "", "binding_message": ""}, arguments)
    user = state.find(USERS, **{"loginIds[]": asked["login_hint"]})
    if user is None:
        raise OAuthError("unknown_user_id", "login_hint names nobody")
    grant = _begin(state, client, "ciba", asked["scope"] or "openid", userId=user["userId"])
    data = {"stateId": grant["id"], "message": asked["binding_message"]}
    state.send("email", user["email"], "ciba", data)
    return {"auth_req_id": grant["secret"], "expires_in": SECONDS, "interval": INTERVAL}


def finish(state: State, state_id: str) -> Answer:
    """The signed-in user agrees: back to the client with a code, where it waits for one."""
    grant = state.find(GRANTS, id=state_id)
    if grant is None or grant["amr"] or grant["expires"] <= state.now():
        raise DescopeError(INVALID, "The authorization is not known, finished or too old")
    session = sessions.current(state)
    user = sessions.current_user(state)
    if grant["userId"] not in ("", user["userId"]):
        raise DescopeError(INVALID, "Another user was asked")
    grant = state.change(GRANTS, grant, {"userId": user["userId"], "amr": session["amr"]})
    if grant["kind"] != "code":
        return {}
    answer = {
        "code": grant["secret"],
        **({"state": grant["clientState"]} if grant["clientState"] else {}),
    }
    page = grant["redirect"]
    url = f"{page}{'&' if '?' in page else '?'}{urlencode(answer)}"
    return Reply({}, 302, {"Location": url})


def consent(state: State, state_id: str) -> None:
    """Write down that the user lets the client have what it asked for."""
    grant = state.get(GRANTS, state_id)
    third_party_consents.grant(
        state,
        grant["appId"],
        grant["scope"].split(),
        user_id=grant["userId"],
        granted_by=grant["userId"],
    )


def token(state: State, client: Client, arguments: Arguments) -> Answer:
    """Tokens, for whatever the client shows that it may have them."""
    grant_type = str(arguments.get("grant_type") or "")
    oauth_clients.authenticate(state, client, arguments)
    if grant_type in _COLLECTED:
        return _collect(state, client, arguments, *_COLLECTED[grant_type])
    if grant_type == "refresh_token":
        return oauth_tokens.refresh(state, client, str(arguments.get("refresh_token") or ""))
    scope = str(arguments.get("scope") or "")
    if grant_type == "client_credentials":
        if not client.secret:
            raise OAuthError("unauthorized_client", "The client has no secret")
        return oauth_tokens.for_client(state, client, scope)
    if grant_type == "urn:ietf:params:oauth:grant-type:token-exchange":
        subject = oauth_tokens.session_of(state, str(arguments.get("subject_token") or ""))
        user = state.get(USERS, subject["userId"])
        issued = oauth_tokens.for_user(state, client, user, subject["amr"], scope or "openid")
        return {**issued, "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}
    raise OAuthError("unsupported_grant_type", f"Not supported: {grant_type}")


def _begin(state: State, client: Client, kind: str, scope: str, **more: Any) -> Record:
    return state.add(
        GRANTS,
        {
            "kind": kind,
            "clientId": client.client_id,
            "appId": client.app_id,
            "scope": scope,
            "secret": state.new_secret(48),
            "expires": state.now() + SECONDS,
            **more,
        },
    )


def _collect(state: State, client: Client, arguments: Arguments, kind: str, name: str) -> Answer:
    grant = state.find(GRANTS, secret=str(arguments.get(name) or ""))
    if grant is None or (grant["kind"], grant["clientId"]) != (kind, client.client_id):
        raise OAuthError("invalid_grant", f"The {name} is not known, or was used")
    if grant["expires"] <= state.now():
        raise OAuthError("invalid_grant" if kind == "code" else "expired_token", "It is too old")
    if not grant["amr"]:
        raise OAuthError("authorization_pending", "The user has not agreed yet")
    if grant["redirect"] != str(arguments.get("redirect_uri") or grant["redirect"]):
        raise OAuthError("invalid_grant", "redirect_uri differs from that of the authorization")
    if grant["challenge"] != _challenge(str(arguments.get("code_verifier") or "")):
        raise OAuthError("invalid_grant", "code_verifier does not fit")
    state.delete(GRANTS, grant["id"])
    user = state.get(USERS, grant["userId"])
    return oauth_tokens.for_user(
        state, client, user, grant["amr"], grant["scope"], nonce=grant["nonce"]
    )


def _challenge(verifier: str) -> str:
    """What a verifier was announced by (RFC 7636); nothing for none."""
    if not verifier:
        return ""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")

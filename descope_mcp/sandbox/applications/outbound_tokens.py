"""The vault: tokens and API keys of users and tenants at the services of `outbound_apps`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from descope_mcp.sandbox.applications.outbound_apps import OUTBOUND_APPS
from descope_mcp.sandbox.engine.errors import (
    INVALID,
    NO_OUTBOUND_APP,
    NO_OUTBOUND_TOKEN,
    NO_TENANT,
    NO_USER,
    DescopeError,
)
from descope_mcp.sandbox.engine.fields import Record, fill, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, register
from descope_mcp.sandbox.users.tables import USERS

#: How long an access token of the other service holds.
LIFETIME = 3600

#: Of API keys, which never expire, ``accessTokenExpiry`` is 0.
TOKENS = register(
    Table(
        "outbound_tokens",
        "OT",
        missing=NO_OUTBOUND_TOKEN,
        secrets=("accessToken", "refreshToken"),
        references=(
            Reference("appId", "outbound_apps", unknown=NO_OUTBOUND_APP, on_delete="cascade"),
            Reference("userId", "users", by="userId", unknown=NO_USER, on_delete="cascade"),
            Reference("tenantId", "tenants", unknown=NO_TENANT, on_delete="cascade"),
        ),
        template={
            "appId": "",
            "userId": "",
            "tokenSub": "",
            "accessToken": "",
            "accessTokenType": "bearer",
            "accessTokenExpiry": "0",
            "hasRefreshToken": False,
            "refreshToken": "",
            "lastRefreshTime": "0",
            "lastRefreshError": "",
            "scopes": [],
            "tenantId": "",
            "grantedBy": "",
            "externalIdentifier": "",
        },
    )
)


def connect(
    state: State, app_id: str, scopes: Iterable[str], *, user_id: str = "", tenant_id: str = ""
) -> Record:
    """Store the tokens that the other service gives after a person has consented."""
    token = {
        "appId": app_id,
        "userId": user_id,
        "tenantId": tenant_id,
        "tokenSub": state.new_secret(12),
        "hasRefreshToken": True,
        "refreshToken": state.new_secret(48),
        "scopes": list(scopes),
        "grantedBy": user_id,
    }
    stored = state.add(TOKENS, {**token, **_access_token(state)})
    _record(state, "OutboundAppTokenCreated", stored)
    return stored


@handles("FetchOutboundAppUserToken", required=["appId", "userId"])
def fetch_user_token(state: State, arguments: Arguments) -> Answer:
    """The user's newest token that has all the scopes."""
    return _fetch(state, arguments, "userId", strings(arguments, "scopes"))


@handles("FetchLatestOutboundAppUserToken", required=["appId", "userId"])
def fetch_latest_user_token(state: State, arguments: Arguments) -> Answer:
    """The user's newest token."""
    return _fetch(state, arguments, "userId", [])


@handles("FetchOutboundAppTenantToken", required=["appId", "tenantId"])
def fetch_tenant_token(state: State, arguments: Arguments) -> Answer:
    """The tenant's newest token that has all the scopes."""
    return _fetch(state, arguments, "tenantId", strings(arguments, "scopes"))


@handles("FetchLatestOutboundAppTenantToken", required=["appId", "tenantId"])
def fetch_latest_tenant_token(state: State, arguments: Arguments) -> Answer:
    """The tenant's newest token."""
    return _fetch(state, arguments, "tenantId", [])


def _fetch(state: State, arguments: Arguments, owner: str, scopes: list[str]) -> Answer:
    """The newest token that fits, renewed if that is asked for or it has expired.

    A token of a user in a tenant belongs to the user.
    """
    state.get(OUTBOUND_APPS, arguments["appId"])
    asked = fill({"userId": "", "tenantId": "", "externalIdentifier": ""}, arguments)
    options = fill(
        {"withRefreshToken": False, "forceRefresh": False},
        fill({"options": {}}, arguments)["options"],
    )
    found = [
        token
        for token in state.all(TOKENS, appId=arguments["appId"])
        if bool(token["userId"]) is (owner == "userId")
        and all(asked[name] in ("", token[name]) for name in asked)
        and set(scopes) <= set(token["scopes"])
    ]
    if not found:
        raise DescopeError(NO_OUTBOUND_TOKEN, f"No token for {arguments[owner]} fits")
    token = found[-1]
    if options["forceRefresh"] or not _holds(state, token):
        token = _refresh(state, token)
    shown = {} if options["withRefreshToken"] else {"refreshToken": ""}
    return {"token": {**token, **shown}}


def _holds(state: State, token: Mapping[str, Any]) -> bool:
    """Whether the access token can still be used."""
    return int(token["accessTokenExpiry"]) == 0 or int(token["accessTokenExpiry"]) > state.now()


def _refresh(state: State, token: Record) -> Record:
    if not token["hasRefreshToken"]:
        raise DescopeError(NO_OUTBOUND_TOKEN, "The token cannot be renewed: connect again")
    renewed = {**_access_token(state), "lastRefreshTime": str(state.now())}
    token = state.change(TOKENS, token, renewed)
    _record(state, "OutboundAppTokenRefreshed", token)
    return token


def _access_token(state: State) -> Record:
    expiry = str(state.now() + LIFETIME)
    return {"accessToken": state.new_secret(64), "accessTokenExpiry": expiry}


@handles("ListUserOutboundAppsWithValidUserToken", required=["userId"])
def list_user_apps(state: State, arguments: Arguments) -> Answer:
    """The apps for which the user has a token that can be used, or renewed."""
    tenant_id = fill({"tenantId": ""}, arguments)["tenantId"]
    apps = [
        token["appId"]
        for token in state.all(TOKENS, userId=arguments["userId"])
        if tenant_id in ("", token["tenantId"])
        and (token["hasRefreshToken"] or _holds(state, token))
    ]
    return {"appIds": list(dict.fromkeys(apps))}


@handles("UploadOutboundAppUserAPIKey", required=["appId", "userId", "apiKey"])
def upload_user_api_key(state: State, arguments: Arguments) -> Answer:
    """Store the user's key; one that is there already is replaced."""
    return _upload(state, arguments)


@handles("UploadOutboundAppTenantAPIKey", required=["appId", "tenantId", "apiKey"])
def upload_tenant_api_key(state: State, arguments: Arguments) -> Answer:
    """Store the tenant's key; one that is there already is replaced."""
    return _upload(state, {**arguments, "userId": ""})


def _upload(state: State, arguments: Arguments) -> Answer:
    app = state.get(OUTBOUND_APPS, arguments["appId"])
    if app["appType"] != "apikey":
        raise DescopeError(INVALID, f"{app['id']} is not an outbound app of type apikey")
    whose = fill({"appId": "", "userId": "", "tenantId": ""}, arguments)
    key = {"accessToken": arguments["apiKey"], "accessTokenType": "apikey"}
    present = state.find(TOKENS, **whose)
    if present is None:
        _record(state, "OutboundAppTokenCreated", state.add(TOKENS, {**whose, **key}))
    else:
        _record(state, "OutboundAppTokenModified", state.change(TOKENS, present, key))
    return None


@handles("DeleteOutboundAppTokenByID", required=["id"])
def delete_token(state: State, arguments: Arguments) -> Answer:
    """Delete one token of a user or a tenant."""
    _delete(state, [state.get(TOKENS, arguments["id"])])
    return None


@handles("DeleteOutboundAppUserTokens", any_of=["appId", "userId"])
def delete_user_tokens(state: State, arguments: Arguments) -> Answer:
    """Delete tokens of users: at one app, of one user, or both. Those of tenants stay."""
    asked = fill({"appId": "", "userId": ""}, arguments)
    found = [
        token
        for token in state.all(TOKENS)
        if token["userId"] and all(asked[name] in ("", token[name]) for name in asked)
    ]
    _delete(state, found)
    return None


def _delete(state: State, tokens: Iterable[Record]) -> None:
    for token in tokens:
        state.delete(TOKENS, token["id"])
        _record(state, "OutboundAppTokenDeleted", token)


def _record(state: State, action: str, token: Record) -> None:
    state.record(
        action,
        user=state.find(USERS, userId=token["userId"]),
        tenants=[token["tenantId"]] if token["tenantId"] else None,
        data={"id": token["id"], "appId": token["appId"]},
    )

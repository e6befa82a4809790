"""Outbound apps and the vault: who has which token, and when it is renewed, kept or lost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

ADA = "ada.okafor@acme.example"
CALENDAR = {"appId": "google-calendar"}
GLOBEX = {**CALENDAR, "tenantId": "globex"}


async def ada(client: Client) -> dict[str, str]:
    return {**CALENDAR, "userId": (await client.user(ADA))["userId"]}


async def latest(client: Client, **arguments: Any) -> Any:
    return (await client.call("FetchLatestOutboundAppUserToken", **arguments))["token"]


async def test_an_update_keeps_the_secret_unless_it_is_given(client: Client) -> None:
    before = (await client.call("LoadOutboundApp", id="google-calendar"))["app"]
    given = {"id": "google-calendar", "name": "Calendar"}
    after = (await client.call("UpdateOutboundApp", app=given))["app"]
    assert after["clientSecret"] == before["clientSecret"] != ""
    assert (after["clientId"], after["tokenUrl"]) == ("", "")
    changed = await client.call("UpdateOutboundApp", app={**given, "clientSecret": "new"})
    assert changed["app"]["clientSecret"] == "new"


async def test_apps_come_from_the_library(client: Client) -> None:
    made = await client.call(
        "CreateOutboundAppByTemplate",
        templateId="github",
        id="hub",
        clientId="mine",
        clientSecret="s",
        overrides={"name": "Hub", "defaultScopes": []},
    )
    app = made["app"]
    assert app["tokenUrl"].startswith("https://github.com/")
    assert (app["id"], app["name"], app["clientId"]) == ("hub", "Hub", "mine")
    assert (app["clientSecret"], app["defaultScopes"]) == ("s", [])
    again = {"id": "hub", "name": "Other"}
    assert await client.error("CreateOutboundApp", 400, **again) == "E112721"
    unknown = {"templateId": "nothing"}
    assert await client.error("CreateOutboundAppByTemplate", 404, **unknown) == "E112723"
    app = (await client.call("CreateOutboundAppByDcrPreset", dcrPresetId="linear"))["app"]
    assert app["useDcr"]
    assert app["clientId"]
    assert app["clientSecret"]


async def test_a_token_is_found_by_owner_and_scopes(client: Client) -> None:
    own = await ada(client)
    token = await latest(client, **own)
    assert token["accessToken"]
    assert token["hasRefreshToken"]
    assert token["refreshToken"] == ""
    fits = await client.call("FetchOutboundAppUserToken", **own, scopes=["calendar.readonly"])
    assert fits["token"] == token
    wide = {**own, "scopes": ["calendar.readonly", "mail"]}
    assert await client.error("FetchOutboundAppUserToken", 404, **wide) == "E152110"
    shared = (await client.call("FetchLatestOutboundAppTenantToken", **GLOBEX))["token"]
    assert shared["userId"] == ""
    assert shared["accessToken"] != token["accessToken"]
    other = {**CALENDAR, "tenantId": "umbra"}
    assert await client.error("FetchOutboundAppTenantToken", 404, **other) == "E152110"
    unknown = {**own, "appId": "unknown"}
    assert await client.error("FetchLatestOutboundAppUserToken", 404, **unknown) == "E112722"


async def test_a_token_is_renewed_when_asked_or_expired(client: Client) -> None:
    own = await ada(client)
    first = await latest(client, **own)
    options = {"forceRefresh": True, "withRefreshToken": True}
    second = await latest(client, **own, options=options)
    assert second["accessToken"] != first["accessToken"]
    assert second["refreshToken"]
    assert await latest(client, **own) == {**second, "refreshToken": ""}
    moment = client.state.clock() + 2 * 3600
    client.state.clock = lambda: moment
    third = await latest(client, **own)
    assert third["accessToken"] != second["accessToken"]
    assert int(third["accessTokenExpiry"]) > moment


async def test_an_api_key_is_replaced_by_the_next(client: Client) -> None:
    own = {**await ada(client), "appId": "weather"}
    await client.call("UploadOutboundAppUserAPIKey", **own, apiKey="one")
    await client.call("UploadOutboundAppUserAPIKey", **own, apiKey="two")
    token = await latest(client, **own)
    assert (token["accessToken"], token["accessTokenExpiry"]) == ("two", "0")
    apps = await client.call("ListUserOutboundAppsWithValidUserToken", userId=own["userId"])
    assert apps == {"appIds": ["google-calendar", "weather"]}
    await client.call("DeleteOutboundAppTokenByID", id=token["id"])
    assert await client.error("FetchLatestOutboundAppUserToken", 404, **own) == "E152110"
    wrong = {**await ada(client), "apiKey": "x"}
    assert await client.error("UploadOutboundAppUserAPIKey", 400, **wrong) == "E011004"
    nobody = {**own, "userId": "nobody", "apiKey": "x"}
    assert await client.error("UploadOutboundAppUserAPIKey", 404, **nobody) == "E112102"


async def test_tokens_of_all_users_go_and_those_of_tenants_stay(client: Client) -> None:
    own = await ada(client)
    await client.call("DeleteOutboundAppUserTokens", **own)
    assert await client.error("FetchLatestOutboundAppUserToken", 404, **own) == "E152110"
    await client.call("DeleteOutboundAppUserTokens", **CALENDAR)
    users = (await client.call("SearchUsers"))["users"]
    for user in users:
        whose = {"userId": user["userId"]}
        assert await client.call("ListUserOutboundAppsWithValidUserToken", **whose) == {
            "appIds": []
        }
    await client.call("FetchLatestOutboundAppTenantToken", **GLOBEX)
    assert await client.error("DeleteOutboundAppUserTokens", 400) == "E011003"


async def test_tokens_go_with_app_and_tenant(client: Client) -> None:
    await client.call("DeleteTenant", id="globex")
    (kept,) = {t["tenantId"] for t in client.state.rows["outbound_tokens"].records.values()}
    assert kept == ""
    await client.call("DeleteOutboundApp", id="google-calendar")
    assert not client.state.rows["outbound_tokens"].records

"""The sandbox as OAuth and OpenID provider, as clients of these protocols see it."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from descope_mcp.sandbox.engine.state import OUTBOX
from tests.sandbox.conftest import Client
from tests.sandbox.sign_in.test_sign_in import ADA, User, signed_in

pytestmark = pytest.mark.anyio

BACK = "https://app.example/back"
VERIFIER = "a-long-enough-verifier-for-the-proof-of-the-key"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:-1]
ASKED = {
    "response_type": "code",
    "redirect_uri": BACK,
    "scope": "openid email profile",
    "state": "xyz",
    "nonce": "n-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


async def form(client: Client, url: str, expect: int = 200, **fields: str) -> Any:
    answer = await client.http.post(url, data=fields)
    assert answer.status_code == expect, answer.text
    return answer.json()


def query(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    fields = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: values[0] for name, values in fields.items()}


async def code(client: Client, start: httpx.Response, finish: str) -> dict[str, str]:
    user = User(client, (await signed_in(client))["refreshJwt"])
    return query(await user.send(finish, state_id=query(start)["state_id"]))


async def test_discovery_leads_through_the_whole_code_flow(client: Client) -> None:
    project = client.sandbox.project_id
    base = f"/{project}/.well-known"
    found = (await client.http.get(f"{base}/openid-configuration")).json()
    assert found["issuer"] == f"{client.sandbox.url}/{project}"
    start = await client.http.get(found["authorization_endpoint"], params=ASKED)
    back = await code(client, start, "OIDCAuthZEndpointFinishPost")
    assert back["state"] == "xyz"
    grant = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": BACK}
    endpoint = found["token_endpoint"]
    assert (await form(client, endpoint, 400, **grant))["error"] == "invalid_grant"
    tokens = await form(client, endpoint, **grant, code_verifier=VERIFIER)
    again = await form(client, endpoint, 400, **grant, code_verifier=VERIFIER)
    assert again["error"] == "invalid_grant"
    keys = (await client.http.get(found["jwks_uri"])).json()
    key = jwt.PyJWK(keys["keys"][0])
    claims = jwt.decode(tokens["id_token"], key, ["RS256"], audience=project)
    assert (claims["iss"], claims["nonce"], claims["email"]) == (found["issuer"], "n-1", ADA)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    shown = (await client.http.get(found["userinfo_endpoint"], headers=bearer)).json()
    assert (shown["sub"], shown["email_verified"]) == (claims["sub"], True)
    assert "phone_number" not in shown
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await form(client, endpoint, **refresh))["access_token"]
    await form(client, found["revocation_endpoint"], token=tokens["refresh_token"])
    assert (await form(client, endpoint, 400, **refresh))["error"] == "invalid_grant"
    assert (await client.http.get(found["userinfo_endpoint"], headers=bearer)).status_code == 401


async def test_an_unknown_client_and_a_wrong_request_are_refused(client: Client) -> None:
    start = await client.http.get("/oauth2/v1/authorize", params={**ASKED, "client_id": "nobody"})
    assert (start.status_code, start.json()["error"]) == (401, "invalid_client")
    start = await client.http.get("/oauth2/v1/authorize", params={**ASKED, "redirect_uri": ""})
    assert start.json()["error"] == "invalid_request"
    nobody = User(client)
    assert (await nobody.send("OIDCAuthZEndpointFinishPost", state_id="OG3x")).status_code == 400


async def test_only_a_refresh_token_agrees_to_anything(client: Client) -> None:
    start = await client.http.get("/oauth2/v1/authorize", params=ASKED)
    state_id = query(start)["state_id"]
    for who in (User(client), User(client, client.sandbox.management_key)):
        answer = await who.send("OIDCAuthZEndpointFinishPost", state_id=state_id)
        assert answer.status_code == 401


async def test_a_third_party_application_gets_consent_and_tokens(client: Client) -> None:
    app = await client.call(
        "CreateThirdPartyApplication",
        name="partner",
        loginPageUrl="https://login.example",
        approvedCallbackUrls=[BACK],
    )
    who = {"client_id": app["clientId"]}
    secret = {**who, "client_secret": app["cleartext"]}
    url = "/oauth2/v1/apps/authorize"
    elsewhere = {**ASKED, **who, "redirect_uri": "https://evil.example"}
    assert (await client.http.get(url, params=elsewhere)).status_code == 400
    start = await client.http.get(url, params={**ASKED, **who})
    assert start.headers["location"].startswith("https://login.example?")
    back = await code(client, start, "ThirdPartyApplicationFinish")
    consents = await client.call("SearchThirdPartyApplicationConsents", appId=app["id"])
    assert consents["consents"][0]["scopes"] == ["openid", "email", "profile"]
    token = "/oauth2/v1/apps/token"
    grant = {"grant_type": "authorization_code", "code": back["code"], "code_verifier": VERIFIER}
    wrong = await form(client, token, 401, **grant, **who, client_secret="wrong")
    assert wrong["error"] == "invalid_client"
    tokens = await form(client, token, **grant, **secret)
    basic = (app["clientId"], app["cleartext"])
    own = await client.http.post(token, data={"grant_type": "client_credentials"}, auth=basic)
    claims = jwt.decode(own.json()["access_token"], options={"verify_signature": False})
    assert claims["sub"] == app["clientId"]
    exchange = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": tokens["access_token"],
        "scope": "email",
    }
    narrowed = await form(client, token, **exchange, **secret)
    assert (narrowed["scope"], "id_token" in narrowed) == ("email", False)


async def test_a_device_waits_until_the_user_agrees(client: Client) -> None:
    started = await form(client, "/oauth2/v1/device", client_id=client.sandbox.project_id)
    grant = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": started["device_code"],
    }
    url = "/oauth2/v1/token"
    assert (await form(client, url, 400, **grant))["error"] == "authorization_pending"
    user = User(client, (await signed_in(client))["refreshJwt"])
    await user.call("OIDCAuthZEndpointFinishPost", state_id=started["user_code"])
    assert (await form(client, url, **grant))["id_token"]


async def test_a_backchannel_request_is_for_one_user(client: Client) -> None:
    app = await client.call("CreateThirdPartyApplication", name="bank")
    secret = {"client_id": app["clientId"], "client_secret": app["cleartext"]}
    start = {**secret, "login_hint": ADA, "binding_message": "Pay 10"}
    started = await form(client, "/oauth2/v1/apps/bc-authorize", **start)
    message = client.state.all(OUTBOX)[-1]["data"]
    assert message["message"] == "Pay 10"
    other = User(client, (await signed_in(client, "ben.carter@acme.example"))["refreshJwt"])
    finish = {"state_id": message["stateId"]}
    assert (await other.send("ThirdPartyApplicationFinish", **finish)).status_code == 400
    ada = User(client, (await signed_in(client))["refreshJwt"])
    await ada.call("ThirdPartyApplicationFinish", **finish)
    grant = {
        "grant_type": "urn:openid:params:grant-type:ciba",
        "auth_req_id": started["auth_req_id"],
    }
    assert (await form(client, "/oauth2/v1/apps/token", **grant, **secret))["access_token"]


async def test_logging_out_ends_the_session_and_goes_back(client: Client) -> None:
    start = await client.http.get("/oauth2/v1/authorize", params=ASKED)
    back = await code(client, start, "OIDCAuthZEndpointFinishGet")
    grant = {"grant_type": "authorization_code", "code": back["code"], "code_verifier": VERIFIER}
    tokens = await form(client, "/oauth2/v1/token", **grant)
    asked = {
        "id_token_hint": tokens["id_token"],
        "post_logout_redirect_uri": "https://app.example/bye",
        "state": "s",
    }
    answer = await client.http.get("/oauth2/v1/logout", params=asked)
    assert query(answer) == {"state": "s"}
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await form(client, "/oauth2/v1/token", 400, **refresh))["error"] == "invalid_grant"


async def test_every_issuer_has_its_document(client: Client) -> None:
    project = client.sandbox.project_id
    apps = (await client.call("LoadAllSSOApplications"))["apps"]
    server = (await client.call("CreateMcpServer", name="tools"))["server"]["id"]
    for path in (
        f"/{project}/{apps[0]['id']}",
        f"/v1/apps/{project}",
        f"/v1/apps/agentic/{project}/{server}",
    ):
        answer = await client.http.get(f"{path}/.well-known/openid-configuration")
        assert answer.json()["issuer"] == f"{client.sandbox.url}{path}"
    assert (await client.http.get("/P3nope/.well-known/jwks.json")).status_code == 404

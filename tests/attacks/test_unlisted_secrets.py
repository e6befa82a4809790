"""Secrets that no record lists: others keep them in attributes, flows and messages of errors.

Each stands where the model, a person, the journal or the sandbox's inspector would read it. What
only resembles one stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Failed
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.secret_formats import FORMATS
from descope_mcp.guard.secrets.redaction import seal
from descope_mcp.sandbox.http.masking import masked
from descope_mcp.sandbox.http.request_log import Exchange
from descope_mcp.store.store import Store
from tests.on_disk import on_disk
from tests.recorder import Recorded, recording

pytestmark = pytest.mark.anyio

CANARY = "hunter2canary"
#: Put together here, so that nobody takes this file for one that leaks.
PEM = f"-----BEGIN {'RSA '}PRIVATE KEY-----\nMIIE{CANARY}\n-----END RSA PRIVATE KEY-----"
LETTERS = "a1B2c3D4" * 12
#: One for each beginning: what those who issue it document.
ISSUED = {
    "age": "AGE-SECRET-KEY-1" + "A2" * 29,
    "Airtable": f"pat{LETTERS[:14]}." + "a1" * 32,
    "Anthropic": f"sk-ant-api03-{LETTERS}",
    "Atlassian": f"ATATT3{LETTERS}",
    "AWS": "AKIA" + "A2B3" * 4,
    "Databricks": "dapi" + "a1" * 16,
    "DigitalOcean": "dop_v1_" + "a1" * 32,
    "GitHub": f"ghp_{LETTERS[:36]}",
    "GitHub, limited": f"github_pat_{LETTERS[:82]}",
    "GitLab": f"glpat-{LETTERS[:20]}",
    "Google": f"AIza{LETTERS[:35]}",
    "Google, client": f"GOCSPX-{LETTERS[:28]}",
    "Google, access": f"ya29.{LETTERS}",
    "Google, refresh": f"1//0{LETTERS[:60]}",
    "Grafana": f"glsa_{LETTERS[:32]}_a1b2c3d4",
    "HashiCorp": f"hvs.{LETTERS}",
    "Hugging Face": f"hf_{LETTERS[:34]}",
    "Linear": f"lin_api_{LETTERS[:40]}",
    "Mailgun": "key-" + "a1" * 16,
    "New Relic": "NRAK-" + "A2B3" * 6 + "C4D",
    "npm": f"npm_{LETTERS[:36]}",
    "OpenAI": f"sk-proj-{LETTERS}",
    "Postman": f"PMAK-{'a1' * 12}-{'b2' * 17}",
    "PyPI": f"pypi-AgEIcHl{LETTERS}",
    "SendGrid": f"SG.{LETTERS[:22]}.{LETTERS[:43]}",
    "Shopify": "shpat_" + "a1" * 16,
    "Slack": f"xoxb-123456789012-{LETTERS[:24]}",
    "Slack, user": f"xoxp-123456789012-{LETTERS[:24]}",
    "Slack, app": f"xapp-1-{LETTERS[:24]}",
    "Square": f"sq0csp-{LETTERS[:43]}",
    "Stripe": f"sk_live_{LETTERS[:24]}",
    "Svix": f"whsec_{LETTERS[:32]}",
    "Supabase": "sbp_" + "a1" * 20,
    "a kubeconfig": "LS0tLS1CRUdJTiB" + "QUklWQVRFIEtFWS0tLS0t" + LETTERS,
}
ADDRESSES = {
    "Discord": f"https://discord.com/api/webhooks/123456789012345678/{LETTERS[:68]}",
    "Microsoft": f"https://acme.webhook.office.com/webhookb2/{LETTERS}@{LETTERS}/x",
    "Slack": f"https://hooks.slack.com/services/T0001/B0001/{LETTERS[:24]}",
    "Telegram": f"https://api.telegram.org/bot123456789:{LETTERS[:35]}",
}
#: Texts with a secret, in an error or in an exported flow.
TEXTS = {
    "a private key": f"not accepted: {PEM}",
    "one that is cut off": PEM[:60],
    "one with its lines escaped": json.dumps(PEM),
    "a password in an address": f"https://user:{CANARY}@crm.example/x refused",
    "one with an at sign": f"postgres://app:{CANARY}@{CANARY}@db.example:5432/app",
    "one without a user": f"redis://:{CANARY}@cache.example:6379",
    "a key in a query": f"GET https://a.example/x?api_key={CANARY}&page=2",
    "one that is only called key": f"GET https://a.example/x?page=2&key={CANARY}",
    "one in an escaped query": f"next=%2Fx%3Fkey%3D{CANARY}",
    "the key of an account": f"Endpoint=https;AccountName=acme;AccountKey={CANARY}==",
    "a signature": f"https://acme.example/blob?sv=1&sig={CANARY}",
    "a password among words": f"invalid password: {CANARY}",
    "a key among words": f'"secretKey": "{CANARY}"',
}
#: What an attribute or a claim may be called, and what it may hold.
NAMED: dict[str, Any] = {
    "token": CANARY,
    "authToken": CANARY,
    "secretKey": CANARY,
    "passphrase": CANARY,
    "writeKey": CANARY,
    "x-functions-key": CANARY,
    "X-Auth": CANARY,
    "smtpPass": CANARY,
    "secrets": [CANARY, {"of": CANARY}],
    "secret": {"value": CANARY},
    "tokens": {"crm": CANARY},
    "header": {"name": "X-Auth", "value": CANARY},
    "key": {"kty": "RSA", "n": "public", "d": CANARY, "p": CANARY},
    "deep": {"list": [{"apiKey": CANARY}]},
}
#: What is called or looks like that, and is none.
PLAIN: dict[str, Any] = {
    "tokens": 1200,
    "tokensRemaining": "17 of 20",
    "tokenLimit": 500,
    "passwordChangedAt": 1767225600,
    "passwordExpiration": "2026-12-01",
    "secretName": "crm",
    "cookieConsent": "accepted",
    "publicKey": "MIIBIjANBgkqhkiG9w0B",
    "hasPassword": True,
    "otp": False,
    "token": "",
    "userId": "U2abcDEF3ghiJKL4mnoPQR5stuV",
    "key": "K2abcDEF3ghiJKL4mnoPQR5stuV",
    "commit": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
    "version": "1.2.3.4",
    "address": "https://a.example:8443/users/@ada?page=2&monkey=x",
    "git": "ssh://git@git.example/acme/app.git",
    "mail": "ada:lovelace@acme.example",
    "template": "https://{{host.user}}:{{host.word}}@a.example/x?code={{magic.code}}",
    "link": "https://a.example/x?t={{magic.token}}",
    "setting": "${env.TOKEN}",
    "css": "sk-loading-indicator-of-a-long-page sk-cube-grid task-list",
    "region": "ASIAPACIFICHEADQUART",
    "certificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "stripe": "pk_live_" + LETTERS[:24],
}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "state", tmp_path / "key")
    yield store
    store.close()


async def answered(
    catalog: Catalog, own: Store, body: Any, call: Call, status: int = 200
) -> Completed | Failed:
    """What becomes of a call to which every request is answered with `body`."""

    def answer(request: Recorded) -> Response:
        return JSONResponse(body, status)

    async with recording(answer) as recorder:
        services = recorder.services(catalog, store=own)
        outcome = await invoke(call, services)
        await services.client.close()
    assert isinstance(outcome, Completed | Failed), outcome
    return outcome


def user(**attributes: Any) -> dict[str, Any]:
    return {"user": {"loginIds": ["ada"], "userId": "U1", "customAttributes": attributes}}


@pytest.mark.parametrize("text", TEXTS)
async def test_an_error_repeats_none(catalog: Catalog, own: Store, text: str) -> None:
    body = {"errorCode": "E011003", "errorMessage": TEXTS[text]}
    call = Call("LoadUser", {"loginId": "ada"}, "agent")
    outcome = await answered(catalog, own, body, call, 400)
    assert isinstance(outcome, Failed)
    assert "[sealed]" in outcome.message
    assert CANARY not in repr(outcome) + outcome.message


@pytest.mark.parametrize("text", [*ISSUED.values(), *ADDRESSES.values()])
async def test_nothing_shows_what_somebody_issued(catalog: Catalog, text: str) -> None:
    secret = text.removeprefix("https://").partition("/")[2] or text
    for around in ("{}", "Bearer {} was refused", "x={};", "line\n{}", "line\\n{}"):
        held = around.format(text)
        in_flow = seal(catalog["ExportFlow"], {"flow": {"screens": [{"note": held}]}})
        in_user = seal(catalog["LoadUser"], user(note=held))
        for shown in (in_flow, in_user, masked({"note": held})):
            assert "[sealed" in str(shown)
            assert secret[-12:] not in str(shown)
            assert text[-12:] not in str(shown)


def test_every_format_has_a_sample() -> None:
    samples = [*ISSUED.values(), *ADDRESSES.values(), PEM]
    for one in FORMATS:
        assert any(begin in text for begin in one.begins for text in samples), one.issuer


async def test_an_address_still_says_where_it_leads(catalog: Catalog) -> None:
    for address in ADDRESSES.values():
        shown = seal(catalog["LoadUser"], user(note=address))["user"]["customAttributes"]["note"]
        assert shown.startswith(address.partition(".")[0])


@pytest.mark.parametrize("name", NAMED)
async def test_an_attribute_is_sealed_by_its_name_with_all_below_it(
    catalog: Catalog, own: Store, name: str
) -> None:
    call = Call("LoadUser", {"loginId": "ada"}, "agent")
    outcome = await answered(catalog, own, user(**{name: NAMED[name]}), call)
    assert isinstance(outcome, Completed)
    assert CANARY not in str(outcome.data)
    assert "[sealed:" in str(outcome.data)
    assert CANARY not in str(masked(user(**{name: NAMED[name]})))


async def test_a_password_of_digits_is_one(catalog: Catalog, own: Store) -> None:
    call = Call("LoadUser", {"loginId": "ada"}, "agent")
    outcome = await answered(catalog, own, user(password=73194628), call)
    assert isinstance(outcome, Completed)
    assert "73194628" not in str(outcome.data)


@pytest.mark.parametrize("query", ["key=", "t=", "x=1&sig=", "api_key="])
def test_the_log_of_the_sandbox_hides_what_a_query_carries(query: str) -> None:
    exchange = Exchange(1, 0.0, "GET", "/x", f"{query}{CANARY}", "")
    assert exchange.shown()["path"] == f"/x?{query}[sealed]"


@pytest.mark.parametrize("text", TEXTS)
async def test_an_exported_flow_shows_none(catalog: Catalog, own: Store, text: str) -> None:
    body = {"flow": {"id": "f", "dsl": {"headers": {"note": TEXTS[text]}}}}
    outcome = await answered(catalog, own, body, Call("ExportFlow", {"flowId": "f"}, "agent"))
    assert isinstance(outcome, Completed)
    assert CANARY not in str(outcome.data)


async def test_the_journal_keeps_none_of_what_is_sent(catalog: Catalog, own: Store) -> None:
    attributes = {**NAMED, "note": TEXTS["a private key"], "crm": TEXTS["one with an at sign"]}
    arguments = {"loginId": "ada", "customAttributes": attributes}
    outcome = await answered(catalog, own, user(**attributes), Call("PatchUser", arguments, "a"))
    assert isinstance(outcome, Completed)
    assert CANARY.encode() not in on_disk(own.directory)


@pytest.mark.parametrize("name", PLAIN)
async def test_what_is_no_secret_stays(catalog: Catalog, own: Store, name: str) -> None:
    held = user(**{name: PLAIN[name]})
    outcome = await answered(catalog, own, held, Call("LoadUser", {"loginId": "ada"}, "agent"))
    assert isinstance(outcome, Completed)
    assert outcome.data["user"]["customAttributes"] == {name: PLAIN[name]}
    assert masked(held) == held

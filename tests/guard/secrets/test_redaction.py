"""Secrets in answers and arguments: by the record, by their shape, by their name."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from descope_mcp.catalog.arguments.validation import SEALED
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.secret_shapes import scan
from descope_mcp.guard.secrets.redaction import masked, seal
from tests.guard.build import operation

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJVMSJ9.c2lnbmF0dXJl"
JWE = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXY.Y2lwaGVydGV4dA.dGFn"
KEY = "K" + "a1B2" * 60


@pytest.mark.parametrize(
    ("value", "sealed"),
    [
        ("cleartext", SEALED),
        ({"a": 1}, SEALED),
        (["one", "two"], [SEALED, SEALED]),
        (True, True),
        (False, False),
        (0, 0),
        (12.5, 12.5),
        (None, None),
        ("", ""),
        ([], []),
        ({}, {}),
    ],
)
def test_a_field_of_the_record_is_sealed_unless_it_says_nothing(value: Any, sealed: Any) -> None:
    assert seal(operation(secrets=["app.secret"]), {"app": {"secret": value, "id": "A"}}) == {
        "app": {"secret": sealed, "id": "A"}
    }


def test_every_element_of_a_list_is_sealed_and_the_answer_is_not_changed() -> None:
    answer = {"apps": [{"secret": "a"}, {"secret": "b"}, {"id": 1}]}
    sealed = seal(operation(secrets=["apps[].secret"]), answer)
    assert sealed == {"apps": [{"secret": SEALED}, {"secret": SEALED}, {"id": 1}]}
    assert answer["apps"][0] == {"secret": "a"}


@pytest.mark.parametrize("token", [JWT, JWE, KEY])
@pytest.mark.parametrize("around", ["{}", "Bearer {} was refused", "x={};", '{{"a":"{}"}}'])
def test_a_token_in_free_text_is_sealed(token: str, around: str) -> None:
    shown = scan({"deep": [around.format(token)]})["deep"][0]
    assert token not in shown
    assert token[10:] not in shown
    assert SEALED in shown


@pytest.mark.parametrize(
    "text",
    ["K is for Kafka", "eyJust a word", "user@example.com", "https://a.example/x?page=2", ""],
)
def test_what_is_no_token_stays(text: str) -> None:
    assert scan(text) == text


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://a.example/cb?code=abc&state=1", f"https://a.example/cb?code={SEALED}&state=1"),
        ("https://a.example/cb?t=abc", f"https://a.example/cb?t={SEALED}"),
        ("https://a.example/#id_token=abc&x=1", f"https://a.example/#id_token={SEALED}&x=1"),
        (
            "https://a.example/?x=1&access_token=abc",
            f"https://a.example/?x=1&access_token={SEALED}",
        ),
        ("?x=1&amp;refresh_token=abc", f"?x=1&amp;refresh_token={SEALED}"),
        ("https://a.example/?SAMLResponse=PHNh%3D", f"https://a.example/?SAMLResponse={SEALED}"),
        ("https://a.example/?barcode=abc", "https://a.example/?barcode=abc"),
    ],
)
def test_a_redirect_loses_its_code_and_keeps_its_way(location: str, shown: str) -> None:
    assert seal(operation(), {"status": 302, "location": location})["location"] == shown


def test_free_content_is_sealed_by_its_names() -> None:
    answer = {
        "config": {
            "clientSecret": "a",
            "apiKey": "b",
            "passwords": ["c", {"hint": "d"}],
            "tokens": {"accessToken": "e"},
            "tokenUrl": "https://a.example/token",
            "tokenType": "Bearer",
            "hasSecret": True,
            "cookieCount": 3,
            "otp": 123456,
            "name": "n",
        }
    }
    shown = seal(operation(scan=True), answer)["config"]
    assert shown == {
        "clientSecret": SEALED,
        "apiKey": SEALED,
        "passwords": [SEALED, {"hint": SEALED}],
        "tokens": {"accessToken": SEALED},
        "tokenUrl": "https://a.example/token",
        "tokenType": "Bearer",
        "hasSecret": True,
        "cookieCount": 3,
        "otp": SEALED,
        "name": "n",
    }


def test_settings_that_are_called_after_secrets_stay_and_secrets_among_them_do_not() -> None:
    random = "aB3dE5gH7jK9mN1pQ3sT5vX7z"
    answer = {
        "files": {
            "authorization/settings.json": {"type": 1, "name": "doc", "expression": "a.b == c"},
            "jwtTemplates/T1.json": {"template": {"plan": "{{user.plan}}"}, "id": "T" + random},
            "outboundApps/crm.json": {"authorizationUrl": "https://a.example/authorize"},
            "passwords/policy.json": {"minLength": 8, "passwordPolicy": "strong"},
            "connectors/http.json": {
                "authentication": {"bearerToken": "hunter2", "method": "bearerToken"},
                "headers": [{"key": "Authorization", "value": "hunter2"}],
                "authorization": {"header": random, "note": "plain"},
                "secrets": [{"name": "db", "value": "hunter2"}],
            },
        }
    }
    shown = seal(operation(scan=True), answer)["files"]
    plain = ("authorization/settings.json", "jwtTemplates/T1.json", "outboundApps/crm.json")
    for name in (*plain, "passwords/policy.json"):
        assert shown[name] == answer["files"][name]
    assert "hunter2" not in str(shown)
    assert random not in str(shown["connectors/http.json"])
    assert shown["connectors/http.json"]["authorization"]["note"] == "plain"
    assert shown["connectors/http.json"]["authentication"]["method"] == "bearerToken"


@pytest.mark.parametrize("text", ["{{user.email}}", "[draft] hello", "{not json"])
def test_what_only_begins_like_a_document_stays(text: str) -> None:
    assert seal(operation(scan=True), {"text": text}) == {"text": text}
    hidden = seal(operation(scan=True), {"text": f"{text} password hunter2"})
    assert "hunter2" not in str(hidden)


def test_secrets_in_free_content_are_found_in_every_form() -> None:
    answer = {
        "headers": [
            {"name": "Authorization", "value": "Basic eA=="},
            {"name": "Accept", "value": "*"},
        ],
        "x-api-key": "hunter2",
        "signingKey": {"value": "hunter2"},
        "json": '{"accessToken": "hunter2", "id": "x"}',
        "yaml": "name: app\nclient_secret: hunter2\nport: 1",
        "text": "<form><input name='SAMLResponse' value='hunter2'></form>",
    }
    shown = seal(operation(scan=True), answer)
    assert "hunter2" not in str(shown)
    assert "eA==" not in str(shown)
    assert shown["headers"][1] == {"name": "Accept", "value": "*"}
    assert "port: 1" in shown["yaml"]


def test_a_secret_field_is_sealed_wherever_it_stands(catalog: Catalog) -> None:
    for name, answer in {
        "LoadAccessKey": {"key": {"cleartext": "hunter2"}},
        "LoadOutboundApp": {"clientSecret": "hunter2"},
        "LoadSSOSettings": {"settings": {"oidc": {"clientSecret": "hunter2"}}},
        "GetUserProviderToken": {"data": [{"accessToken": "hunter2"}]},
    }.items():
        assert "hunter2" not in str(seal(catalog[name], answer)), name


@pytest.mark.parametrize("text", ["eyJaaaaaaa" * 100_000, "code" * 200_000, "token_" * 100_000])
def test_a_long_text_does_not_hold_up_the_server(text: str) -> None:
    began = time.process_time()
    seal(operation(scan=True), {"name": text})
    assert time.process_time() - began < 5


def test_arguments_are_masked_for_a_person() -> None:
    subject = operation(secret_arguments=["password", "users[].password"])
    shown = masked(
        subject,
        {
            "password": "a",
            "users": [{"password": "b", "id": 1}],
            "credential": "c",
            "note": JWT,
        },
    )
    assert shown == {
        "password": SEALED,
        "users": [{"password": SEALED, "id": 1}],
        "credential": SEALED,
        "note": SEALED,
    }


def test_fields_that_only_sound_like_secrets_stay(catalog: Catalog) -> None:
    user = {"user": {"password": True, "TOTP": False, "loginIds": ["a"], "userId": "U1"}}
    assert seal(catalog["LoadUser"], user) == user
    policy = {"minLength": 8, "enabled": True}
    assert seal(catalog["GetPasswordSettings"], policy) == policy


def test_real_secrets_are_sealed(catalog: Catalog) -> None:
    app = {"app": {"id": "A", "clientSecret": "hunter2"}}
    assert seal(catalog["LoadOutboundApp"], app)["app"] == {"id": "A", "clientSecret": SEALED}
    created = {"cleartext": "hunter2", "key": {"id": "K1", "name": "n"}}
    assert seal(catalog["CreateAccessKey"], created) == {
        "cleartext": SEALED,
        "key": {"id": "K1", "name": "n"},
    }


def test_tokens_are_found_whatever_stands_around_them() -> None:
    for before in ("auth%3D", "%22", "x_", "\\n", "Bearer ", '{"a":"'):
        assert JWT not in str(seal(operation(), {"note": f"{before}{JWT}"})), before
    assert JWT not in str(seal(operation(), {JWT: 1}))


def test_ordinary_texts_stay() -> None:
    texts = ["status_code=200", "a.b.c", "/K" + "a" * 60, "v1.2.3.4", "https://a.example/x.y.z?q=1"]
    for text in texts:
        assert seal(operation(), {"note": text}) == {"note": text}


def test_an_inner_document_cannot_break_the_answer() -> None:
    answer = {"data": '{"a": "\\ud800", "token": "hunter2"}'}
    json.dumps(seal(operation(scan=True), answer), ensure_ascii=False).encode()

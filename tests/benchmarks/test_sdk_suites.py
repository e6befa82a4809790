"""The SDK suites: the page says what was found, and requests are noted, sent and told apart."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.sdk_suites import page, results, suites
from benchmarks.sdk_suites.__main__ import sandbox
from benchmarks.sdk_suites.delivery import deliver
from benchmarks.sdk_suites.suites import Sent
from descope_mcp.catalog.catalog import Catalog

_SUITE = """
from unittest import mock
import asyncio, httpx, json

def test_function():
    with mock.patch("httpx.post", return_value=1) as post:
        assert httpx.post("http://x/v1/mgmt/role/all?a=b", params={"c": ["d", "e"]}, json={"f": 1},
                          headers={"Authorization": "Bearer p:k"}, verify=False) == 1
        post.assert_called_once()

def test_method():
    client = httpx.AsyncClient()
    with mock.patch.object(client, "get", mock.AsyncMock(return_value=2)):
        assert asyncio.run(client.get("http://x/v1/auth/me")) == 2

def test_what_is_not_http():
    with mock.patch("json.loads", return_value=3), mock.patch.object(Store, "get"):
        assert json.loads("{}") == 3
        Store.get("http://x/v1/auth/me")

class Store:
    get = None
"""


def test_the_page_shows_what_is_kept() -> None:
    shown = page.PAGE.read_text(encoding="utf-8")
    assert page.written(shown, results.read()) == shown


def test_what_is_not_explained_stops_the_page() -> None:
    kept = results.read()
    unexplained = replace(kept.suites[0], failed=["a test of nobody"])
    with pytest.raises(ValueError, match="no reason"):
        page.written(page.PAGE.read_text(encoding="utf-8"), replace(kept, suites=[unexplained]))


def test_requests_that_mocks_answer_are_noted(tmp_path: Path) -> None:
    (tmp_path / "test_of_a_sdk.py").write_text(_SUITE)
    noted = tmp_path / "sent.jsonl"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "sdk_capture", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env={
            "SDK_CAPTURE": str(noted),
            "PYTHONPATH": str(Path(suites.__file__).parent / "capture"),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    function, method = (json.loads(line) for line in noted.read_text().splitlines())
    assert function == {
        "test": "test_of_a_sdk.py::test_function",
        "method": "POST",
        "target": "/v1/mgmt/role/all?c=d&c=e",
        "authorization": "Bearer p:k",
        "body": '{"f":1}',
    }
    assert (method["method"], method["target"], method["body"]) == ("GET", "/v1/auth/me", "")


def test_requests_are_told_apart(catalog: Catalog) -> None:
    create, key = "/v1/mgmt/user/create", "Bearer dummy:key"
    sent = [
        Sent("a", "POST", create, key, '{"loginId": "a", "users": 1, "userTenants": null}'),
        Sent("a", "POST", create, key, '{"loginId": "a"}'),
        Sent("b", "POST", create, key, '{"loginId": "a"}'),
        Sent("b", "POST", create, key, '{"loginId": ""}'),
        Sent("b", "POST", create, "Bearer dummy", '{"loginId": "b"}'),
        Sent("c", "GET", "/v2/keys/dummy", "Bearer dummy", ""),
        Sent("c", "GET", "/v1/auth/me", "Bearer dummy:invented", ""),
        Sent("c", "POST", "/v1/mgmt/engine/create", key, "{}"),
        Sent("c", "GET", create, key, ""),
    ]
    with sandbox(catalog) as box:
        delivered = list(deliver(sent, box, catalog))
    assert [one.fate for one in delivered] == [
        *("answered", "data", "answered", "arguments", "credential"),
        *("answered", "answered", "route", "route"),
    ]
    suite = results.noted("s", suites.Ran("1", "c", ("a", "b"), {}, tuple(sent)), delivered)
    assert (suite.sending, suite.fates["answered"]) == (3, 4)
    assert suite.undeclared == {"users": ["CreateUser"]}
    assert [(row.calls, row.fate) for row in suite.rows] == [
        ("CreateUser", "arguments"),
        ("CreateUser", "credential"),
        ("GET /v1/mgmt/user/create", "route"),
        ("POST /v1/mgmt/engine/create", "route"),
    ]


def test_a_checkout_that_is_not_prepared_is_told_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(suites.NotReady, match=r"\.venv"):
        suites.python_units(tmp_path)
    with pytest.raises(suites.NotReady, match="npm install"):
        suites.node(tmp_path)

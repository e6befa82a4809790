"""A page in a browser of the same machine against the sandbox, and keys that were written down."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest

from descope_mcp.call.services import Services
from descope_mcp.sandbox.seeds import organisations
from tests.attacks.tally import BYPASSED, CALLS, none, tally
from tests.cli.processes import run
from tests.sandbox.processes import sandbox

pytestmark = pytest.mark.anyio

#: What a page can make a browser say, and what it cannot leave out.
FOREIGN: list[Mapping[str, str]] = [
    {"Host": "evil.example"},
    {"Host": "evil.example:8080"},
    {"Host": "127.0.0.1.evil.example"},
    {"Host": "localhost.evil.example"},
    {"Host": "evil.example@127.0.0.1"},
    {"Host": "127.0.0.1@evil.example"},
    {"Host": "10.0.0.1"},
    {"Host": "0.0.0.0"},
    {"Host": "[::ffff:10.0.0.1]"},
    {"Host": ""},
    {"Host": "["},
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "file://"},
]
LOCAL: list[Mapping[str, str]] = [
    {"Host": "localhost"},
    {"Host": "LOCALHOST:1"},
    {"Host": "app.localhost:3000"},
    {"Host": "127.0.0.2"},
    {"Host": "[::1]:8080"},
    {"Origin": "http://localhost:3000"},
    {"Origin": "http://127.0.0.1:5173"},
]


async def test_no_page_reaches_any_path(acme: Services) -> None:
    reached = []
    async with httpx.AsyncClient(base_url=acme.client.base_url) as http:
        for operation in acme.catalog.values():
            for headers in FOREIGN:
                tally[CALLS] += 1
                answer = await http.request(operation.method, operation.path, headers=headers)
                if answer.status_code != 403 or b"E011006" not in answer.content:
                    reached.append(f"{operation.name} with {headers}: {answer.status_code}")
    none(reached, BYPASSED)


@pytest.mark.parametrize("headers", LOCAL)
async def test_this_machine_is_answered(acme: Services, headers: Mapping[str, str]) -> None:
    async with httpx.AsyncClient(base_url=acme.client.base_url) as http:
        answer = await http.get("/v1/mgmt/role/all", headers=headers)
    assert answer.status_code == 401


def test_the_key_of_one_sandbox_opens_no_other() -> None:
    """A page could know the key of the sandbox that everybody has, but not that of this start."""
    with sandbox() as one, sandbox() as two:
        assert one["DESCOPE_MANAGEMENT_KEY"] != two["DESCOPE_MANAGEMENT_KEY"]
        assert run("call", "LoadAllRoles", env=one).returncode == 0
        crossed = {**one, "DESCOPE_MANAGEMENT_KEY": two["DESCOPE_MANAGEMENT_KEY"]}
        assert "E011005" in run("call", "LoadAllRoles", env=crossed).stderr
    assert organisations.acme().management_key not in (*one.values(), *two.values())

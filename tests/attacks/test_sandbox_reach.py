"""A page in a browser of the same machine against the sandbox, and keys that were written down."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import anyio
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


#: The suite takes every third pair, which is each path with some headers and all headers with some
#: paths; the campaign takes the others too.
PARTS = 3


@pytest.mark.parametrize(
    "first", [0, *(pytest.param(n, marks=pytest.mark.campaign) for n in range(1, PARTS))]
)
async def test_no_page_reaches_any_path(acme: Services, first: int) -> None:
    reached = []
    async with httpx.AsyncClient(base_url=acme.client.base_url) as http:
        pairs = itertools.product(acme.catalog.values(), FOREIGN)
        for operation, headers in itertools.islice(pairs, first, None, PARTS):
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


#: Ways to write a path of control, and requests that a name of another machine comes with.
CONTROL = [
    "POST /sandbox/faults HTTP/1.1\r\nHost: evil.example",
    "POST //sandbox/faults HTTP/1.1\r\nHost: evil.example",
    "POST /%73andbox/faults HTTP/1.1\r\nHost: evil.example",
    "POST /v1/../sandbox/faults HTTP/1.1\r\nHost: evil.example",
    "POST /sandbox/./faults HTTP/1.1\r\nHost: evil.example",
    "POST http://127.0.0.1/sandbox/faults HTTP/1.1\r\nHost: evil.example",
    "POST http://evil.example/sandbox/faults HTTP/1.1\r\nHost: evil.example",
    "POST /sandbox/faults HTTP/1.1\r\nHost: localhost\r\nHost: evil.example",
    "POST /sandbox/faults HTTP/1.1\r\nHost: evil.example\r\nHost: localhost",
    "POST /sandbox/faults HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost",
    "POST /sandbox/faults HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost@evil.example",
    "POST /sandbox/faults HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example#.localhost",
    "POST /sandbox/faults HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n"
    "Origin: https://evil.example",
    "POST /sandbox/faults HTTP/1.0",
]


@pytest.mark.parametrize("head", CONTROL)
async def test_no_way_of_writing_it_reaches_the_control(acme: Services, head: str) -> None:
    tally[CALLS] += 1
    body = b'{"operation": "*", "status": 503}'
    port = int(acme.client.base_url.rsplit(":", 1)[1].strip("/"))
    more = f"\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(f"{head}{more}".encode() + body)
        status = (await stream.receive()).split(b" ", 2)[1]
    async with httpx.AsyncClient(base_url=acme.client.base_url) as http:
        answer = await http.get("/v1/mgmt/role/all")
    reached = [] if answer.status_code == 401 else [f"{head}: {status!r}"]
    none(reached, BYPASSED)

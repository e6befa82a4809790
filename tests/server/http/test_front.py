"""What is turned away before anybody reads the message, and what every answer says of itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import anyio
import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.server.http import bodies, hosts
from descope_mcp.server.http.callers import unauthenticated
from tests.recorder import Recorder, recording
from tests.server.http.served import Served, headers, message, served

pytestmark = pytest.mark.anyio

LIST = message("tools/list")
SENT = headers("tools/list")


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    async with recording() as one:
        yield one


@pytest.fixture
async def server(recorder: Recorder, catalog: Catalog) -> AsyncIterator[Served]:
    async with served(recorder.services(catalog), authenticate=unauthenticated) as one:
        yield one


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 200),
        ({"host": "localhost"}, 200),
        ({"host": "localhost:80"}, 200),
        ({"host": "[::1]:80"}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "localhost.evil.example"}, 421),
        ({"host": ""}, 421),
        ({"origin": "http://localhost:3000"}, 200),
        ({"origin": "http://localhost.evil.example"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
async def test_hosts_and_origins(server: Served, sent: dict[str, str], status: int) -> None:
    async with server.http(None) as http:
        answer = await http.post("/mcp", json=LIST, headers={**SENT, **sent})
        assert answer.status_code == status
        # An evil name is no way to learn whether somebody may call.
        slash = await http.post("/mcp/", json=LIST, headers={**SENT, **sent})
        assert slash.status_code == status


@pytest.mark.parametrize(
    ("binding", "given", "origins"),
    [
        ("0.0.0.0", [], []),
        ("::", [], []),
        ("192.0.2.1", [], ["https://example.com"]),
        ("127.0.0.1", ["*"], []),
        ("127.0.0.1", ["https://example.com"], []),
        ("127.0.0.1", [], ["example.com"]),
        ("127.0.0.1", [], ["*"]),
    ],
)
def test_names_that_cannot_be_allowed(binding: str, given: list[str], origins: list[str]) -> None:
    with pytest.raises(hosts.NotAllowed, match="--allowed-"):
        hosts.allowed(binding, given, origins)


WRONG_PROXIES = ["*", "proxy.example", "10.0.0.7/8", "10.0.0.7:80", ""]
#: Everybody, in one piece or in two.
WRONG_PROXIES += ["0.0.0.0/0", "::/0", "128.0.0.0/1"]


@pytest.mark.parametrize("given", WRONG_PROXIES)
def test_proxies_that_cannot_be_trusted(given: str) -> None:
    with pytest.raises(hosts.NotAllowed, match="--trusted-proxy "):
        hosts.proxies(["10.0.0.7", given])


def test_a_public_binding_has_the_names_it_was_given() -> None:
    settings = hosts.allowed("0.0.0.0", ["MCP.example.com"], ["https://App.example.com"])
    assert settings.allowed_hosts == ["mcp.example.com", "mcp.example.com:*"]
    assert settings.allowed_origins == ["https://app.example.com"]


async def test_every_answer_has_the_headers_of_a_public_service(server: Served) -> None:
    async with server.http(None) as http:
        answers = [
            await http.post("/mcp", json=LIST, headers=SENT),
            await http.post("/mcp", json=LIST, headers={**SENT, "host": "evil.example"}),
            await http.get("/healthz"),
            await http.get("/nothing"),
        ]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store, no-transform"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers


async def test_a_body_that_is_too_large_is_told_so(server: Served) -> None:
    large = b" " * (bodies.LARGEST + 1)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield large[: bodies.LARGEST // 4]

    async with server.http(None) as http:
        for content in (large, chunks()):
            answer = await http.post("/mcp", content=content, headers=SENT)
            assert answer.status_code == 413
            assert "4 MiB" in answer.json()["error"]["message"]


async def test_a_body_that_does_not_come_is_not_waited_for(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.2)
    address = httpx2.URL(server.url)
    async with await anyio.connect_tcp(address.host, address.port or 0) as stream:
        head = f"POST /mcp HTTP/1.1\r\nhost: {address.netloc.decode()}\r\ncontent-length: 9\r\n\r\n"
        await stream.send(head.encode())
        with anyio.fail_after(5):
            assert b" 408 " in await stream.receive()


@pytest.mark.parametrize(
    ("trusted", "seen"),
    [
        ([], "http://127.0.0.1"),
        (["10.0.0.1"], "http://127.0.0.1"),
        (["127.0.0.0/8"], "https://203.0.113.9"),
    ],
)
async def test_forwarded_headers_count_from_named_proxies_alone(
    recorder: Recorder, catalog: Catalog, trusted: list[str], seen: str
) -> None:
    async def who(request: Request) -> Response:
        assert request.client
        return Response(f"{request.url.scheme}://{request.client.host}")

    async with (
        served(
            recorder.services(catalog), routes=[Route("/who", who)], trusted_proxies=trusted
        ) as server,
        server.http() as http,
    ):
        sent = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
        assert (await http.get("/who", headers=sent)).text == seen


async def test_health_is_open_to_everybody_and_tells_no_more_than_that(
    server: Served, recorder: Recorder
) -> None:
    async with server.http(None) as http:
        pod = {"host": "10.0.0.7:8080"}
        assert (await http.get("/healthz", headers=pod)).json() == {"alive": True}
        for _ in range(3):
            ready = await http.get("/readyz", headers=pod)
            assert ready.json() == {"ready": True, "store": True, "api": True}
    # What was found is kept for a while: the probes of many do not become requests to Descope.
    assert len(recorder.requests) == 1
    assert "authorization" not in recorder.requests[0].headers


async def test_it_is_not_ready_while_descope_is_not_reached(catalog: Catalog) -> None:
    services = Recorder("http://127.0.0.1:9").services(catalog)
    async with served(services) as server, server.http(None) as http:
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["api"]) == (503, False)
        assert (await http.get("/healthz")).status_code == 200


async def test_an_envelope_without_its_header_is_refused_in_every_mode(
    recorder: Recorder, catalog: Catalog
) -> None:
    accept = {"accept": SENT["accept"]}
    for stateless in (False, True):
        async with (
            served(recorder.services(catalog), stateless=stateless) as server,
            server.http() as http,
        ):
            answer = await http.post("/mcp", json=LIST, headers=accept)
            assert "error" in answer.text
            assert '"tools"' not in answer.text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
async def test_another_encoding_than_utf_8_is_refused(server: Served, encoding: str) -> None:
    body = json.dumps(LIST).encode(encoding)
    async with server.http(None) as http:
        sent = {**SENT, "content-type": "application/json"}
        answer = await http.post("/mcp", content=body, headers=sent)
        assert answer.status_code == 400
        assert "UTF-8" in answer.text

from __future__ import annotations

import asyncio
import contextlib
import datetime
import email.utils
import gzip
import logging
import math
import socket
import ssl
import traceback
import tracemalloc
from pathlib import Path
from typing import Any

import anyio
import pytest

from descope_mcp.api import retry, transport
from descope_mcp.api.client import Client
from descope_mcp.api.errors import ApiError, ApiFailure, OutcomeUnknown, RateLimited, Unreachable
from descope_mcp.catalog.catalog import Catalog

from ..recorder import AUTH_KEY, MANAGEMENT_KEY
from .sockets import (
    ALL_KEYS,
    CHANGE,
    READ,
    Behaviour,
    Server,
    answer,
    call,
    closed_port,
    self_signed,
    serving,
)

pytestmark = pytest.mark.anyio

#: One of the operations that send a browser on.
REDIRECTS = "OIDCAuthZEndpointGetStart"
TRIES = 1 + len(retry.PAUSES)


async def closes(writer: asyncio.StreamWriter) -> None:
    """Hang up without an answer."""


async def resets(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
    )


async def hangs(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


async def drips(writer: asyncio.StreamWriter) -> None:
    """A byte now and then, so that no single read takes long."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def never_ends_its_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    for _ in range(40):
        writer.write(b"x" * 10_000)
        await writer.drain()


HALF_HEAD = b"HTTP/1.1 200 OK\r\nContent-Le"
HALF_BODY = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"permissions": ['
NO_HTTP = b"SSH-2.0-OpenSSH_9.9\r\n"
UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
HALF_GZIP = answer(200, gzip.compress(b"{}" * 5000)[:20], (("Content-Encoding", "gzip"),))
NO_GZIP = answer(200, b"no gzip at all", (("Content-Encoding", "gzip"),))
UNASKED = answer(200, b"\x0b\x02\x80{}\x03", (("Content-Encoding", "br"),))

#: Nobody can say whether a change that ends so has taken effect.
LOST: dict[str, Behaviour | bytes] = {
    "closes": closes,
    "resets": resets,
    "hangs": hangs,
    "drips": drips,
    "endless headers": never_ends_its_headers,
    "half a head": HALF_HEAD,
    "half a body": HALF_BODY,
    "no HTTP": NO_HTTP,
    "another protocol": UPGRADE,
    "half a gzip": HALF_GZIP,
    "no gzip": NO_GZIP,
    "unasked encoding": UNASKED,
}
PASSING: dict[str, Behaviour | bytes] = {
    str(status): answer(status, b"<html>bad</html>") for status in retry.PASSING
}
UNEXPLAINED: dict[str, Behaviour | bytes] = {
    str(status): answer(status, b"<html>bad</html>", (("Content-Type", "text/html"),))
    for status in (500, 501, 502, 504, 525, 599)
}


@pytest.mark.parametrize("behaviour", [*LOST, *PASSING, *UNEXPLAINED])
async def test_a_change_whose_fate_is_unknown_is_never_sent_twice(
    catalog: Catalog, behaviour: str
) -> None:
    script = {**LOST, **PASSING, **UNEXPLAINED}[behaviour]
    async with serving(script) as server:
        started = anyio.current_time()
        with pytest.raises(OutcomeUnknown) as caught:
            await call(server.url, catalog, CHANGE, seconds=0.4)
        assert anyio.current_time() - started < 4.0
        assert len(server.requests) == 1
    assert caught.value.kind == "outcome_unknown"
    assert "Read the target" in caught.value.remedy
    assert "html" not in str(caught.value)


@pytest.mark.parametrize("behaviour", LOST)
async def test_a_read_without_an_answer_is_tried_again_and_then_unreachable(
    catalog: Catalog, behaviour: str
) -> None:
    async with serving(LOST[behaviour]) as server:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1") as caught:
            await call(server.url, catalog, READ, seconds=0.2)
        assert len(server.requests) == TRIES
    assert "DESCOPE_BASE_URL" in caught.value.remedy


@pytest.mark.parametrize("behaviour", [*LOST, *PASSING])
async def test_a_read_succeeds_when_the_fault_passes(catalog: Catalog, behaviour: str) -> None:
    good = answer(200, {"permissions": []})
    async with serving({**LOST, **PASSING}[behaviour], good) as server:
        got = await call(server.url, catalog, READ, seconds=0.4)
        assert len(server.requests) == 2
    assert got.data == {"permissions": []}


@pytest.mark.parametrize("status", [*retry.PASSING, 500, 502, 504])
async def test_a_read_reports_a_fault_that_stays(catalog: Catalog, status: int) -> None:
    async with serving(answer(status, b"<html>", (("cf-ray", "8f-FRA"),))) as server:
        with pytest.raises(ApiError, match="8f-FRA") as caught:
            await call(server.url, catalog, READ)
        assert len(server.requests) == (TRIES if status in retry.PASSING else 1)
    assert caught.value.status == status


@pytest.mark.parametrize("name", [READ, CHANGE])
async def test_a_refused_connection_is_tried_again_and_then_unreachable(
    catalog: Catalog, name: str
) -> None:
    waits: list[str] = []

    async def waiting(seconds: float, reason: str) -> None:
        waits.append(reason)

    url = f"http://127.0.0.1:{closed_port()}"
    with pytest.raises(Unreachable, match=rf"{url.removeprefix('http://')} \(connection refused"):
        await call(url, catalog, name, waiting=waiting)
    assert len(waits) == TRIES - 1


@pytest.mark.parametrize("name", [READ, CHANGE])
async def test_a_connection_that_is_made_late_gets_the_request_once(
    catalog: Catalog, name: str
) -> None:
    port = closed_port()
    async with contextlib.AsyncExitStack() as stack:
        servers: list[Server] = []

        async def start(seconds: float, reason: str) -> None:
            servers.append(await stack.enter_async_context(serving(answer(), port=port)))

        await call(f"http://127.0.0.1:{port}", catalog, name, waiting=start)
    assert [len(server.requests) for server in servers] == [1]


async def test_a_change_that_found_no_connection_in_time_did_not_run(catalog: Catalog) -> None:
    with socket.socket() as full, socket.socket() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting.connect(full.getsockname())
        with pytest.raises(Unreachable, match="timed out"):
            await call(f"http://127.0.0.1:{full.getsockname()[1]}", catalog, CHANGE, seconds=0.4)


def limited(status: int = 429, after: str = "") -> bytes:
    body = {"errorCode": "E130429", "errorDescription": "rate limit"}
    return answer(status, body, (("Retry-After", after),) if after else ())


@pytest.mark.parametrize("name", [READ, CHANGE])
@pytest.mark.parametrize("status", [429, 503])
async def test_being_turned_away_with_a_time_is_waited_out(
    catalog: Catalog, name: str, status: int
) -> None:
    async with serving(limited(status, "1"), answer()) as server:
        started = anyio.current_time()
        await call(server.url, catalog, name)
        assert 1.0 <= anyio.current_time() - started < 9.0
        assert len(server.requests) == 2


async def test_a_time_may_be_a_date(catalog: Catalog) -> None:
    date = email.utils.format_datetime(
        datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=3), usegmt=True
    )
    async with serving(limited(429, date), answer()) as server:
        started = anyio.current_time()
        await call(server.url, catalog, CHANGE)
        assert 1.0 <= anyio.current_time() - started < 9.0
        assert len(server.requests) == 2


@pytest.mark.parametrize("name", [READ, CHANGE])
@pytest.mark.parametrize("status", [429, 503])
async def test_a_longer_wait_is_for_the_caller_to_decide(
    catalog: Catalog, name: str, status: int
) -> None:
    async with serving(limited(status, "21")) as server:
        with pytest.raises(RateLimited, match="21 seconds") as caught:
            await call(server.url, catalog, name)
        assert len(server.requests) == 1
    assert caught.value.retry_after == 21


async def test_being_turned_away_for_good_says_when_to_come_back(catalog: Catalog) -> None:
    async with serving(limited()) as server:
        with pytest.raises(RateLimited) as caught:
            await call(server.url, catalog, CHANGE)
        assert len(server.requests) == TRIES
    assert caught.value.retry_after == 60
    assert caught.value.kind == "rate_limited"


@pytest.mark.parametrize("status", [429, 503])
async def test_at_once_is_tried_after_a_pause_and_passed_on(catalog: Catalog, status: int) -> None:
    waits: list[float] = []

    async def waiting(seconds: float, reason: str) -> None:
        waits.append(seconds)

    async with serving(limited(status, "0"), limited(status, "0"), answer()) as server:
        await call(server.url, catalog, CHANGE, waiting=waiting)
        assert (len(server.requests), waits) == (3, [*retry.PAUSES[:2]])
    async with serving(limited(status, "0")) as server:
        with pytest.raises(RateLimited) as caught:
            await call(server.url, catalog, READ)
        assert len(server.requests) == TRIES
    assert caught.value.retry_after == 0
    assert "60" not in str(caught.value)


@pytest.mark.parametrize(
    "after",
    [
        "9" * 400,
        "Mon, 99999999999999999999 Jan 2030 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "soon",
        "-5",
        "1.5",
    ],
)
async def test_a_senseless_time_does_no_harm(catalog: Catalog, after: str) -> None:
    async with serving(limited(429, after)) as server:
        with pytest.raises(RateLimited) as caught:
            await call(server.url, catalog, READ)
    assert 0 < caught.value.retry_after <= 24 * 3600
    assert math.isfinite(caught.value.retry_after)


async def test_no_more_than_so_much_of_an_answer_is_read(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 1000)
    secret = "correct-horse-battery"
    whole = {"cleartext": secret, "permissions": ["x" * 900]}
    async with serving(answer(200, {**whole, "more": "x" * 100})) as server:
        with pytest.raises(ApiError, match="larger") as caught:
            await call(server.url, catalog, READ)
        changed = await call(server.url, catalog, CHANGE)
    assert "limit" in caught.value.remedy
    # A prefix of JSON is not handed on: nobody could find the secrets in it.
    assert (changed.cut, secret in str(changed.data)) == (True, False)
    async with serving(answer(200, whole)) as server:
        assert (await call(server.url, catalog, READ)).data == whole


def bomb(layers: int) -> bytes:
    content = b"[" + b" " * 100_000_000 + b"]"
    for _ in range(layers):
        content = gzip.compress(content, 6)
    return answer(200, content, (("Content-Encoding", ", ".join(["gzip"] * layers)),))


@pytest.mark.parametrize("layers", [1, 2])
async def test_a_compressed_bomb_does_not_fill_the_memory(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, layers: int
) -> None:
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 1_000_000)
    content = bomb(layers)
    async with serving(content) as server:
        tracemalloc.start()
        try:
            with pytest.raises(ApiFailure):
                await call(server.url, catalog, READ)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 10_000_000


async def test_a_compressed_answer_is_read(catalog: Catalog) -> None:
    content = gzip.compress(b'{"permissions": [1, 2, 3]}')
    async with serving(answer(200, content, (("Content-Encoding", "gzip"),))) as server:
        assert (await call(server.url, catalog, READ)).data == {"permissions": [1, 2, 3]}


@pytest.mark.parametrize("size", [10_000, 7], ids=["in one piece", "in pieces"])
async def test_every_member_of_a_compressed_answer_is_read(catalog: Catalog, size: int) -> None:
    """RFC 1952 lets several follow each other, as proxies make them that compress by block."""
    parts = [b'{"permissions": ', b"", b"[1, 2, 3]", b"}"]
    content = b"".join(map(gzip.compress, parts))
    whole = answer(200, content, (("Content-Encoding", "gzip"),))
    head = len(whole) - len(content)

    async def in_pieces(writer: asyncio.StreamWriter) -> None:
        writer.write(whole[:head])
        for start in range(head, len(whole), size):
            writer.write(whole[start : start + size])
            await writer.drain()
            await asyncio.sleep(0.001)

    async with serving(in_pieces) as server:
        assert (await call(server.url, catalog, READ)).data == {"permissions": [1, 2, 3]}
    half = answer(200, content[:-12], (("Content-Encoding", "gzip"),))
    async with serving(half) as server:
        with pytest.raises(OutcomeUnknown, match="failed"):
            await call(server.url, catalog, CHANGE)


async def test_members_together_are_no_larger_than_one_answer(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 1_000)
    content = gzip.compress(b'{"a": 1}') + gzip.compress(b" " * 2_000)
    async with serving(answer(200, content, (("Content-Encoding", "gzip"),))) as server:
        assert (await call(server.url, catalog, CHANGE)).cut


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_a_redirect_is_followed_by_nobody_and_an_answer_where_it_is_declared(
    catalog: Catalog, status: int
) -> None:
    """Anywhere else it comes from the sign-in page of a network, which sends everybody there."""
    async with serving(answer()) as other:
        location = f"{other.url}/elsewhere"
        async with serving(answer(status, b"", (("Location", location),))) as server:
            with pytest.raises(Unreachable, match=f"with a redirect .status {status}"):
                await call(server.url, catalog, READ)
            with pytest.raises(OutcomeUnknown, match=f"with a redirect .status {status}") as caught:
                await call(server.url, catalog, CHANGE)
            assert other.url not in str(caught.value)
            got = await call(server.url, catalog, REDIRECTS, {"client_id": "c"})
        assert (len(server.requests), other.requests) == (3, [])
    assert got.data == {"status": status, "location": location}


async def test_session_cookies_are_reported_and_never_sent_back(catalog: Catalog) -> None:
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJVMiJ9.c2ln"
    cookies = (
        ("Set-Cookie", f"DS={jwt}; Path=/; HttpOnly"),
        ("Set-Cookie", f"DSR={jwt}; Path=/; Domain=127.0.0.1"),
        ("Set-Cookie", "__cf_bm=tracked; Path=/"),
    )
    async with serving(answer(200, {"x": 1}, cookies)) as server:
        client = Client(server.url, ALL_KEYS, catalog.errors)
        for _ in range(2):
            got = await client.run(catalog[READ], {}, call_id="c1", repeatable=True)
        await client.close()
    assert got.data == {"x": 1, "cookies": {"DS": jwt, "DSR": jwt}}
    assert not any(b"cookie" in request.lower() for request in server.requests)


@pytest.mark.parametrize("repeatable", [True, False], ids=["reads", "changes"])
async def test_only_so_many_requests_of_a_caller_run_at_the_same_time(
    catalog: Catalog, repeatable: bool
) -> None:
    most = transport.READS if repeatable else transport.CHANGES
    others: list[float] = []

    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(answer())

    async with serving(slow) as server:
        client = Client(server.url, ALL_KEYS, catalog.errors)

        async def run(caller: str) -> None:
            began = anyio.current_time()
            name = READ if repeatable else CHANGE
            arguments = {} if repeatable else {"loginId": "ada"}
            await client.run(
                catalog[name], arguments, call_id="c1", repeatable=repeatable, caller=caller
            )
            if caller == "another":
                others.append(anyio.current_time() - began)

        async with anyio.create_task_group() as group:
            for _ in range(2 * most):
                group.start_soon(run, "one")
            await anyio.sleep(0.1)
            group.start_soon(run, "another")
        await client.close()
        assert len(server.requests) == 2 * most + 1
        # The other caller waits for nobody.
        assert server.most_at_once == most + 1
        assert len(others) == 1


async def test_a_connection_that_was_closed_meanwhile_is_not_used(catalog: Catalog) -> None:
    keeps = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    async with serving(keeps) as server:
        client = Client(server.url, ALL_KEYS, catalog.errors)
        for number in range(5):
            arguments = {"loginId": str(number)}
            await client.run(catalog[CHANGE], arguments, call_id="c1", repeatable=False)
            await anyio.sleep(0.02)
        await client.close()
        assert len(server.requests) == 5


async def test_plain_http_does_not_leave_this_machine_through_a_proxy(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(answer()) as proxy, serving(answer()) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        await call(server.url, catalog, READ)
        assert (len(server.requests), len(proxy.requests)) == (1, 0)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SSL_CERT_FILE", "/nowhere/ca.pem"),
        ("ALL_PROXY", "socks4://127.0.0.1:1"),
        ("https_proxy", "http://[::1"),
        ("HTTPS_PROXY", "strange://user:correct-horse@127.0.0.1:1"),
    ],
)
async def test_an_environment_that_allows_no_connection_is_explained(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(Unreachable) as caught:
        await call("https://127.0.0.1:1", catalog, CHANGE)
    assert variable in str(caught.value)
    assert "correct-horse" not in str(caught.value)


@pytest.fixture
def unknown_certificate(tmp_path: Path) -> ssl.SSLContext:
    return self_signed(tmp_path / "server.pem")


async def test_a_certificate_that_is_not_trusted_gets_no_request(
    catalog: Catalog, unknown_certificate: ssl.SSLContext
) -> None:
    async with serving(answer(), tls=unknown_certificate) as server:
        with pytest.raises(
            Unreachable, match="certificate not accepted: it is signed by itself"
        ) as caught:
            await call(server.url, catalog, CHANGE)
        assert server.requests == []
    assert "SSL_CERT_FILE" in caught.value.remedy


async def test_no_failure_and_no_log_shows_a_credential(
    catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJVMiJ9.c2ln"
    shown = ""
    scripts: list[Behaviour | bytes] = [
        closes,
        HALF_BODY,
        NO_HTTP,
        answer(502, b"<html>"),
        answer(401),
        limited(429, "99"),
    ]
    cookie = answer(404, b"{}", (("Set-Cookie", f"DSR={jwt}"),))
    for script in [*scripts, cookie]:
        async with serving(script) as server:
            with pytest.raises(ApiFailure) as caught:
                await call(server.url, catalog, CHANGE)
            assert MANAGEMENT_KEY.encode() in server.requests[0]
            shown += "".join(traceback.format_exception(caught.value)) + repr(caught.value)
            chain: Any = caught.value
            while chain := chain.__context__:
                shown += f"{chain!r} {vars(chain)!r}"
    async with serving(answer()) as server:
        await call(server.url, catalog, "ThirdPartyApplicationAuthorizeGet", {"flow_token": jwt})
    shown += caplog.text
    assert not [s for s in (MANAGEMENT_KEY, AUTH_KEY, jwt) if s in shown]

"""Requests that no client of ours sends, against a server process on a socket.

Each carries a read of a user of its own, so that one that is served is seen at Descope.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from starlette.responses import JSONResponse, Response

from tests.attacks.tally import BYPASSED, CALLS, none, tally
from tests.e2e.serving import served
from tests.e2e.wire import LEGACY, MODERN, meta, pointed_at
from tests.recorder import Recorded, Recorder, recording

pytestmark = [pytest.mark.anyio, pytest.mark.attacks]

#: Connections that begin a request and do not go on, and sessions that nobody uses.
STALLED, SESSIONS = 100, 200
DEEP = 100_000


def answer(request: Recorded) -> Response:
    login = dict(request.query).get("loginId", "")
    return JSONResponse(
        {"user": {"loginIds": [login], "userId": f"U-{login.removeprefix('U-')}", "name": login}}
    )


@dataclass
class Target:
    """A server, and what came of what was sent to it."""

    host: str
    port: int
    descope: Recorder

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    async def send(self, raw: bytes) -> bytes:
        """What is answered to bytes, until the server hangs up or says no more."""
        heard = b""
        async with await anyio.connect_tcp(self.host, self.port) as stream:
            try:
                await stream.send(raw)
                with anyio.move_on_after(2):
                    while True:
                        heard += await stream.receive()
                        if _whole(heard):
                            # A second answer would follow at once.
                            with anyio.move_on_after(0.1):
                                heard += await stream.receive()
                            break
            except (anyio.EndOfStream, anyio.BrokenResourceError, OSError):
                pass
        return heard

    def read(self, login: str) -> bool:
        """Whether a read of this user has reached Descope."""
        return any(("loginId", login) in request.query for request in self.descope.requests)


def _whole(heard: bytes) -> bool:
    head, found, body = heard.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    return bool(found and length and len(body) >= int(length[1]))


@pytest.fixture(scope="module")
async def target() -> AsyncIterator[Target]:
    async with (
        recording(answer) as descope,
        served("--no-auth", env=pointed_at(descope.url)) as url,
    ):
        address = urlsplit(url)
        yield Target(str(address.hostname), int(address.port or 0), descope)


def body(login: str, **changes: Any) -> dict[str, Any]:
    """A read of a user, as a client of 2026-07-28 asks for it."""
    arguments = {"operation": "LoadUser", "arguments": {"loginId": login}}
    params = {"name": "descope_read", "arguments": arguments, "_meta": meta()}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params, **changes}


def headers(target: Target, **changes: str | None) -> dict[str, str]:
    """Those that go with it, some changed or, with None, left out."""
    sent: dict[str, str | None] = {
        "host": target.name,
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "mcp-protocol-version": MODERN,
        "mcp-method": "tools/call",
        "mcp-name": "descope_read",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return {name: value for name, value in sent.items() if value is not None}


def request(
    sent: Mapping[str, str],
    content: bytes,
    *more: str,
    line: str = "POST /mcp HTTP/1.1",
    length: int | None = None,
) -> bytes:
    """The bytes of a request; `more` are lines of its head as they are."""
    size = len(content) if length is None else length
    lines = [line, *(f"{name}: {value}" for name, value in sent.items()), *more]
    if size >= 0:
        lines.append(f"content-length: {size}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def rebinding(target: Target) -> Iterator[tuple[str, bytes]]:
    """Names that are not ours, and pages that may not call."""
    for number, host in enumerate(
        (
            *("evil.example", f"evil.example:{target.port}", f"{target.name}.evil.example"),
            *(f"{target.name}@evil.example", "127.0.0.1.nip.io", "localhost.", "127.1", "0x7f.1"),
            *("", f"evil.example {target.name}", f"{target.name}, evil.example"),
        )
    ):
        login = f"host{number}"
        yield login, request(headers(target, host=host), json.dumps(body(login)).encode())
    for number, origin in enumerate(
        (
            *("null", "https://evil.example", f"http://{target.name}.evil.example", "file://"),
            *("http://localhost.evil.example", "http://localhost@evil.example", "http://evil"),
            *("https://127.0.0.1", "http://LOCALHOST:1 evil", "chrome-extension://abc", "*"),
        )
    ):
        login = f"origin{number}"
        yield login, request(headers(target, origin=origin), json.dumps(body(login)).encode())
    twice = json.dumps(body("twice")).encode()
    yield "twice", request(headers(target), twice, "host: evil.example")
    origins = ("origin: http://localhost", "origin: https://evil.example")
    yield "twice", request(headers(target), twice, *origins)
    yield "twice", request(headers(target), twice, *reversed(origins))
    # A page can send these without asking first whether it may.
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        login = f"simple {kind}"
        simple = {"host": target.name, "content-type": kind, "accept": "*/*"}
        yield login, request(simple, json.dumps(body(login)).encode())


def mismatched(target: Target) -> Iterator[tuple[str, bytes]]:
    """Heads that say something else than their bodies, for whoever looks at heads alone."""
    for number, changes in enumerate(
        (
            *({"mcp_method": "tools/list"}, {"mcp_method": None}, {"mcp_method": "TOOLS/CALL"}),
            *({"mcp_name": "descope_status"}, {"mcp_name": None}, {"mcp_name": "descope_reaD"}),
            *({"mcp_protocol_version": LEGACY}, {"mcp_protocol_version": "2099-01-01"}),
            {"mcp_protocol_version": None},
        )
    ):
        login = f"head{number}"
        yield login, request(headers(target, **changes), json.dumps(body(login)).encode())
    for name in ("mcp-method", "mcp-name", "mcp-protocol-version"):
        for value in ("tools/list", "descope_status", LEGACY):
            login = f"both {name} {value}"
            more = f"{name}: {value}"
            yield login, request(headers(target), json.dumps(body(login)).encode(), more)


def malformed(target: Target) -> Iterator[tuple[str, bytes]]:
    """Messages that are none, or more than one."""
    whole = json.dumps(body("whole"))
    for content in (
        json.dumps([body("whole"), body("whole")]),
        whole[:-1],
        whole + whole,
        whole.replace('"id": 1', '"id": NaN'),
        whole.replace('"2.0"', '"1.0"'),
        "[" * DEEP + "]" * DEEP,
        '{"a":' * DEEP + "1" + "}" * DEEP,
        '"' + "x" * 5_000_000,
    ):
        yield "whole", request(headers(target), content.encode())
    yield "whole", request(headers(target), whole.encode().replace(b"whole", b"whole\xff\xfe"))
    for line in ("PUT /mcp HTTP/1.1", "GET /mcp HTTP/1.1", "POST /mcp/../mcp HTTP/1.1"):
        yield "whole", request(headers(target), whole.encode(), line=line)
    for path in ("//mcp", "/MCP", "/mcp;x", "/mcp%252f", "/mcp/t/", "/mcp/t/users/../..", "/mcp/x"):
        yield "whole", request(headers(target), whole.encode(), line=f"POST {path} HTTP/1.1")
    # More than any head has.
    yield "whole", request(headers(target), whole.encode(), f"x-much: {'x' * 200_000}")


def smuggled(target: Target) -> Iterator[tuple[str, bytes]]:
    """Requests that end where one reader says, and have another in them for the other reader."""
    outer = headers(target)
    inner = request(outer, json.dumps(body("inner")).encode())
    chunked = b"0\r\n\r\n" + inner
    for coding in (
        *(
            "transfer-encoding: chunked",
            "transfer-encoding : chunked",
            "Transfer-Encoding:\tchunked",
        ),
        *("transfer-encoding: xchunked", "transfer-encoding: chunked, identity"),
        *("transfer-encoding: identity, chunked", "x: y\r\n transfer-encoding: chunked"),
        "x: y\ntransfer-encoding: chunked",
    ):
        yield "inner", request(outer, chunked, coding)
    # Two lengths, the first of which ends before the other request.
    yield "inner", request(outer, inner, "content-length: 0")
    yield "inner", request(outer, inner, f"content-length: 0, {len(inner)}", length=-1)
    for size in ("+0", "-1", "0x0", " ", "0 0", "1e1"):
        yield "inner", request(outer, inner, f"content-length: {size}", length=-1)
    for size in (b"0;x\n", b"0x0\r\n", b"-0\r\n", b"+0\r\n", b"\r\n"):
        rest = size + b"\r\n" + inner
        yield "inner", request(outer, rest, "transfer-encoding: chunked", length=-1)


KINDS = [rebinding, mismatched, malformed, smuggled]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_not_as_it_should_be_is_not_served(target: Target, kind: Any) -> None:
    target.descope.requests.clear()
    well = json.dumps(body("well")).encode()
    assert b" 200 " in (await target.send(request(headers(target), well)))[:20]
    assert target.read("well")
    served_all_the_same = []
    for login, raw in kind(target):
        tally[CALLS] += 1
        heard = await target.send(raw)
        if target.read(login) or b'"result"' in heard:
            served_all_the_same.append(f"{login}: {raw[:300]!r} -> {heard[:300]!r}")
            target.descope.requests.clear()
    none(served_all_the_same, BYPASSED)
    # It has taken no harm.
    again = json.dumps(body("again")).encode()
    assert b" 200 " in (await target.send(request(headers(target), again)))[:20]


async def test_who_stalls_keeps_nobody_waiting(target: Target) -> None:
    """Heads and bodies that do not go on, and sessions that nobody uses."""
    target.descope.requests.clear()
    opening = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": LEGACY,
            "capabilities": {},
            "clientInfo": {"name": "x", "version": "1"},
        },
    }
    sent = headers(target, mcp_method=None, mcp_name=None, mcp_protocol_version=None)
    content = json.dumps(body("stalled")).encode()
    async with anyio.create_task_group() as tasks:

        async def stall(raw: bytes) -> None:
            async with await anyio.connect_tcp(target.host, target.port) as stream:
                await stream.send(raw)
                await anyio.sleep_forever()

        for number in range(STALLED):
            whole = request(headers(target), content, length=len(content) + 1)
            tasks.start_soon(stall, whole if number % 2 else whole[:40])
        for _ in range(SESSIONS):
            opened = await target.send(
                request(sent, json.dumps(opening).encode(), "connection: close")
            )
            assert b" 200 " in opened[:20]
        well = json.dumps(body("well")).encode()
        assert b" 200 " in (await target.send(request(headers(target), well)))[:20]
        tasks.cancel_scope.cancel()
    assert target.read("well")
    assert not target.read("stalled")


async def test_a_session_is_not_guessed(target: Target) -> None:
    for session in ("0" * 32, "1", "*", "../x", "%00", "x" * 5_000):
        sent = headers(target, mcp_method=None, mcp_name=None, mcp_protocol_version=LEGACY)
        raw = request({**sent, "mcp-session-id": session}, json.dumps(body("guessed")).encode())
        assert re.match(rb"HTTP/1.1 4\d\d ", await target.send(raw))
    assert not target.read("guessed")

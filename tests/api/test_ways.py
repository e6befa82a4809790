"""The way to the service: proxies as curl takes them, own authorities, pages that come between."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from descope_mcp.api import proxies, reachability
from descope_mcp.api.client import Client
from descope_mcp.api.errors import ApiError, OutcomeUnknown, Unreachable
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.cli import key_trial

from .sockets import (
    ALL_KEYS,
    CHANGE,
    READ,
    answer,
    call,
    closed_port,
    hanging,
    self_signed,
    serving,
)

pytestmark = pytest.mark.anyio

HOST = "api.descope.com"
PAGE = answer(200, b"<!DOCTYPE html><html>Welcome", (("Content-Type", "text/html"),))


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("no_proxy", "host", "port", "direct"),
    [
        ("*", HOST, 443, True),
        ("", HOST, 443, False),
        ("descope.com", HOST, 443, True),
        (".descope.com", HOST, 443, True),
        ("*.descope.com", HOST, 443, True),
        ("API.Descope.COM", HOST, 443, True),
        ("scope.com", HOST, 443, False),
        ("localhost, 10.0.0.0/8 descope.com", HOST, 443, True),
        ("descope.com:443", HOST, 443, True),
        ("descope.com:8443", HOST, 443, False),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.1.2.3", "10.1.2.3", 443, True),
        ("fd00::/8", "fd12::1", 443, True),
        ("fd00::/8", "10.1.2.3", 443, False),
        ("::1", "::1", 443, True),
        ("[::1]", "::1", 443, True),
        ("[::1]:443", "::1", 443, True),
        ("[::1]:80", "::1", 443, False),
        ("fd00::/8,[::1],10.0.0.0/8,%$?,:::,/", HOST, 443, False),
    ],
)
def test_what_is_reached_directly(no_proxy: str, host: str, port: int, direct: bool) -> None:
    environment = {"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": no_proxy}
    found = proxies.chosen(host, port, environment)
    assert (found is None) is direct


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, None),
        ({"HTTP_PROXY": "http://a:1"}, None),
        ({"ALL_PROXY": "http://a:1"}, "a:1"),
        ({"ALL_PROXY": "http://a:1", "HTTPS_PROXY": "http://b:2"}, "b:2"),
        ({"HTTPS_PROXY": "http://a:1", "https_proxy": "http://b:2"}, "b:2"),
        ({"HTTPS_PROXY": "a:1"}, "a:1"),
        ({"HTTPS_PROXY": "http://user:word@a:1"}, "a:1"),
        ({"HTTPS_PROXY": "http://[::1]:1"}, "[::1]:1"),
        ({"HTTPS_PROXY": "", "ALL_PROXY": " http://a:1 "}, "a:1"),
        ({"ALL_PROXY": "strange://[[", "NO_PROXY": HOST}, None),
    ],
)
def test_which_proxy_is_taken(environment: dict[str, str], place: str | None) -> None:
    found = proxies.chosen(HOST, 443, environment)
    assert (found and found.place) == place
    assert "word" not in repr(found)


def test_a_socks_proxy_that_cannot_be_spoken_to_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    environment = {"ALL_PROXY": "socks5h://user:word@proxy.example:1080"}
    with pytest.raises(Unreachable, match=r"ALL_PROXY names a SOCKS proxy") as caught:
        proxies.chosen(HOST, 443, environment)
    assert "descope-mcp[socks]" in caught.value.remedy
    assert "word" not in str(caught.value)
    assert proxies.chosen(HOST, 443, {**environment, "NO_PROXY": HOST}) is None


@asynccontextmanager
async def tunnel(*, socks: bool = False, refuses: bool = False) -> AsyncIterator[Any]:
    """A proxy on loopback that counts the connections it makes."""
    made: list[tuple[str, int]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            host, port = await (_socks(reader, writer) if socks else _connect(reader))
            if refuses:
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                return
            made.append((host, port))
            there, back = await asyncio.open_connection(host, port)
            writer.write(_GRANTED if socks else b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
        finally:
            writer.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1], made


_GRANTED = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00"


async def _connect(reader: asyncio.StreamReader) -> tuple[str, int]:
    head = await reader.readuntil(b"\r\n\r\n")
    host, _, port = head.split()[1].decode().rpartition(":")
    return host, int(port)


async def _socks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
    _, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(b"\x05\x00")
    *_, kind = await reader.readexactly(4)
    if kind == 1:
        host = socket.inet_ntoa(await reader.readexactly(4))
    else:
        (length,) = await reader.readexactly(1)
        host = (await reader.readexactly(length)).decode()
    return host, int.from_bytes(await reader.readexactly(2), "big")


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.mark.parametrize("socks", [False, True], ids=["http", "socks"])
async def test_a_call_goes_through_the_proxy_to_an_own_authority(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, socks: bool
) -> None:
    pem = tmp_path / "ca.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    async with serving(answer(), tls=self_signed(pem)) as server, tunnel(socks=socks) as proxy:
        port, made = proxy
        scheme = "socks5h" if socks else "http"
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "10.0.0.0/8,[::1],fd00::/8,localhost")
        await call(server.url, catalog, CHANGE)
        assert len(server.requests) == len(made) == 1
        reached = await reachability.probe(server.url)
        assert reached.way == f"through ALL_PROXY 127.0.0.1:{port}"
        monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
        await call(server.url, catalog, CHANGE)
        assert len(made) == 2
        assert (await reachability.probe(server.url)).way == "directly"


async def test_a_proxy_that_refuses_has_let_nothing_through(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tunnel(refuses=True) as (port, _):
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:correct-horse@127.0.0.1:{port}")
        with pytest.raises(Unreachable, match="the proxy refused") as caught:
            await call("https://127.0.0.1:1", catalog, CHANGE)
    assert f"127.0.0.1:1 through HTTPS_PROXY 127.0.0.1:{port}" in caught.value.message
    assert "correct-horse" not in str(caught.value)


async def test_an_address_of_the_sixth_version(catalog: Catalog) -> None:
    async with serving(answer(), host="::1") as server:
        assert "[::1]" in server.url
        await call(server.url, catalog, READ)
        assert len(server.requests) == 1


async def test_a_name_that_nobody_knows(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    told = r"nowhere\.example \(the name cannot be resolved \(DNS\)\)"
    with pytest.raises(Unreachable, match=told):
        await call("https://nowhere.example", catalog, CHANGE)


async def test_plain_http_behind_an_https_address(catalog: Catalog) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable, match="no TLS is spoken there"):
            await call(f"https://127.0.0.1:{port}", catalog, CHANGE)


async def test_a_page_in_the_services_place_is_no_answer(catalog: Catalog) -> None:
    """As the sign-in page of a network is, with a status that says that all is well."""
    async with serving(PAGE) as server:
        with pytest.raises(
            Unreachable, match="Something else than Descope answered, with a web page"
        ):
            await call(server.url, catalog, READ)
        with pytest.raises(OutcomeUnknown, match="Something else than Descope answered"):
            await call(server.url, catalog, CHANGE)
        assert len(server.requests) == 2
        assert "sign-in page" in (await reachability.probe(server.url)).oddity
    away = answer(302, b"", (("Location", "https://portal.example/login"),))
    async with serving(away) as server:
        assert "another host" in (await reachability.probe(server.url)).oddity
        with pytest.raises(Unreachable, match="with a redirect"):
            await key_trial.accepted(Client(server.url, ALL_KEYS, catalog.errors), catalog)
    async with serving(answer(403, b"<html>Blocked")) as server:
        with pytest.raises(ApiError, match="Something before Descope refused"):
            await call(server.url, catalog, CHANGE)


async def test_a_service_that_accepts_and_says_nothing(catalog: Catalog) -> None:
    async with serving(hanging) as server:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:\d+ \(timed out\)"):
            await call(server.url, catalog, READ, seconds=0.3)
        with pytest.raises(OutcomeUnknown, match="timed out"):
            await call(server.url, catalog, CHANGE, seconds=0.3)


async def test_a_refused_connection_names_the_whole_address(catalog: Catalog) -> None:
    port = closed_port()
    with pytest.raises(Unreachable, match=rf"127\.0\.0\.1:{port} \(connection refused"):
        await call(f"http://127.0.0.1:{port}", catalog, CHANGE)

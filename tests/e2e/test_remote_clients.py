"""Clients that we did not write, which sign in with a provider that we did not write either."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import anyio
import httpx2
import pytest
from anyio.streams.text import TextReceiveStream

from descope_mcp.server.auth.access_token import LEEWAY
from tests import foreign_packages
from tests.attacks.directory import Directory, changes
from tests.e2e.serving import free_port, saying, served
from tests.e2e.test_foreign_clients import HUB, INSPECTOR
from tests.e2e.wire import pointed_at
from tests.recorder import Recorder, recording

pytestmark = pytest.mark.anyio

PACKAGES = Path(__file__).parent / "node"
#: Seconds for which the first token of a sign-in counts; the server lets clocks differ.
HOLDS = 3
READ = {"operation": "LoadUser", "arguments": {"loginId": "ada"}}


class Person:
    """Signs in and agrees, in a browser that stays signed in."""

    def __init__(self) -> None:
        self._browser = httpx2.AsyncClient(follow_redirects=True, timeout=20)
        self.visits = 0

    async def visit(self, address: str) -> None:
        """Fill in one form after the other, until the client has been sent what it waits for."""
        self.visits += 1
        page = await self._browser.get(address)
        while form := re.search(r'<form[^>]*action="([^"]+)"', page.text):
            (prompt,) = re.findall(r'name="prompt" value="(\w+)"', page.text)
            filled = {"prompt": prompt, "login": "ada", "password": "x"}
            page = await self._browser.post(urljoin(str(page.url), form[1]), data=filled)
        assert page.status_code == 200, page.text

    async def close(self) -> None:
        await self._browser.aclose()


@dataclass
class World:
    node: str
    issuer: str
    url: str
    descope: Recorder
    person: Person

    async def said(self, command: list[str], env: dict[str, str] | None = None) -> Any:
        """The last line that a client says; where it wants a page visited, that is done."""
        last = ""
        async with await anyio.open_process(command, cwd=PACKAGES, env=env, stderr=-2) as process:
            assert process.stdout is not None
            with anyio.fail_after(60):
                rest = ""
                async for text in TextReceiveStream(process.stdout):
                    *lines, rest = (rest + text).split("\n")
                    for line in lines:
                        last = line or last
                        if page := re.search(rf'{self.issuer}/auth\?[^"\s]+', line):
                            await self.person.visit(page[0])
                await process.wait()
        assert process.returncode == 0, last
        return json.loads(last)

    async def counts(self) -> dict[str, int]:
        """How often the provider registered a client, signed a person in and renewed a token."""
        async with httpx2.AsyncClient() as http:
            found: dict[str, int] = (await http.get(f"{self.issuer}/counts")).json()
        return found


@pytest.fixture(scope="module")
def node() -> str:
    return foreign_packages.node(PACKAGES, oldest=22)


@pytest.fixture
async def world(request: pytest.FixtureRequest, node: str, tmp_path: Path) -> AsyncIterator[World]:
    """A server behind a provider; the parameter is a line of its configuration."""
    port, person = free_port(), Person()
    provider = [node, "provider.mjs", str(HOLDS - LEEWAY)]
    async with (
        recording(Directory().answer) as descope,
        saying(provider, "listening at ", cwd=PACKAGES) as issuer,
    ):
        configured = tmp_path / "auth.toml"
        line, issuers = getattr(request, "param", ""), f'[issuer.acme]\nurl = "{issuer}"\n'
        configured.write_text(f'url = "http://127.0.0.1:{port}"\n{line}\n{issuers}')
        options = ("--auth", str(configured))
        async with served(*options, env=pointed_at(descope.url), port=port) as url:
            yield World(node, issuer, url, descope, person)
    await person.close()


async def toured(world: World, package: str, revision: str) -> list[str]:
    """Which scopes a TypeScript client asked for, each time that it sent the person to sign in."""
    command = [world.node, "remote.mjs", f"@modelcontextprotocol/{package}", world.url, revision]
    found = await world.said([*command, str(HOLDS + 1)])
    asked: list[str] = found.pop("asked")
    assert found == {
        "tools": HUB,
        "before": "Ada",
        "refused": "approval",
        "after": "Ada",
    }
    assert not changes(world.descope)
    assert world.person.visits == len(asked)
    return asked


@pytest.mark.parametrize("revision", ["2026-07-28", "2025-11-25"])
async def test_a_typescript_client_signs_in_steps_up_and_renews(
    world: World, revision: str
) -> None:
    assert await toured(world, "client", revision) == [
        "descope:read offline_access",
        "descope:read descope:destructive offline_access",
    ]
    assert await world.counts() == {"registered": 1, "authorization_code": 2, "refresh_token": 1}


@pytest.mark.parametrize("world", ['sign_in = "destructive"'], indirect=True)
async def test_one_that_cannot_step_up_asks_for_all_at_once(world: World) -> None:
    """With a refresh token at hand, version 1 renews when it is asked for more scopes."""
    assert await toured(world, "sdk", "2025-11-25") == [
        "descope:read descope:write descope:destructive"
    ]
    assert await world.counts() == {"registered": 1, "authorization_code": 1, "refresh_token": 1}


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_the_inspector_signs_in_once_and_renews(
    world: World, tmp_path: Path, era: str
) -> None:
    env = {
        **pointed_at(world.descope.url),
        "HOME": str(tmp_path),
        "MCP_INSPECTOR_SECRET_STORE": "file",
        # It asks nobody without a terminal, unless it may open a browser.
        "MCP_AUTO_OPEN_ENABLED": "true",
        "BROWSER": "true",
        "MCP_OAUTH_CALLBACK_URL": f"http://127.0.0.1:{free_port()}/oauth/callback",
    }
    called = ["--method", "tools/call", "--tool-name", "descope_read"]
    options = ["--transport", "http", "--protocol-era", era, "--format", "json"]
    command = [world.node, INSPECTOR, "--cli", world.url, *options, *called]
    for seconds in (0, HOLDS + 1):
        await anyio.sleep(seconds)
        said = await world.said([*command, "--tool-args-json", json.dumps(READ)], env)
        assert said["result"]["structuredContent"]["answer"]["user"]["name"] == "Ada"
    assert world.person.visits == 1
    assert await world.counts() == {"registered": 1, "authorization_code": 1, "refresh_token": 1}

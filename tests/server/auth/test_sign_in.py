"""A client that we did not write signs in, asks for more when it needs it, and stays signed in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.server.auth.configuration import Configuration
from descope_mcp.server.auth.issuer import Issuer
from descope_mcp.server.auth.resource_server import ResourceServer
from descope_mcp.server.http import hosts, serving
from descope_mcp.server.http.application import Application, Mode
from descope_mcp.server.http.serving import Serving
from tests.recorder import recording
from tests.server.auth.provider import Provider
from tests.server.auth.world import READ, WRITE

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def _served(provider: Provider, catalog: Catalog) -> AsyncIterator[str]:
    """The address of a server that is called by its own name, so that clients find it."""
    async with recording() as descope:
        services = descope.services(catalog)
        listener = serving.listening("127.0.0.1", 0)
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        issuers = (Issuer("acme", provider.issuer),)
        guard = ResourceServer(Configuration(origin, issuers, ()), services)
        application = Application(
            services,
            Mode(hosts.allowed("127.0.0.1", (), ())),
            guard.authenticate,
            rights=guard.rights.of,
            permit=guard.permit,
            routes=guard.routes,
        )
        running = Serving(application, listener, lambda: guard.rights.clients)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(running.run)
            try:
                yield f"{origin}/mcp"
            finally:
                running.end()


class Kept:
    """What a client remembers."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Person:
    """Signs in in a browser, as often as a client sends them there."""

    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.auth: OAuthClientProvider
        self._back = ""

    async def goes(self, url: str) -> None:
        self.asked.append(parse_qs(urlsplit(url).query))
        async with httpx2.AsyncClient() as browser:
            self._back = (await browser.get(url)).headers["location"]

    async def comes_back(self) -> AuthorizationCodeResult:
        query = parse_qs(urlsplit(self._back).query)
        given = {name: query[name][0] for name in ("code", "state", "iss")}
        return AuthorizationCodeResult(**given)

    @asynccontextmanager
    async def client(self, url: str, kept: Kept, mode: str) -> AsyncIterator[Client]:
        """A client of theirs."""
        metadata = OAuthClientMetadata.model_validate(
            {
                "client_name": "test",
                "redirect_uris": ["http://127.0.0.1:3030/callback"],
                "token_endpoint_auth_method": "none",
            }
        )
        self.auth = OAuthClientProvider(url, metadata, kept, self.goes, self.comes_back)
        async with (
            httpx2.AsyncClient(auth=self.auth) as http,
            Client(streamable_http_client(url, http_client=http), mode=mode) as client,
        ):
            yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_signs_in_steps_up_and_stays(
    provider: Provider, catalog: Catalog, mode: str
) -> None:
    kept, person = Kept(), Person()
    async with _served(provider, catalog) as url, person.client(url, kept, mode) as client:
        assert not (await client.call_tool(*READ)).is_error
        assert [one["scope"] for one in person.asked] == [["descope:read"]]
        assert person.asked[0]["resource"] == [url]
        # A call that needs more: the person is asked once more, and the call is made.
        assert not (await client.call_tool(*WRITE)).is_error
        assert set(person.asked[1]["scope"][0].split()) == {"descope:read", "descope:write"}
        renewed = provider.asked.count("/token")
        for _ in range(5):
            person.auth.context.token_expiry_time = 1.0  # the access token has ended
            assert not (await client.call_tool(*WRITE)).is_error
        assert provider.asked.count("/token") >= renewed + 5
    # Nobody had to sign in again.
    assert len(person.asked) == 2

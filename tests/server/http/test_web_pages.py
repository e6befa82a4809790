"""Pages of allowed origins may ask, call and read; those of others get no leave."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from descope_mcp.catalog.catalog import Catalog
from tests.recorder import recording
from tests.server.http.served import Served, headers, message, served

pytestmark = pytest.mark.anyio

PAGE, EVIL, NEAR = "https://app.example", "https://evil.example", "http://localhost:3000"


@pytest.fixture
async def server(catalog: Catalog) -> AsyncIterator[Served]:
    async with (
        recording() as recorder,
        served(recorder.services(catalog), pages=[PAGE]) as one,
    ):
        yield one


async def test_leave_is_asked_for_without_credentials(server: Served) -> None:
    wanted = "authorization, content-type, mcp-method, mcp-protocol-version, mcp-session-id"
    asking = {
        "access-control-request-method": "POST",
        "access-control-request-headers": wanted,
    }
    async with server.http(None) as http:
        given = await http.options("/mcp", headers={"origin": PAGE, **asking})
        assert given.status_code == 200
        assert given.headers["access-control-allow-origin"] == PAGE
        assert "POST" in given.headers["access-control-allow-methods"]
        assert "access-control-allow-credentials" not in given.headers
        # Nor does a page of the same machine that nobody has named.
        for other in (EVIL, NEAR):
            refused = await http.options("/mcp", headers={"origin": other, **asking})
            assert refused.status_code == 400
            assert "access-control-allow-origin" not in refused.headers


async def test_a_page_reads_answers_and_why_it_is_turned_away(server: Served) -> None:
    sent = {**headers("tools/list"), "origin": PAGE}
    async with server.http() as http:
        answer = await http.post("/mcp", json=message("tools/list"), headers=sent)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "WWW-Authenticate" in answer.headers["access-control-expose-headers"]
    async with server.http(None) as http:
        unknown = await http.post("/mcp", json=message("tools/list"), headers=sent)
        assert unknown.status_code == 401
        assert unknown.headers["access-control-allow-origin"] == PAGE
        evil = await http.post("/mcp", json=message("tools/list"), headers={**sent, "origin": EVIL})
        assert evil.status_code == 403
        assert "access-control-allow-origin" not in evil.headers

from __future__ import annotations

import asyncio

import anyio
import pytest

from descope_mcp.api import reachability
from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.api.errors import ApiError, ApiFailure, MissingCredential, Unreachable
from descope_mcp.catalog.catalog import Catalog

from ..recorder import ACCESS_KEY, MANAGEMENT_KEY, PROJECT
from .sockets import ALL_KEYS, CHANGE, READ, answer, call, closed_port, hanging, serving

pytestmark = pytest.mark.anyio


async def slowly(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.6)
    writer.write(answer(200, {"done": True}))


async def test_a_change_under_way_is_finished_although_the_caller_hangs_up(
    catalog: Catalog,
) -> None:
    got = []
    async with serving(slowly) as server:
        client = Client(server.url, ALL_KEYS, catalog.errors)
        with anyio.move_on_after(0.2) as scope:
            arguments = {"loginId": "ada"}
            got.append(await client.run(catalog[CHANGE], arguments, call_id="c1", repeatable=False))
        await client.close()
        assert len(server.requests) == 1
    assert [one.data for one in got] == [{"done": True}]
    assert scope.cancel_called


async def test_a_failure_under_way_is_reported_although_the_caller_hangs_up(
    catalog: Catalog,
) -> None:
    async def breaks(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.6)

    kinds = []
    async with serving(breaks) as server:
        with anyio.move_on_after(0.2):
            try:
                await call(server.url, catalog, CHANGE)
            except ApiFailure as error:
                kinds.append(error.kind)
    assert kinds == ["outcome_unknown"]


async def test_a_read_ends_when_the_caller_hangs_up(catalog: Catalog) -> None:
    async with serving(hanging) as server:
        client = Client(server.url, ALL_KEYS, catalog.errors)
        started = anyio.current_time()
        with anyio.move_on_after(0.2) as scope:
            await client.run(catalog[READ], {}, call_id="c1", repeatable=True)
        assert scope.cancelled_caught
        assert anyio.current_time() - started < 4
        await client.close()


async def test_without_the_credential_nothing_is_sent(catalog: Catalog) -> None:
    async with serving(answer()) as server:
        client = Client(server.url, Credentials(PROJECT), catalog.errors)
        with pytest.raises(MissingCredential):
            await client.run(catalog[READ], {}, call_id="c1", repeatable=True)
        await client.close()
        assert server.requests == []


async def test_a_closed_client_connects_again(catalog: Catalog) -> None:
    async with serving(answer()) as server:
        client = Client(server.url, ALL_KEYS, catalog.errors)
        for _ in range(2):
            await client.run(catalog[READ], {}, call_id="c1", repeatable=True)
            await client.close()
            await client.close()
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("keys", "name", "arguments", "secret"),
    [
        (ALL_KEYS, CHANGE, {"loginId": "ada"}, MANAGEMENT_KEY),
        (Credentials("", MANAGEMENT_KEY), "ListProject", {}, MANAGEMENT_KEY),
        (ALL_KEYS, "DeleteSCIMUser", {"userId": "U1"}, ACCESS_KEY),
        (ALL_KEYS, "ValidateSession", {"credential": "correct-horse"}, "correct-horse"),
    ],
)
async def test_a_credential_that_an_error_repeats_is_sealed(
    catalog: Catalog, keys: Credentials, name: str, arguments: dict[str, str], secret: str
) -> None:
    said = f"No access to {PROJECT} with {PROJECT}:{secret}, {secret}"
    async with serving(answer(403, {"errorMessage": said})) as server:
        client = Client(server.url, keys, catalog.errors)
        with pytest.raises(ApiError, match=f"No access to {PROJECT}") as caught:
            await client.run(catalog[name], arguments, call_id="c1", repeatable=True)
        await client.close()
        assert secret.encode() in server.requests[0]
    assert secret not in str(caught.value)


async def test_the_probe_shows_whether_something_answers() -> None:
    async with serving(answer(404, b"", (("Date", "Sat, 21 Nov 2026 10:00:00 GMT"),))) as server:
        assert (await reachability.probe(server.url)).headers[
            "date"
        ] == "Sat, 21 Nov 2026 10:00:00 GMT"
        assert b"authorization" not in server.requests[0].lower()
    with pytest.raises(Unreachable):
        await reachability.probe(f"http://127.0.0.1:{closed_port()}", 1.0)

"""A client is given the link to the console, and its word for it is no person's word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import mcp_types as types
import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.store.consent import approvals
from descope_mcp.store.store import Store
from tests.attacks.directory import Directory, changes
from tests.e2e.wire import Wire, environment, pointed_at, wired
from tests.recorder import Recorder, recording, shared_store
from tests.server.http.served import headers, message, served
from tests.store.conftest import in_files

__all__ = ["in_files"]
pytestmark = pytest.mark.anyio

CONSOLE = "https://mcp.example.com/console"
CALL = {
    "name": "descope_destructive",
    "arguments": {"operation": "DeleteUser", "arguments": {"loginId": "ada"}},
}
LINKS: dict[str, Any] = {"elicitation": {"url": {}}}
ACCEPTED = {"open": {"action": "accept"}}
SENT = headers("tools/call", "descope_destructive")


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    async with recording(Directory().answer) as one:
        yield one


async def test_a_modern_client_is_led_to_the_console_and_its_accept_is_no_yes(
    recorder: Recorder, catalog: Catalog, in_files: Store
) -> None:
    services = recorder.services(catalog, store=in_files, patience=0.3, console=CONSOLE)
    async with served(services, json=True) as server, server.http() as http:

        async def call(**more: Any) -> dict[str, Any]:
            given = message("tools/call", {**CALL, **more}, capabilities=LINKS)
            return dict((await http.post("/mcp", json=given, headers=SENT)).json()["result"])

        asked = await call()
        (request,) = approvals.requests(in_files)
        shown = asked["inputRequests"]["open"]["params"]
        assert (shown["mode"], shown["url"]) == ("url", f"{CONSOLE}/requests/{request.number}")
        assert "ada" not in shown["message"].lower()
        accepted = {"requestState": asked["requestState"], "inputResponses": ACCEPTED}
        waits = (await call(**accepted))["structuredContent"]
        assert waits["link"] == shown["url"]
        assert "Nobody answered" in waits["message"]
        assert changes(recorder) == []
        # Calling again asks nobody anew, link or no link.
        assert (await call())["structuredContent"]["request"] == str(request.number)
        approvals.answer(in_files, request.number, approved=True)
        done = await call(**accepted)
        assert done["structuredContent"]["change"]
    assert len(changes(recorder)) == 1
    assert len(approvals.requests(in_files)) == 1


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_client_that_does_not_open_it_gets_the_number_and_the_command(
    recorder: Recorder, catalog: Catalog, in_files: Store, action: str
) -> None:
    services = recorder.services(catalog, store=in_files, patience=60, console=CONSOLE)
    async with served(services, json=True) as server, server.http() as http:
        given = message("tools/call", CALL, capabilities=LINKS)
        asked = (await http.post("/mcp", json=given, headers=SENT)).json()["result"]
        more = {
            "requestState": asked["requestState"],
            "inputResponses": {"open": {"action": action}},
        }
        given = message("tools/call", {**CALL, **more}, capabilities=LINKS)
        with anyio.fail_after(20):
            waits = (await http.post("/mcp", json=given, headers=SENT)).json()["result"]
    assert waits["structuredContent"]["waitsFor"] == "person"
    assert "approvals approve" in waits["structuredContent"]["remedy"]
    assert [one.status for one in approvals.requests(in_files)] == ["pending"]


async def _led(wire: Wire, login: str) -> tuple[int, dict[str, Any]]:
    """A call of an older client, and the link that it is given."""
    await wire.initialize(LINKS)
    number = await wire.send("tools/call", {"name": "DeleteUser", "arguments": {"loginId": login}})
    return number, await wire.asked()


def _number(asked: dict[str, Any]) -> int:
    return int(asked["params"]["url"].rpartition("/")[2])


async def test_an_older_client_is_told_when_the_person_has_decided(recorder: Recorder) -> None:
    env = {**pointed_at(recorder.url), "DESCOPE_MCP_CONSOLE_URL": CONSOLE}
    async with wired(env=env) as wire:
        number, asked = await _led(wire, "ada")
        assert asked["params"]["mode"] == "url"
        await wire.reply(asked, result={"action": "accept"})
        await anyio.sleep(0.5)
        assert changes(recorder) == []
        assert approvals.answer(shared_store(), _number(asked), approved=True)
        done = await wire.answer(number)
    assert done["result"]["structuredContent"]["change"]
    complete = [one for one in wire.notices if one["method"].endswith("elicitation/complete")]
    assert [one["params"]["elicitationId"] for one in complete] == [
        asked["params"]["elicitationId"]
    ]


@pytest.mark.parametrize(
    "reply",
    [
        {"result": {"action": "decline"}},
        {"error": {"code": types.INVALID_REQUEST, "message": "Elicitation not supported"}},
    ],
)
async def test_a_client_that_misdeclares_falls_back_to_the_command(
    recorder: Recorder, reply: dict[str, Any]
) -> None:
    env = {**pointed_at(recorder.url), "DESCOPE_MCP_CONSOLE_URL": CONSOLE}
    async with wired(env=env) as wire:
        # A no stands for a minute, so that each has a user of its own.
        number, asked = await _led(wire, next(iter(reply)))
        await wire.reply(asked, **reply)
        waits = (await wire.answer(number))["result"]["structuredContent"]
        approvals.revoke(shared_store(), _number(asked))
    assert waits["waitsFor"] == "person"
    assert "approvals approve" in waits["remedy"]
    assert waits["link"] in waits["remedy"]


async def test_without_a_console_no_link_is_given(recorder: Recorder) -> None:
    async with wired(env=environment(**pointed_at(recorder.url))) as wire:
        await wire.initialize(LINKS)
        given = {"name": "DeleteUser", "arguments": {"loginId": "bob"}}
        waits = await wire.request("tools/call", given)
    assert waits["result"]["structuredContent"]["waitsFor"] == "person"
    assert "link" not in waits["result"]["structuredContent"]

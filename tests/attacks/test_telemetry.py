"""A canary in all that a caller, a person or Descope can say: no trace, metric or log line has one.

They stand in arguments, answers, credentials, names of tools and callers, error texts, trace state
and the path of the policy.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from starlette.responses import HTMLResponse, JSONResponse, Response

from descope_mcp.api.client import Client as Descope
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, NeedsConfirmation
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.cli import logs
from descope_mcp.guard.caller import Caller
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy import file as policy_file
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.server import app
from descope_mcp.settings import Settings
from descope_mcp.store.store import Store
from descope_mcp.telemetry import vocabulary
from tests.attacks.tally import CALLS, CANARIES, LEAKED, none, tally
from tests.attacks.world import SECRET, TEXT, World, calls
from tests.recorder import ACCESS_KEY, MANAGEMENT_KEY, Recorded, recording
from tests.telemetry.memory import remembered

pytestmark = pytest.mark.anyio

#: Who calls over HTTP has the name of a person.
PERSON = Caller(
    "https://issuer.example|ada.canary@person.example",
    scopes=frozenset({"descope:read", "descope:write", "descope:destructive"}),
)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "state", tmp_path / "key")
    yield store
    store.close()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """What stands in the real log, as JSON, with all that is ever written to it."""
    file = tmp_path / "log.jsonl"
    own = logging.getLogger("descope_mcp")
    before = (own.handlers[:], own.level, own.propagate, logging.raiseExceptions)
    environment = {
        "DESCOPE_MCP_LOG_FILE": file,
        "DESCOPE_MCP_LOG_LEVEL": "debug",
        "DESCOPE_MCP_LOG_FORMAT": "json",
    }
    logs.begin(Settings.model_validate(environment))
    (handler,) = own.handlers
    yield file.read_text
    own.handlers[:], own.level, own.propagate, logging.raiseExceptions = before
    handler.close()


@pytest.fixture(autouse=True)
def _known(catalog: Catalog) -> None:
    vocabulary.know("operation", (*catalog, *catalog.reports))
    vocabulary.know("template", (operation.path for operation in catalog.values()))


def named(value: Any, canary: str) -> Any:
    """A value of the world with a canary wherever it has a text."""
    text = json.dumps(value).replace(TEXT, canary).replace(SECRET, canary)
    return json.loads(text)


def failing(number: int, canary: str) -> Response | None:
    """What Descope answers instead of what it should, by turns."""
    match number % 5:
        case 1:
            body = {"errorCode": "E011002", "errorMessage": f"{canary} is no good: {canary}"}
            return JSONResponse(body, 400, {"cf-ray": canary})
        case 2:
            return HTMLResponse(f"<html><body>{canary}</body></html>", 403)
        case 3:
            return JSONResponse({"errorCode": canary, "errorMessage": canary}, 500)
        case 4:
            headers = {"Retry-After": "90", "RateLimit": f'"{canary}";r=3', canary[:9]: canary}
            return JSONResponse({"message": canary}, 429, headers)
    return None


async def approved(call: Call, services: Any) -> None:
    """Run a call, with a person who says yes."""
    tally[CALLS] += 1
    outcome = await invoke(call, services)
    if isinstance(outcome, NeedsConfirmation):
        word = accept(outcome.question, outcome.question.typed)
        await invoke(replace(call, approval=word), services)


@pytest.mark.parametrize(
    "step", [9, pytest.param(1, marks=[pytest.mark.campaign, pytest.mark.timeout(900)])]
)
async def test_nothing_that_anybody_said_is_told(
    catalog: Catalog, own: Store, log: Callable[[], str], step: int
) -> None:
    world = World(catalog)
    canaries: list[str] = []
    under_test = ""
    number = 0

    def answer(request: Recorded) -> Response:
        if world.name(request) == under_test:
            return failing(number, canaries[-1]) or Response("no json " + canaries[-1])
        body = json.loads(bytes(world.answer(request).body))
        sent = JSONResponse(named(body, canaries[-1]))
        sent.set_cookie("DS", canaries[-1])
        return sent

    with remembered() as told:
        async with recording(answer) as recorder:
            services = recorder.services(catalog, store=own, principal=PERSON)
            for number, operation in enumerate([*catalog.values()][::step]):
                canaries.append(f"canary{number:04}.hunter@person.example")
                _, arguments = next(calls(operation))
                given, under_test = named(arguments, canaries[-1]), ""
                await approved(Call(operation.name, given, PERSON.name), services)
                under_test = operation.name
                await approved(Call(operation.name, arguments, PERSON.name), services)
            canaries.append("canary9999.hunter@person.example")
            await approved(Call(canaries[-1], {canaries[-1]: canaries[-1]}, PERSON.name), services)
            await services.client.close()
        everything = told.everything() + log()
    tally[CANARIES] += len(canaries)
    assert everything.count('"name": "call ') > len(canaries)
    assert log().count('"outcome": "done"') > len(canaries) / 3
    held = [*canaries, MANAGEMENT_KEY, ACCESS_KEY, "person.example", "canary", TEXT]
    none([canary for canary in held if canary in everything], LEAKED)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_nothing_of_a_message_is_told(
    catalog: Catalog, own: Store, log: Callable[[], str], monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    canary = "canary-hunter2@person.example"

    async def person(context: Any, params: Any) -> types.ElicitResult:
        return types.ElicitResult(action="decline", content={"confirm": canary})

    meta: Any = {
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "tracestate": "canary=hunter2",
        "baggage": f"user={canary}",
        canary: canary,
    }

    def fault(*arguments: Any, **more: Any) -> Any:
        raise RuntimeError(canary)

    with remembered() as told:
        async with recording() as recorder:
            services = recorder.services(catalog, store=own, principal=PERSON)
            server = app.build(catalog, app.alone(services))
            async with Client(server, mode=mode, elicitation_callback=person) as client:
                for tool, arguments in (
                    (canary, {}),
                    ("descope_search", {"query": canary}),
                    ("descope_describe", {"operation": canary}),
                    ("descope_read", {"operation": canary, "arguments": canary}),
                    ("descope_read", {"operation": "LoadUser", "fields": canary}),
                    ("DeleteUser", {"loginId": canary}),
                    ("LoadUser", {canary: canary}),
                ):
                    await quietly(client.call_tool(tool, arguments, meta=meta))
                await quietly(client.get_prompt(canary, {canary: canary}))
                await quietly(client.read_resource(f"descope://{canary}"))
                monkeypatch.setattr(Descope, "run", fault)
                await quietly(client.call_tool("LoadUser", {"loginId": canary}, meta=meta))
            await services.client.close()
        everything = told.everything() + log()
    assert '"error.type": "-32603"' in everything
    assert everything.count("tools/call") >= 8
    held = [canary, "canary", "hunter2", "person.example", MANAGEMENT_KEY]
    none([one for one in held if one in everything], LEAKED)


async def quietly(asking: Any) -> None:
    """Wait for an answer, whatever it is."""
    with suppress(MCPError):
        await asking


async def test_a_policy_file_is_not_told_by_its_name(
    catalog: Catalog, own: Store, tmp_path: Path
) -> None:
    file = tmp_path / "canary.toml"
    file.write_text('[[rule]]\noperation = "LoadUser"\ndecision = "deny"\nreason = "canary"\n')
    policy = policy_file.applied(str(file), catalog, Policy())
    with remembered() as told:
        async with recording() as recorder:
            services = recorder.services(catalog, store=own, policy=policy)
            await invoke(Call("LoadUser", {"loginId": "ada"}, "me"), services)
        everything = told.everything()
    assert '"descope_mcp.rule": "policy-file"' in everything
    none(["canary"] if "canary" in everything else [], LEAKED)

"""After a yes, all that was read for the question is read again at once, and believed anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import anyio
import pytest

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.api.response import Answer
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Refused
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.http.serve import Sandbox, running
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.sandbox.seeds.new_project import call as made
from tests.recorder import shared_store

pytestmark = pytest.mark.anyio

GRACE = "grace.kim@globex.example"
DELETE = Call("DeleteUser", {"loginId": GRACE}, "agent")


class InWaves(Client):
    """A client whose requests wait for each other; what was under way together, wave by wave."""

    waves: list[list[str]]
    _wave: anyio.Event | None = None

    async def run(self, operation: Any, arguments: Any, **options: Any) -> Answer:
        if self._wave:
            self.waves[-1].append(operation.name)
            await self._wave.wait()
        else:
            self._wave = wave = anyio.Event()
            self.waves.append([operation.name])
            await anyio.sleep(0.05)
            self._wave = None
            wave.set()
        return await super().run(operation, arguments, **options)


@dataclass
class Asked:
    """A call that a person has said yes to, and what it runs in."""

    state: State
    service: Sandbox
    services: Services
    client: InWaves
    again: Call


@asynccontextmanager
async def connected(service: Sandbox, catalog: Catalog) -> AsyncIterator[InWaves]:
    keys = Credentials(service.project_id, service.management_key)
    client = InWaves(service.url, keys, catalog.errors, 10.0)
    client.waves = []
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
async def asked(catalog: Catalog) -> AsyncIterator[Asked]:
    state = organisations.acme()
    async with (
        running(catalog.values(), state) as service,
        connected(service, catalog) as client,
    ):
        services = Services(catalog, client, Policy(), shared_store())
        outcome = await invoke(DELETE, services)
        assert isinstance(outcome, NeedsConfirmation), outcome
        word = accept(outcome.question, outcome.question.typed)
        assert len(client.waves) > 1
        client.waves.clear()
        yield Asked(state, service, services, client, replace(DELETE, approval=word))


async def test_what_was_read_step_by_step_is_read_at_once_after_the_yes(asked: Asked) -> None:
    assert isinstance(await invoke(asked.again, asked.services), Completed)
    assert len(asked.client.waves) == 2, asked.client.waves
    assert asked.client.waves[1] == ["DeleteUser"]


async def test_what_has_become_different_meanwhile_is_seen(asked: Asked) -> None:
    made(asked.state, "PatchUser", loginId=GRACE, name="Somebody Else")
    refused = await invoke(asked.again, asked.services)
    assert isinstance(refused, Refused), refused
    assert refused.rule == "changed"
    assert "DeleteUser" not in {name for wave in asked.client.waves for name in wave}


async def test_another_process_goes_step_by_step(asked: Asked, catalog: Catalog) -> None:
    async with connected(asked.service, catalog) as other:
        elsewhere = replace(asked.services, client=other)
        assert isinstance(await invoke(asked.again, elsewhere), Completed)
        assert len(other.waves) > 2

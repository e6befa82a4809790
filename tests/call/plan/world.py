"""A sandbox with a store of its own, and the person before it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Outcome, Undo
from descope_mcp.call.plan.outcome import PlanEnded, PlanOutcome, PlanRequest
from descope_mcp.call.plan.plan import plan
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.question.renderers.terminal import screen
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal.entry import Entry
from descope_mcp.store.store import Store

CALLER = "agent"
ADA, BEN = "ada.okafor@acme.example", "ben.carter@acme.example"
DANIEL = "daniel.weiss@acme.example"
Steps = list[dict[str, Any]]


@dataclass
class World:
    """What a test works with; ``asked`` are the questions that the person was put."""

    state: State
    services: Services
    asked: list[str] = field(default_factory=list)

    async def plan(
        self,
        steps: Steps,
        *,
        meanwhile: Callable[[], object] = lambda: None,
        yes: bool = True,
        **more: Any,
    ) -> PlanOutcome:
        """Run a plan; the person says yes, after what happens `meanwhile`."""
        request = PlanRequest(steps, CALLER, **more)
        outcome = await plan(request, self.services)
        if not (isinstance(outcome, NeedsConfirmation) and yes):
            return outcome
        self.asked.append(screen(outcome.disclosure))
        meanwhile()
        word = accept(outcome.question, outcome.question.typed)
        return await plan(replace(request, approval=word), self.services)

    async def ran(self, steps: Steps, **more: Any) -> PlanEnded:
        """A plan that comes to its end, whatever that is."""
        outcome = await self.plan(steps, **more)
        assert isinstance(outcome, PlanEnded), outcome
        return outcome

    async def call(self, operation: str, arguments: dict[str, Any]) -> Outcome:
        """A single call, with a yes where one is needed."""
        call = Call(operation, arguments, CALLER)
        outcome = await invoke(call, self.services)
        if isinstance(outcome, NeedsConfirmation):
            word = accept(outcome.question, outcome.question.typed)
            outcome = await invoke(replace(call, approval=word), self.services)
        return outcome

    async def undo(self, call: str, **more: Any) -> PlanOutcome:
        """The undo of a call or a plan, with a yes where one is needed."""
        request = Undo(call, CALLER, **more)
        outcome = await undo(request, self.services)
        if isinstance(outcome, NeedsConfirmation):
            self.asked.append(screen(outcome.disclosure))
            word = accept(outcome.question, outcome.question.typed)
            outcome = await undo(replace(request, approval=word), self.services)
        return outcome

    async def user(self, login: str) -> dict[str, Any]:
        """A user as the service has it."""
        found = await invoke(Call("LoadUser", {"loginId": login}, CALLER), self.services)
        assert isinstance(found, Completed), found
        loaded: dict[str, Any] = found.data["user"]
        return loaded

    def journal(self) -> list[Entry]:
        """The entries, oldest first."""
        return journal.entries(self.services.store)[::-1]


@asynccontextmanager
async def world(
    catalog: Catalog,
    place: Path,
    policy: Policy = Policy(),  # noqa: B008 - it cannot be changed
) -> AsyncIterator[World]:
    """A fresh sandbox, with a store in `place`."""
    state = organisations.acme()
    async with running(catalog.values(), state) as service:
        keys = Credentials(service.project_id, service.management_key, "", "")
        client = Client(service.url, keys, catalog.errors, 10.0)
        store = Store(place / "state", place / "config" / "key")
        try:
            yield World(state, Services(catalog, client, policy, store))
        finally:
            await client.close()
            store.close()


def became(outcome: PlanEnded) -> list[str]:
    """How each call ended."""
    return [call.became for call in outcome.calls]


def disable(*logins: str) -> Steps:
    """A plan that blocks users, one after the other."""
    return [
        {"operation": "UpdateUserStatus", "arguments": {"loginId": one, "status": "disabled"}}
        for one in logins
    ]

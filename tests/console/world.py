"""A sandbox and the console before it, for what people do that reaches Descope."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation
from descope_mcp.call.plan.outcome import PlanEnded, PlanRequest
from descope_mcp.call.plan.plan import plan
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.store import Store
from tests.console.served import Served, served

DANIEL = {"loginId": "daniel.weiss@acme.example"}
_QUESTION = re.compile(r'name="question" value="([^"]+)"')


@dataclass
class World:
    """A sandbox, and the console before it."""

    console: Served
    services: Services
    portal: BlockingPortal

    def call(self, operation: str, arguments: dict[str, Any]) -> str:
        """A call of an agent, with a yes where one is needed; its id."""
        call = Call(operation, arguments, "agent")
        outcome = self.portal.call(invoke, call, self.services)
        if isinstance(outcome, NeedsConfirmation):
            word = accept(outcome.question, outcome.question.typed)
            outcome = self.portal.call(invoke, replace(call, approval=word), self.services)
        assert isinstance(outcome, Completed), outcome
        return outcome.call_id

    def plan(self, steps: list[dict[str, Any]]) -> str:
        """A plan of an agent, with a yes where one is needed; its id."""
        request = PlanRequest(steps, "agent")
        outcome = self.portal.call(plan, request, self.services)
        if isinstance(outcome, NeedsConfirmation):
            word = accept(outcome.question, outcome.question.typed)
            outcome = self.portal.call(plan, replace(request, approval=word), self.services)
        assert isinstance(outcome, PlanEnded), outcome
        assert outcome.count("done") == len(steps), outcome
        return outcome.id

    def name(self) -> str:
        """The given name that the service has of a user, "" if there is none."""
        outcome = self.portal.call(invoke, Call("LoadUser", DANIEL, "agent"), self.services)
        return outcome.data["user"]["givenName"] if isinstance(outcome, Completed) else ""

    def undone(self, call: str) -> int:
        """How many calls took one back."""
        return sum(entry.undoes == call for entry in journal.entries(self.console.store))


@contextmanager
def acting(
    catalog: Catalog, store: Store, policy: Policy, shadow: Policy | None = None
) -> Iterator[World]:
    """The world under a policy, until the context ends."""
    state = organisations.acme()
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running(catalog.values(), state)) as service,
    ):
        keys = Credentials(service.project_id, service.management_key, "", "")
        client = partial(Client, service.url, keys, catalog.errors, 10.0)
        mine, theirs = client(), client()
        services = Services(catalog, mine, policy, store, shadow=shadow)
        with served(replace(services, client=theirs)) as console:
            yield World(console, services, portal)
        portal.call(mine.close)


def question(page: httpx2.Response) -> str:
    """What an answer names."""
    found = _QUESTION.search(page.text)
    assert found, page.text
    return found[1]

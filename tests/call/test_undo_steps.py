"""The calls of an undo side by side: in which order, how many at once, and where they stop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.api.response import Answer
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import (
    Call,
    Completed,
    Failed,
    NeedsConfirmation,
    Outcome,
    Refused,
    Undo,
)
from descope_mcp.call.services import Services
from descope_mcp.call.undo.steps import AT_ONCE
from descope_mcp.call.undo.undo import undo
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.store import Store

pytestmark = pytest.mark.anyio

#: The tenant has six members, two keys, a role, default roles, and from here on settings and SSO.
FURNISHED: list[tuple[str, dict[str, Any]]] = [
    ("ConfigureTenantSettings", {"tenantId": "globex", "enabled": True}),
    ("ConfigurePasswordSettings", {"tenantId": "globex", "enabled": True, "minLength": 12}),
    (
        "ConfigureSSOSAMLSettings",
        {
            "tenantId": "globex",
            "settings": {
                "idpUrl": "https://idp.globex.example/sso",
                "entityId": "globex",
                "idpCert": "MIIB",
            },
        },
    ),
]
GLOBEX = {"id": "globex"}


@dataclass
class Round:
    """One request: how many round trips lay behind it, counting itself, and what else ran then."""

    operation: str
    change: bool
    depth: int
    beside: int
    ended: bool = False


class Watched(Client):
    """A client that notes which of its requests had to wait for which."""

    rounds: list[Round]

    async def run(self, operation: Operation, *args: Any, **options: Any) -> Answer:
        """Run it, between two notes."""
        under_way = sum(not r.ended and r.change for r in self.rounds)
        depth = 1 + max((r.depth for r in self.rounds if r.ended), default=0)
        mine = Round(operation.name, not options["repeatable"], depth, under_way + 1)
        self.rounds.append(mine)
        try:
            return await super().run(operation, *args, **options)
        finally:
            mine.ended = True


@dataclass
class Scene:
    """A sandbox, its services, and what goes over the wire."""

    services: Services
    client: Watched
    http: httpx.AsyncClient
    asked: int = field(default=0)

    async def fault(self, **fault: Any) -> None:
        (await self.http.post("/sandbox/faults", json=fault)).raise_for_status()

    async def clear(self) -> None:
        (await self.http.delete("/sandbox/faults")).raise_for_status()

    async def yes(self, request: Call | Undo) -> Outcome:
        """Run a call or an undo; a person says yes."""
        outcome = await self.run(request)
        self.asked = max((r.depth for r in self.client.rounds), default=0)
        if isinstance(outcome, NeedsConfirmation):
            word = accept(outcome.question, outcome.question.typed)
            if isinstance(request, Call):
                again: Call | Undo = Call(
                    request.operation, request.arguments, request.caller, approval=word
                )
            else:
                again = Undo(request.call, request.caller, approval=word)
            outcome = await self.run(again)
        return outcome

    async def run(self, request: Call | Undo) -> Outcome:
        if isinstance(request, Call):
            return await invoke(request, self.services)
        return await undo(request, self.services)

    async def deleted(self) -> str:
        """The id of the call that deletes a tenant with all that hangs on it."""
        catalog = self.services.catalog
        for name, arguments in FURNISHED:
            await self.client.run(catalog[name], arguments, call_id="t", repeatable=False)
        outcome = await self.yes(Call("DeleteTenant", GLOBEX, "agent"))
        assert isinstance(outcome, Completed), outcome
        self.client.rounds.clear()
        return outcome.call_id

    def journalled(self, undone: str) -> list[journal.Entry]:
        found = journal.entries(self.services.store, project=self.services.project)
        return [entry for entry in reversed(found) if entry.undoes == undone]


@pytest.fixture
async def scene(catalog: Catalog, store: Store) -> AsyncIterator[Scene]:
    seeds = {"": organisations.acme}
    async with (
        running(catalog.values(), organisations.acme(), seeds=seeds) as sandbox,
        httpx.AsyncClient(base_url=sandbox.url) as http,
    ):
        keys = Credentials(sandbox.project_id, sandbox.management_key)
        client = Watched(sandbox.url, keys, catalog.errors)
        client.rounds = []
        yield Scene(Services(catalog, client, Policy(), store), client, http)
        await client.close()


async def test_a_tenant_comes_back_within_sixteen_round_trips(scene: Scene) -> None:
    call = await scene.deleted()
    # So long that a busy machine's own work is short beside it.
    await scene.fault(latency=0.5)
    done = await scene.yes(Undo(call, "agent"))
    assert isinstance(done, Completed), done
    changes = [r for r in scene.client.rounds if r.change]
    assert len(changes) == len(done.data["steps"]) > 15
    assert 1 < max(r.beside for r in changes) <= AT_ONCE
    assert max(r.depth for r in scene.client.rounds) <= 16


async def test_a_question_takes_no_more_round_trips_than_somebody_waits_for(scene: Scene) -> None:
    await scene.fault(latency=0.15)
    # What was counted for the question is counted again after the yes, which is for no more.
    for name, arguments, question, after in (
        ("DeleteUser", {"loginId": "daniel.weiss@acme.example"}, 3, 3),
        ("DeleteRole", {"name": "Viewer"}, 3, 4),
        ("DeleteTenant", GLOBEX, 4, 5),
        ("PatchUser", {"loginId": "grace.kim@globex.example", "givenName": "G"}, 2, 0),
    ):
        scene.client.rounds.clear()
        outcome = await scene.yes(Call(name, arguments, "agent"))
        assert isinstance(outcome, Completed), outcome
        assert scene.asked <= question, name
        assert max(r.depth for r in scene.client.rounds) - scene.asked <= after, name


async def test_no_step_begins_before_what_it_builds_on_has_ended(scene: Scene) -> None:
    call = await scene.deleted()
    _, kept = journal.detail(scene.services.store, call)
    assert kept
    await scene.fault(latency=0.05)
    done = await scene.yes(Undo(call, "agent"))
    assert isinstance(done, Completed), done
    assert [s["operation"] for s in done.data["steps"]] == [s["operation"] for s in kept["steps"]]
    depths: dict[str, list[int]] = {}
    for one in scene.client.rounds:
        if one.change:
            depths.setdefault(one.operation, []).append(one.depth)
    for step in kept["steps"]:
        for earlier in step["after"]:
            name = kept["steps"][earlier]["operation"]
            if name != step["operation"]:
                assert max(depths[name]) < min(depths[step["operation"]]), (name, step)


@pytest.mark.parametrize(
    ("broken", "never"),
    [
        ("CreateTenant", {"ConfigureTenantSettings", "UpdateUserAddTenant", "CreateRoles"}),
        ("CreateRoles", {"UpdateUserAddRoles", "UpdateAccessKey", "ConfigureSSOSAMLSettings"}),
        ("UpdateUserAddTenant", {"UpdateUserAddRoles", "UpdateTenantDefaultRoles"}),
        ("ConfigureSSOSAMLSettings", {"UpdateTenantDefaultRoles"}),
    ],
)
async def test_an_undo_stops_where_a_step_fails_and_says_what_ran(
    scene: Scene, broken: str, never: set[str]
) -> None:
    call = await scene.deleted()
    _, kept = journal.detail(scene.services.store, call)
    assert kept
    names = [step["operation"] for step in kept["steps"]]
    await scene.fault(operation=broken, status=400, latency=0.02)
    stopped = await scene.yes(Undo(call, "agent"))
    assert isinstance(stopped, Failed), stopped
    where = names.index(broken) + 1
    assert stopped.message.startswith(f"The undo stopped at step {where} of {len(names)}; it ran")
    sent = [r.operation for r in scene.client.rounds if r.change]
    assert not never & set(sent)
    entries = scene.journalled(call)
    assert sorted(entry.operation for entry in entries) == sorted(sent)
    ran = [e.operation for e in entries if e.result == "done"]
    told = stopped.message.partition("it ran ")[2].partition(".")[0]
    assert sorted(told.split(", ") if told != "nothing" else []) == sorted(ran)
    assert {e.result for e in entries if e.operation == broken} == {"failed"}
    assert all(entry.settled for entry in entries)
    assert hash_chain.problems(scene.services.store)[2] == []


async def test_an_undo_that_stopped_is_gone_on_with(scene: Scene) -> None:
    call = await scene.deleted()
    _, kept = journal.detail(scene.services.store, call)
    assert kept
    await scene.fault(operation="UpdateUserAddTenant", status=400)
    assert isinstance(await scene.yes(Undo(call, "agent")), Failed)
    (deleted,) = [e for e in journal.entries(scene.services.store) if e.call == call]
    assert not deleted.undone_by
    assert 0 < len(deleted.undone_steps) < len(kept["steps"])
    await scene.clear()
    done = await scene.yes(Undo(call, "agent"))
    assert isinstance(done, Completed), done
    ran = [entry.operation for entry in scene.journalled(call) if entry.result == "done"]
    assert sorted(ran) == sorted(step["operation"] for step in kept["steps"])
    again = await scene.run(Undo(call, "agent"))
    assert isinstance(again, Refused), again
    assert again.rule == "undone"


async def test_what_is_under_way_when_another_fails_is_finished_and_told(scene: Scene) -> None:
    call = await scene.deleted()
    await scene.fault(operation="ConfigureTenantSettings", status=400)
    await scene.fault(operation="UpdateUserAddTenant", latency=0.3, times=6)
    stopped = await scene.yes(Undo(call, "agent"))
    assert isinstance(stopped, Failed), stopped
    results = {(e.operation, e.result) for e in scene.journalled(call)}
    assert ("UpdateUserAddTenant", "done") in results
    assert "UpdateUserAddTenant" in stopped.message


async def test_several_failures_are_all_told_the_first_of_the_plan_first(scene: Scene) -> None:
    call = await scene.deleted()
    await scene.fault(operation="ConfigureTenantSettings", status=400, latency=0.2)
    await scene.fault(operation="UpdateUserAddTenant", status=400)
    stopped = await scene.yes(Undo(call, "agent"))
    assert isinstance(stopped, Failed), stopped
    assert stopped.message.startswith("The undo stopped at step 2 of")
    assert "was under way and did not succeed either" in stopped.message


async def test_what_was_recorded_without_an_order_runs_one_by_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await scene.deleted()
    detail = journal.detail

    def older(store: Store, wanted: str) -> Any:
        details, kept = detail(store, wanted)
        assert kept
        steps = [{k: v for k, v in step.items() if k != "after"} for step in kept["steps"]]
        return details, {**kept, "steps": steps}

    monkeypatch.setattr(journal, "detail", older)
    done = await scene.yes(Undo(call, "agent"))
    assert isinstance(done, Completed), done
    assert {r.beside for r in scene.client.rounds if r.change} == {1}

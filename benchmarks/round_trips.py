"""How long a person waits, in round trips of the API.

A sandbox answers every request after the same time, and all waits are told in units of it: what a
network or a slow service costs is in there, what this machine costs shows as a remainder.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Undo
from descope_mcp.call.plan.outcome import PlanOutcome
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.catalog.catalog import load
from descope_mcp.guard.consent.confirmation import Approval, accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.store.store import Store

_UNIT = 0.25
_DANIEL, _GRACE = "daniel.weiss@acme.example", "grace.kim@globex.example"
#: Gives the tenant what an undo of its deletion brings back beside members, keys and roles.
_FURNISHED: list[tuple[str, dict[str, Any]]] = [
    (
        "ConfigureTenantSettings",
        {"tenantId": "globex", "enabled": True, "sessionTokenExpiration": 5},
    ),
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


@dataclass(frozen=True)
class Waited:
    """How long the question took, and the call after the yes: both in round trips."""

    question: float
    after: float


@dataclass(frozen=True)
class Bench:
    """A sandbox of its own that can be slowed down, and the services that talk to it."""

    services: Services
    http: httpx.AsyncClient

    async def slow(self) -> None:
        """Let every answer take `_UNIT` seconds from now on."""
        (await self.http.post("/sandbox/faults", json={"latency": _UNIT})).raise_for_status()

    async def run(self, request: Call | Undo) -> Waited:
        """Run a call or an undo with the yes of a person, if one is asked."""
        began = time.perf_counter()
        outcome = await _performed(request, self.services)
        question = time.perf_counter() - began
        if not isinstance(outcome, NeedsConfirmation):
            assert isinstance(outcome, Completed), outcome
            return Waited(0, question / _UNIT)
        approval = accept(outcome.question, outcome.question.typed)
        began = time.perf_counter()
        outcome = await _performed(_approved(request, approval), self.services)
        assert isinstance(outcome, Completed), outcome
        return Waited(question / _UNIT, (time.perf_counter() - began) / _UNIT)


async def _performed(request: Call | Undo, services: Services) -> PlanOutcome:
    if isinstance(request, Call):
        return await invoke(request, services)
    return await undo(request, services)


def _approved(request: Call | Undo, approval: Approval) -> Call | Undo:
    if isinstance(request, Call):
        return Call(request.operation, request.arguments, request.caller, approval=approval)
    return Undo(request.call, request.caller, approval=approval)


@asynccontextmanager
async def slowed(place: Path) -> AsyncIterator[Bench]:
    """A sandbox with the organisation acme, whose answers come at once until it is slowed down."""
    catalog = load()
    state = organisations.acme()
    async with (
        running(catalog.values(), state, seeds={"": organisations.acme}) as sandbox,
        httpx.AsyncClient(base_url=sandbox.url) as http,
    ):
        keys = Credentials(sandbox.project_id, sandbox.management_key)
        client = Client(sandbox.url, keys, catalog.errors)
        store = Store(place / "state", place / "key")
        for operation, arguments in _FURNISHED:
            await client.run(catalog[operation], arguments, call_id="b", repeatable=False)
        try:
            yield Bench(Services(catalog, client, Policy(), store), http)
        finally:
            await client.close()
            store.close()


async def measured(place: Path) -> list[tuple[str, float, str]]:
    """What was waited for: its name, the round trips, and the aim."""
    async with slowed(place) as bench:
        # The first change of a process opens the store, which is measured elsewhere.
        await bench.run(Call("PatchUser", {"loginId": _GRACE, "givenName": "G"}, "bench"))
        await bench.slow()
        patched = await bench.run(
            Call("PatchUser", {"loginId": _GRACE, "givenName": "Gr"}, "bench")
        )
        user = await bench.run(Call("DeleteUser", {"loginId": _DANIEL}, "bench"))
        role = await bench.run(Call("DeleteRole", {"name": "Viewer"}, "bench"))
        tenant = await bench.run(Call("DeleteTenant", {"id": "globex"}, "bench"))
        call = await anyio.to_thread.run_sync(_last, bench.services)
        undone = await bench.run(Undo(call, "bench"))
    return [
        ("PatchUser, nobody is asked", patched.after, "2.3"),
        ("DeleteUser, until the question", user.question, "3"),
        ("... after the yes", user.after, "2.5"),
        ("DeleteRole, until the question", role.question, "3"),
        ("... after the yes", role.after, ""),
        ("DeleteTenant, until the question", tenant.question, "4"),
        ("... after the yes", tenant.after, "4"),
        ("undo of DeleteTenant, until the question", undone.question, ""),
        ("... in all", undone.question + undone.after, "16"),
    ]


def _last(services: Services) -> str:
    """The call of the last deletion of a tenant in the journal."""
    from descope_mcp.store.journal import entries

    found = entries.entries(services.store, project=services.project, operation="DeleteTenant")
    return found[0].call


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as place:
        rows = anyio.run(measured, Path(place))
    print(f"{f'(round trips of {_UNIT * 1000:.0f} ms)':42} {'waited':>9} {'aim':>9}")
    for name, waited, aim in rows:
        print(f"{name:42} {waited:9.2f} {aim:>9}")


if __name__ == "__main__":
    main()

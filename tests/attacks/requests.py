"""Calls that wait for a person's word."""

from __future__ import annotations

from collections.abc import Sequence

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import NeedsConfirmation
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.store.consent import approvals
from descope_mcp.store.store import Store
from tests.attacks.replica import delete
from tests.recorder import PROJECT, Recorder


async def asked(
    numbers: Sequence[int], store: Store, recorder: Recorder, catalog: Catalog
) -> list[int]:
    """Ask for the deletion of each of the users; the requests' numbers."""
    services = recorder.services(catalog, store=store)
    requests = []
    for number in numbers:
        outcome = await invoke(delete(number), services)
        assert isinstance(outcome, NeedsConfirmation), outcome
        filed = approvals.file(
            store,
            project=PROJECT,
            caller="agent",
            operation="DeleteUser",
            binding=outcome.question.binding,
            question="?",
            typed="",
        )
        assert filed
        requests.append(filed.number)
    await services.client.close()
    return requests

"""What is exported imports again; what is sealed on the way out is named on the way in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Failed, NeedsConfirmation, Outcome
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations
from tests.recorder import shared_store

pytestmark = pytest.mark.anyio

FLOW = "sign-up-or-in"
#: Every pair of an export and an import: the read, and what the import is given of its answer.
PAIRS: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "ImportSnapshot": ("ExportSnapshot", {}, {"files": "files"}),
    "ValidateSnapshot": ("ExportSnapshot", {}, {"files": "files"}),
    "ImportProject": ("ExportProject", {}, {"files": "files"}),
    "ImportFlow": ("ExportFlow", {"flowId": FLOW}, {"flow": "flow"}),
    "ImportTheme": ("ExportTheme", {}, {"theme": "theme"}),
    "ImportFlowLocalization": (
        "ExportFlowLocalization",
        {"flowId": FLOW},
        {"overrides": "overrides"},
    ),
    "ImportMessagingLocalization": (
        "ExportMessagingTemplateLocalization",
        {},
        {"overrides": "overrides"},
    ),
    "ImportLists": ("GetAllLists", {}, {"lists": "lists"}),
    "ConfigurePasswordSettings": ("GetPasswordSettings", {}, {}),
    "ConfigureTenantSettings": ("GetTenantSettings", {"id": "globex"}, {}),
    "CreateFGASchema": ("GetFGASchema", {}, {"dsl": "dsl"}),
    "SaveSchema": ("LoadSchema", {}, {"schema": "schema"}),
    "RestoreFGABackup": ("CreateFGABackup", {}, {"backupId": "backupId"}),
}
#: Further arguments of an import.
MORE: dict[str, dict[str, Any]] = {
    "ImportFlowLocalization": {"flowId": FLOW},
    "ConfigureTenantSettings": {"tenantId": "globex"},
}
#: Imports of what no operation exports: secrets that the caller has.
SECRETS_ONLY = {"ImportAccessKeys", "ImportUserPasskeys"}
#: What the service makes: ids, and when something was written.
MADE = {"id", "version", "etag", "modifiedTime", "createdTime"}


@pytest.fixture
async def acme(catalog: Catalog) -> AsyncIterator[Services]:
    """Services that talk to a fresh sandbox."""
    async with running(catalog.values(), organisations.acme()) as service:
        keys = Credentials(service.project_id, service.management_key)
        client = Client(service.url, keys, catalog.errors, 10.0)
        yield Services(catalog, client, Policy(), shared_store())
        await client.close()


async def run(services: Services, operation: str, arguments: dict[str, Any]) -> Outcome:
    """What becomes of a call if a person says yes to it."""
    call = Call(operation, arguments, "agent")
    outcome = await invoke(call, services)
    if isinstance(outcome, NeedsConfirmation):
        word = accept(outcome.question, outcome.question.typed)
        outcome = await invoke(replace(call, approval=word), services)
    return outcome


def test_every_export_and_import_of_the_contract_is_tried(catalog: Catalog) -> None:
    named = {name for name in catalog if name.startswith(("Import", "Export", "Restore"))}
    tried = {*PAIRS, *(pair[0] for pair in PAIRS.values()), *SECRETS_ONLY}
    assert named <= tried, named - tried


@pytest.mark.parametrize("name", PAIRS)
async def test_what_is_exported_imports_again(acme: Services, name: str) -> None:
    export, arguments, takes = PAIRS[name]
    exported = await run(acme, export, arguments)
    assert isinstance(exported, Completed), exported
    fields = acme.catalog[name].input_schema["properties"]
    given = {to: exported.data[field] for to, field in takes.items()}
    given = given or {k: v for k, v in exported.data.items() if k in fields}
    assert given
    assert "[sealed" not in json.dumps(given)
    imported = await run(acme, name, {**MORE.get(name, {}), **given})
    assert isinstance(imported, Completed), imported
    if acme.catalog[export].effect == "read":
        again = await run(acme, export, arguments)
        assert isinstance(again, Completed), again
        assert lasting(again.data) == lasting(exported.data)


async def test_what_is_sealed_is_named_by_the_import_and_nothing_is_sent(acme: Services) -> None:
    flow = {
        "flowId": "own",
        "metadata": {"name": "own"},
        "contents": {"1": {"headers": {"Authorization": "Basic hunter2"}, "url": "https://a.b/c"}},
    }
    assert isinstance(await run(acme, "ImportFlow", {"flow": flow}), Completed)
    exported = await run(acme, "ExportFlow", {"flowId": "own"})
    assert isinstance(exported, Completed), exported
    assert "hunter2" not in json.dumps(exported.data)
    refused = await run(acme, "ImportFlow", {"flow": exported.data["flow"]})
    assert isinstance(refused, Failed), refused
    assert "flow.contents.1.headers.Authorization" in refused.message
    assert len(refused.message) < 400
    assert "Secrets" in acme.catalog["ImportFlow"].lost


async def test_many_sealed_values_make_no_long_message(acme: Services) -> None:
    files = {f"part{n}/{'x' * 60}.json": {"token": "[sealed]"} for n in range(200)}
    refused = await run(acme, "ImportSnapshot", {"files": files})
    assert isinstance(refused, Failed), refused
    assert len(refused.message) < 1_000
    assert "and 195 more" in refused.message


@pytest.mark.parametrize("name", ["ImportSnapshot", "ImportProject", "ImportFlow"])
def test_an_import_of_free_content_says_that_secrets_are_lost(catalog: Catalog, name: str) -> None:
    assert "ecrets" in catalog[name].lost


def lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: lasting(v) for k, v in value.items() if k not in MADE}
    return [lasting(item) for item in value] if isinstance(value, list) else value

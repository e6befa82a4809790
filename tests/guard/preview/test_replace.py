"""Against the sandbox: read, replace with one field changed, read again: nothing else differs.

Every operation that replaces is tried as soon as the sandbox answers it and holds something that
it can be tried on.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.api.errors import ApiError
from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.build.yaml_source import read_yaml
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.json_path import values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.caller import STDIO
from descope_mcp.guard.policy.decision import Policy, decide
from descope_mcp.guard.policy.risk import assess
from descope_mcp.guard.preview.comparison.difference import is_unset
from descope_mcp.guard.preview.comparison.merge import merge
from descope_mcp.guard.preview.preview import look
from descope_mcp.guard.preview.recipe_values import Scope, resolve
from descope_mcp.sandbox.engine.registry import HANDLERS
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations
from tests.recorder import load_contract

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Try:
    """A call that changes one field of a thing; see ``replaces.yaml``."""

    listed: str
    find: str
    call: dict[str, Any]
    changes: str
    only: dict[str, Any] = field(default_factory=dict)
    within: list[str] = field(default_factory=list)
    arguments: dict[str, Any] = field(default_factory=dict)
    has: str = ""
    asks: bool = False


TRIES = {
    name: Try(**attempt)
    for name, attempt in read_yaml(Path(__file__).parent / "replaces.yaml").items()
}

#: Operations that are not tried, and why.
NOT_TRIED = {
    "SaveSchema": "the whole schema is the argument; nothing in it is filled in",
    "CreateFGASchema": "the whole schema is the argument; nothing in it is filled in",
    "SaveRelationDefinition": "a definition is compared as a whole; see test_merge",
    "UpdateResourcePolicy": "a policy has no label; every field gives or takes rights",
    "ConfigureSSOSAMLSettingsByMetadata": "sets the same fields as ConfigureSSOSAMLSettings",
    "ConfigureSSOOIDCSettings": "always loses the secret, which no read returns",
}
#: What the service itself writes, or works out from the roles.
FOLLOWS = ("modifiedTime", "version", "authzVersion", "meta.lastModified", "permissions")
#: So many things of each kind are tried.
MOST = 8


@dataclass
class Sandbox:
    client: Client
    catalog: Catalog
    project: str

    async def read(self, operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.run(operation, arguments, call_id="read", repeatable=True)
        return answer.data

    async def found(self, operation: Operation, arguments: dict[str, Any]) -> Any:
        preview = await look(self.catalog, operation, arguments, self.project, self.read)
        return preview.target

    async def things(self, name: str) -> list[dict[str, Any]]:
        """What an operation can be tried on."""
        attempt = TRIES[name]
        if name not in HANDLERS or attempt.listed not in HANDLERS:
            pytest.skip("the sandbox does not answer it")
        things = []
        for container in await self._containers(attempt):
            arguments = resolve(attempt.arguments, Scope({}, container)) if container else {}
            listed = await self.read(self.catalog[attempt.listed], arguments)
            found = listed[attempt.find] if attempt.find else [listed]
            things += [t for t in found if attempt.only.items() <= t.items()]
        things = [t for t in things if not attempt.has or any(values_at(t, attempt.has))]
        if not things:
            pytest.skip("the sandbox has nothing to try it on")
        return things[:MOST]

    async def _containers(self, attempt: Try) -> list[Any]:
        if not attempt.within:
            return [None]
        operation, find = attempt.within
        containers: list[Any] = (await self.read(self.catalog[operation], {}))[find]
        return containers

    async def differing(self, name: str, thing: Any, *, completed: bool) -> set[str] | None:
        """What differs after the call and should not; None for a thing that is protected."""
        attempt, operation = TRIES[name], self.catalog[name]
        text = json.dumps(resolve(attempt.call, Scope({}, thing)))
        call = check(operation, text.replace("by the test", f"by the test {thing.get('id', '')}"))
        before = await self.found(operation, call)
        merged = merge(operation, call, before)
        sent = check(operation, merged.arguments) if completed else call
        try:
            await self.client.run(operation, sent, call_id="write", repeatable=False)
        except ApiError as error:
            if error.code != "E024214":
                raise
            return None
        if completed and merged.changes:
            risk = assess(operation, sent, frozenset(), merged.changes)
            asks = decide(operation, sent, STDIO, "P", risk, Policy()).action == "confirm"
            assert asks is attempt.asks, merged.changes
        after = await self.found(operation, call)
        if merged.changes:
            assert values_at(after, attempt.changes) != values_at(before, attempt.changes)
        return set(_differing(before, after, "")) - {attempt.changes, *FOLLOWS}


@pytest.fixture
async def sandbox(catalog: Catalog) -> AsyncIterator[Sandbox]:
    state = organisations.acme()
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(
            running(load_contract().endpoints.values(), state)
        )
        keys = Credentials(service.project_id, service.management_key, "", "")
        client = Client(service.url, keys, catalog.errors, 10.0)
        stack.push_async_callback(client.close)
        acting = Sandbox(client, catalog, service.project_id)
        tenant = (await acting.read(catalog["LoadAllTenants"], {}))["tenants"][0]["id"]
        arguments = {"name": "SCIM", "keyTenants": [{"tenantId": tenant}]}
        create = catalog["CreateAccessKey"]
        key = await client.run(create, arguments, call_id="key", repeatable=False)
        client.credentials = replace(keys, access_key=key.data["cleartext"])
        yield acting


def test_every_list_is_where_it_is_said_to_be(catalog: Catalog) -> None:
    for name, attempt in TRIES.items():
        assert not attempt.find or attempt.find in catalog[attempt.listed].answer_fields, name


def test_every_replace_is_tried_or_left_out_for_a_reason(catalog: Catalog) -> None:
    replacing = {name for name, operation in catalog.items() if operation.update == "replace"}
    assert replacing == set(TRIES) | set(NOT_TRIED)
    assert not set(TRIES) & set(NOT_TRIED)


@pytest.mark.parametrize("name", TRIES)
async def test_nothing_else_differs(name: str, sandbox: Sandbox) -> None:
    things = await sandbox.things(name)
    tried = 0
    for thing in things:
        differing = await sandbox.differing(name, thing, completed=True)
        assert not differing, thing
        tried += differing is not None
    assert tried


@pytest.mark.parametrize("name", ["UpdateUser", "UpdateTenant", "UpdateRole"])
async def test_a_plain_call_would_have_lost_something(name: str, sandbox: Sandbox) -> None:
    """The sandbox clears what is left out, so the test above can fail."""
    things = await sandbox.things(name)
    assert any([await sandbox.differing(name, thing, completed=False) for thing in things])


def _differing(before: Any, after: Any, path: str) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {*before, *after}:
            below = f"{path}.{name}" if path else name
            yield from _differing(before.get(name), after.get(name), below)
    elif before != after and not (is_unset(before) and is_unset(after)):
        yield path

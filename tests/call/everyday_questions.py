"""Questions that people are asked in two organisations of the sandbox, by what is asked for."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, NeedsConfirmation
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.question.question_data import Disclosure
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.sandbox.seeds.new_project import call as made
from descope_mcp.sandbox.users.tables import USERS
from descope_mcp.store.store import Store

Calls = dict[str, tuple[str, dict[str, Any]]]
TARA = {"loginId": "tara.singh@umbra.example"}


def _acme(state: State) -> Calls:
    files = copy.deepcopy(made(state, "ExportSnapshot")["files"])
    role = files["roles/Viewer.json"]
    role["permissionNames"] = [*role["permissionNames"], "billing.read"]
    return {
        "delete a tenant with cascade": ("DeleteTenant", {"id": "globex", "cascade": True}),
        "give the role Owner": ("UpdateUserAddRoles", {**TARA, "roleNames": ["Owner"]}),
        "import with one changed role": ("ImportSnapshot", {"files": files}),
        "delete the project": ("DeleteProject", {}),
        "delete a user": ("DeleteUser", TARA),
        "change an address": ("UpdateUserEmail", {**TARA, "email": "t@other.example"}),
        "a key that never expires": ("CreateAccessKey", {"name": "k", "roleNames": ["Owner"]}),
        "delete a permission": ("DeletePermission", {"name": "tickets.read"}),
    }


def _large(state: State) -> Calls:
    users = [user for user in state.all(USERS) if user["name"]]
    forty = [{"loginId": user["loginIds"][0], "status": "disabled"} for user in users[:40]]
    hundred = [user["userId"] for user in users[:100]]
    return {
        "disable 40 users": ("PatchUserBatch", {"users": forty}),
        "delete 100 users": ("DeleteUsers", {"userIds": hundred}),
    }


async def asked(catalog: Catalog, store: Store) -> dict[str, Disclosure]:
    """What a person is told, by what is asked for."""
    large = organisations.SEEDS["b2b"]
    told = await _asked(catalog, store, organisations.acme(), _acme)
    return {**told, **await _asked(catalog, store, large(), _large)}


async def _asked(
    catalog: Catalog, store: Store, state: State, calls: Callable[[State], Calls]
) -> dict[str, Disclosure]:
    told = {}
    async with running(catalog.values(), state) as sandbox:
        keys = Credentials(sandbox.project_id, sandbox.management_key)
        client = Client(sandbox.url, keys, catalog.errors)
        services = Services(catalog, client, Policy(), store)
        for title, (operation, arguments) in calls(state).items():
            outcome = await invoke(Call(operation, arguments, "an agent"), services)
            assert isinstance(outcome, NeedsConfirmation), (title, outcome)
            told[title] = outcome.disclosure
        await client.close()
    return told

"""Fifteen questions of many kinds, as people who have seen none before are asked them."""

from __future__ import annotations

import copy
from typing import Any

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Outcome, Undo
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.question.question_data import Disclosure
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.keys.tables import ACCESS_KEYS
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.sandbox.seeds.new_project import call as made
from descope_mcp.sandbox.users.tables import USERS
from descope_mcp.store.store import Store

_ADA, _TARA = "ada.okafor@acme.example", "tara.singh@umbra.example"
#: What is told of an agent that asks.
_AGENT = "support-agent"


def _acme(state: State) -> list[tuple[str, dict[str, Any]]]:
    files = copy.deepcopy(made(state, "ExportSnapshot")["files"])
    role = files["roles/Viewer.json"]
    role["permissionNames"] = [*role["permissionNames"], "billing.read"]
    flow = copy.deepcopy(made(state, "ExportFlow", flowId="sign-up-or-in")["flow"])
    flow["contents"]["tasks"]["enter-code"]["next"] = "end"
    del flow["contents"]["tasks"]["verify"]
    saml = made(state, "LoadAllSSOSettings", tenantId="globex")["SSOSettings"][0]["saml"]
    template = {"department": "{{user.customAttributes.department}}", "roles": ["Owner"]}
    held = made(state, "ListJwtTemplates")["templates"][0]
    schema = made(state, "GetFGASchema")["dsl"].splitlines()
    return [
        ("DeleteUser", {"loginId": _ADA}),
        ("DeleteTenant", {"id": "globex", "cascade": True}),
        ("UpdateUserAddRoles", {"loginId": _TARA, "roleNames": ["Owner"]}),
        ("ImportSnapshot", {"files": files}),
        ("DeactivateAccessKeys", {"ids": [key["id"] for key in state.all(ACCESS_KEYS)]}),
        (
            "ConfigureSSOSAMLSettings",
            {
                "tenantId": "globex",
                "settings": {
                    "idpUrl": saml["idpSSOUrl"],
                    "entityId": saml["idpEntityId"],
                    "idpCert": saml["idpCertificate"],
                    "roleMappings": [{"groups": ["Everyone"], "roleName": "Tenant Admin"}],
                },
            },
        ),
        (
            "ConfigurePasswordSettings",
            {"tenantId": "globex", "minLength": 6, "number": False, "lock": False},
        ),
        ("UpdateJwtTemplate", {"template": {**held, "template": template}}),
        ("ImportFlow", {"flow": flow}),
        ("DeleteRole", {"name": "Viewer"}),
        (
            "CreateAccessKey",
            {"name": "nightly", "keyTenants": [{"tenantId": "globex", "roleNames": ["Editor"]}]},
        ),
        ("DeleteAllTestUsers", {}),
        ("CreateFGASchema", {"dsl": "\n".join(x for x in schema if "can_print" not in x)}),
    ]


def _large(state: State) -> list[tuple[str, dict[str, Any]]]:
    users = [user for user in state.all(USERS) if user["name"]][:40]
    disabled = [{"loginId": user["loginIds"][0], "status": "disabled"} for user in users]
    return [("PatchUserBatch", {"users": disabled})]


async def fifteen(catalog: Catalog, store: Store) -> list[Disclosure]:
    """The questions, in an order in which none helps with the next."""
    told: list[Disclosure] = []
    for state, calls in ((organisations.acme(), _acme), (organisations.SEEDS["b2b"](), _large)):
        async with running(catalog.values(), state) as sandbox:
            keys = Credentials(sandbox.project_id, sandbox.management_key)
            client = Client(sandbox.url, keys, catalog.errors)
            services = Services(catalog, client, Policy(), store)
            for operation, arguments in calls(state):
                outcome = await invoke(Call(operation, arguments, _AGENT), services)
                told.append(_said(outcome))
            if calls is _acme:
                told.append(await _undone(services))
            await client.close()
    return told


async def _undone(services: Services) -> Disclosure:
    """The question to the undo of a tenant's deletion, which runs before."""
    given = {"id": "globex"}
    asked = await invoke(Call("DeleteTenant", given, _AGENT), services)
    assert isinstance(asked, NeedsConfirmation), asked
    word = accept(asked.question, asked.question.typed)
    deleted = await invoke(Call("DeleteTenant", given, _AGENT, approval=word), services)
    assert isinstance(deleted, Completed), deleted
    return _said(await undo(Undo(deleted.call_id, _AGENT), services))


def _said(outcome: Outcome) -> Disclosure:
    assert isinstance(outcome, NeedsConfirmation), outcome
    return outcome.disclosure

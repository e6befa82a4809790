"""Every operation on applications that answers with something does so as documented."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from descope_mcp.sandbox.engine.state import State
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio


def _calls(state: State) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation of these areas that answers with something, on what the seed has."""

    def some(table: str) -> Any:
        return next(iter(state.rows[table].records.values()))

    for app in ("acme-docs", "salesforce", "intranet"):
        yield "LoadSSOApplication", {"id": app}
    yield "LoadAllSSOApplications", {}
    yield "CreateSSOOIDCApplication", {"name": "New"}
    third = {"id": some("third_party_apps")["id"]}
    yield "LoadThirdPartyApplication", third
    yield "LoadAllThirdPartyApplications", {}
    yield "CreateThirdPartyApplication", {"name": "New"}
    yield "GetThirdPartyApplicationSecret", third
    yield "RotateThirdPartyApplicationSecret", third
    yield "SearchThirdPartyApplicationConsents", {}
    yield "RegisterThirdPartyApplication", {"projectId": state.project_id}
    client = some("mcp_clients")
    which = {"id": client["id"], "mcpServerId": client["mcpServerId"]}
    yield "RegisterMcpServerClient", {**which, "projectId": state.project_id}
    yield "CreateMcpServerClient", {"mcpServerId": client["mcpServerId"], "name": "New"}
    for operation in (
        "LoadMcpServerClient",
        "UpdateMcpServerClient",
        "SearchMcpServerClients",
        "GetMcpServerClientSecret",
        "RotateMcpServerClientSecret",
    ):
        yield operation, which
    server = {"id": client["mcpServerId"], "name": "New"}
    yield "CreateMcpServer", server
    yield "UpdateMcpServer", {"server": server}
    yield "LoadMcpServer", server
    yield "LoadAllMcpServers", {}
    token = some("outbound_tokens")
    yield "LoadOutboundApps", {}
    yield "LoadOutboundApp", {"id": "weather"}
    yield "CreateOutboundApp", {"name": "New"}
    yield "CreateOutboundAppByTemplate", {"templateId": "slack"}
    yield "CreateOutboundAppByDcrPreset", {"dcrPresetId": "notion"}
    yield "UpdateOutboundApp", {"app": {"id": "weather", "name": "Renamed"}}
    yield "ListUserOutboundAppsWithValidUserToken", {"userId": token["userId"]}
    user = {"appId": token["appId"], "userId": token["userId"]}
    tenant = {"appId": token["appId"], "tenantId": "globex"}
    yield "FetchOutboundAppUserToken", user
    yield "FetchLatestOutboundAppUserToken", user
    yield "FetchOutboundAppTenantToken", tenant
    yield "FetchLatestOutboundAppTenantToken", tenant
    resource = some("resources")
    yield "LoadResource", {"id": resource["id"]}
    yield "LoadResourceByURI", {"uri": resource["uri"]}
    yield "LoadAllResources", {}
    yield "CreateResource", {"name": "New"}
    yield "UpdateResource", {"resource": resource}
    template = some("registration_templates")
    yield "LoadDynamicRegistrationTemplate", {"id": template["id"]}
    yield "LoadAllDynamicRegistrationTemplates", {}
    yield "CreateDynamicRegistrationTemplate", {"name": "New"}
    yield "UpdateDynamicRegistrationTemplate", {"template": template}
    policy = some("resource_policies")
    pair = {n: policy[n] for n in ("thirdPartyApplicationId", "resourceId")}
    yield "LoadResourcePoliciesByApp", pair
    yield "UpdateResourcePolicy", pair
    new = {**pair, "resourceId": resource["id"]}
    yield "CreateResourcePolicy", new
    yield "DeleteResourcePolicy", new
    yield "BatchCreateResourcePolicies", {"policies": [new]}
    yield "ListJwtTemplates", {}
    yield "LoadJwtTemplate", {"id": some("jwt_templates")["id"]}
    yield "CreateJwtTemplate", {"template": {"name": "New"}}
    yield "UpdateJwtTemplate", {"template": some("jwt_templates")}
    yield "ValidateJwtTemplate", {"template": {"name": ""}}
    yield "ListJwtTemplateLibrary", {}
    yield "LoadJwtTemplateLibraryEntry", {"id": "supabase"}
    yield "ApplyJwtTemplateFromLibrary", {"libraryEntryId": "supabase"}
    some_list = some("lists")
    yield "GetAllLists", {}
    yield "GetList", {"id": some_list["id"]}
    yield "GetListByName", {"name": some_list["name"]}
    yield "CreateList", {"name": "New", "type": "texts"}
    yield "UpdateList", some_list
    yield "CheckTextInList", {"id": some_list["id"], "text": "a"}


async def test_every_operation_answers(client: Client) -> None:
    for operation, arguments in _calls(client.state):
        # The client compares each answer with the contract.
        await client.call(operation, **arguments)

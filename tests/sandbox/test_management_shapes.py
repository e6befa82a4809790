"""Answers about authorization, console, flows, project and SSO have the documented fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.users.lookup import by_login_id

from .conftest import Client

pytestmark = pytest.mark.anyio

GLOBEX = {"tenantId": "globex"}
GRACE = "grace.kim@globex.example"


def _authorization(state: State) -> Iterator[tuple[str, dict[str, Any]]]:
    user_id = by_login_id(state, GRACE)["userId"]
    question = {"resource": "roadmap", "relation": "can_view", "target": user_id}
    view = {"relationDefinition": "can_view", "namespace": "doc"}
    yield "GetFGASchema", {}
    yield "LoadSchema", {}
    yield "DryRunSchema", {"dsl": "model AuthZ 1.0 type user"}
    tuples = [{**question, "resourceType": "doc", "targetType": "user"}]
    yield "Check", {"tuples": tuples, "computePaths": True}
    yield "GetFGAMappableSchema", GLOBEX
    yield "SearchFGAMappableResources", {**GLOBEX, "resourcesQueries": [{"type": "doc"}]}
    identifier = {"resourceId": "roadmap", "resourceType": "doc"}
    yield "LoadResourcesDetails", {"resourceIdentifiers": [identifier]}
    yield "CreateFGABackup", {}
    yield "ListFGABackups", {}
    yield "HasRelations", {"relationQueries": [{**view, "resource": "roadmap", "target": user_id}]}
    yield "WhoCanAccess", {**view, "resource": "roadmap"}
    yield "ResourceRelations", {"resource": "roadmap"}
    yield "TargetsRelations", {"targets": [user_id]}
    yield "WhatCanTargetAccess", {"target": user_id}
    yield "WhatCanTargetAccessWithRelation", {**view, "target": user_id}
    yield "GetModified", {}


def _console(state: State) -> Iterator[tuple[str, dict[str, Any]]]:
    descoper, key = state.export()["descopers"][0], state.export()["management_keys"][-1]
    yield "ListDescopers", {}
    yield "GetDescoper", {"id": descoper["id"]}
    yield "UpdateDescoper", {"id": descoper["id"]}
    yield "CreateDescopers", {"descopers": [{"loginId": "new@acme.example"}]}
    yield "SearchManagementKeys", {}
    yield "GetManagementKey", {"id": key["id"]}
    yield "UpdateManagementKey", {"id": key["id"], "name": "new"}
    yield "CreateManagementKey", {"name": "new", "reBac": key["reBac"]}
    yield "DeleteManagementKeys", {"ids": [key["id"]]}


def _flows(state: State) -> Iterator[tuple[str, dict[str, Any]]]:
    flow = {"flowId": "sign-up-or-in"}
    overrides = {"overrides": {"languages": {"de": {"a": "b"}}}}
    yield "ListFlows", {}
    yield "ExportFlow", flow
    yield "ListFlowTemplates", {}
    yield "ListWidgets", {}
    yield "ExportTheme", {}
    yield "RunManagementFlow", {"flowId": "offboard-user"}
    yield "RunManagementFlowAsync", {"flowId": "offboard-user"}
    yield "CompleteExternalAuthFlow", {"externalAuthReqId": "r", "loginId": GRACE}
    yield "ExportFlowLocalization", flow
    yield "ImportFlowLocalization", {**flow, **overrides}
    yield "ExportMessagingTemplateLocalization", {}
    yield "ImportMessagingLocalization", overrides


def _project_and_sso(state: State) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "ListProject", {}
    yield "CloneProject", {"name": "New"}
    yield "CloneProjectAsync", {"name": "New"}
    yield "ExportSnapshot", {}
    yield "ValidateSnapshot", {"files": {"lists/x.json": {}}}
    yield "LoadSSOSettings", GLOBEX
    yield "LoadAllSSOSettings", GLOBEX
    yield "NewSSOSettingsRequest", {**GLOBEX, "displayName": "New"}
    yield "GenerateTenantAdminLinkSSO", GLOBEX
    yield "GenerateTenantAdminLinkSSODeprecated", GLOBEX
    yield "GetTenantAdminLinkSSOForAuthenticatedUsers", GLOBEX
    yield "LoadGroups", GLOBEX
    yield "LoadMemberGroups", {**GLOBEX, "loginIds": [GRACE]}
    yield "LoadGroupMembers", {**GLOBEX, "groupId": state.export()["groups"][0]["id"]}
    ada = {"loginId": "ada.okafor@acme.example", "provider": "google"}
    yield "GetUserProviderToken", ada


@pytest.mark.parametrize("area", [_authorization, _console, _flows, _project_and_sso])
async def test_answers_have_the_documented_fields(client: Client, area: Any) -> None:
    for operation, arguments in list(area(client.state)):
        # The client checks the form of whatever comes.
        assert await client.call(operation, **arguments), operation

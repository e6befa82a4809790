"""Descope's own Python SDK manages authorization, SSO, flows, keys and the project."""

from __future__ import annotations

from typing import Any

import pytest
from anyio import to_thread
from descope import DescopeClient
from descope.exceptions import AuthException
from descope.management.common import (
    DescoperAttributes,
    DescoperCreate,
    DescoperProjectRole,
    DescoperRBAC,
    DescoperRole,
    MgmtKeyReBac,
    MgmtKeyStatus,
)
from descope.management.sso_settings import (
    RoleMapping,
    SSOOIDCSettings,
    SSOSAMLSettings,
)

from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

SCHEMA = """model AuthZ 1.0
type user
type doc
  relation owner: user
  permission see: owner
"""
OWNER = {
    "resource": "d",
    "resourceType": "doc",
    "relation": "owner",
    "target": "u",
    "targetType": "user",
}


def _authorization(management: Any) -> None:
    management.fga.save_schema(SCHEMA)
    management.fga.create_relations([OWNER])
    asked = [{**OWNER, "relation": "see"}, {**OWNER, "target": "x"}]
    assert [r["allowed"] for r in management.fga.check(asked)] == [True, False]
    assert management.authz.who_can_access("d", "see", "doc") == ["u"]
    question = {
        "resource": "d",
        "relationDefinition": "see",
        "namespace": "doc",
        "target": "u",
    }
    assert management.authz.has_relations([question])[0]["hasRelation"] is True
    preview = management.fga.save_schema_dryrun("model AuthZ 1.0 type user")
    assert preview["deletesPreview"]["types"] == ["doc"]


def _sso(management: Any) -> None:
    roles = [RoleMapping(["staff"], "Viewer")]
    saml = SSOSAMLSettings(
        idp_url="https://idp", idp_entity_id="e", idp_cert="c", role_mappings=roles
    )
    management.sso.configure_saml_settings("umbra", saml, domains=["umbra.example"])
    oidc = SSOOIDCSettings(
        name="n",
        client_id="c",
        client_secret="sandbox-secret",
        scope=["openid"],
    )
    management.sso.configure_oidc_settings("umbra", oidc)
    loaded = management.sso.load_settings("umbra")
    assert loaded["saml"]["groupsMapping"][0]["role"]["name"] == "Viewer"
    assert loaded["oidc"]["scope"] == ["openid"]
    management.sso.new_settings("umbra", "second", "Second")
    assert len(management.sso.load_all_settings("umbra")["SSOSettings"]) == 2
    management.sso.recalculate_sso_mappings("umbra")
    management.sso.delete_settings("umbra")
    assert len(management.group.load_all_groups("globex")) == 2


def _console(management: Any, project_id: str) -> None:
    made = management.management_key.create("k", MgmtKeyReBac(company_roles=["full"]))
    key_id = made["key"]["id"]
    changed = management.management_key.update(key_id, "k", "d", [], MgmtKeyStatus.INACTIVE)
    assert changed["key"]["status"] == "inactive"
    assert management.management_key.delete([key_id]) == {"total": 1}
    rights = DescoperRBAC(projects=[DescoperProjectRole([project_id], DescoperRole.ADMIN)])
    new = DescoperCreate("x@acme.example", DescoperAttributes(display_name="X"), rbac=rights)
    created = management.descoper.create([new])["descopers"][0]
    assert created["rbac"]["projects"][0]["role"] == "admin"
    management.descoper.delete(created["id"])


def _project(management: Any) -> None:
    assert management.flow.list_flows()["total"] == 2
    execution = management.flow.run_flow_async("offboard-user")
    assert management.flow.get_flow_async_result(execution["executionId"])["output"] == {}
    files = management.project.export_snapshot()["files"]
    assert management.project.validate_snapshot(files)["ok"] is True
    management.project.import_snapshot(files)
    management.project.update_tags(["live"])
    assert management.project.list_projects()["projects"][0]["tags"] == ["live"]
    management.project.delete()
    with pytest.raises(AuthException, match="E011008"):
        management.tenant.load_all()


async def test_the_sdk_manages_these_areas(client: Client) -> None:
    box = client.sandbox

    def use() -> None:
        sdk = DescopeClient(box.project_id, management_key=box.management_key, base_url=box.url)
        _authorization(sdk.mgmt)
        _sso(sdk.mgmt)
        _console(sdk.mgmt, box.project_id)
        _project(sdk.mgmt)

    await to_thread.run_sync(use)

"""The project: its name, tags, clones, snapshots, and what is left when it is deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from descope_mcp.sandbox.engine.registry import HANDLERS
from descope_mcp.sandbox.seeds import organisations
from tests.sandbox.conftest import Client

SECRETS_OF = ("connectors", "oauthProviders", "outboundApps", "externalAuth")

pytestmark = pytest.mark.anyio


async def test_name_and_tags(client: Client) -> None:
    await client.call("UpdateProjectName", name="Acme")
    await client.call("UpdateProjectTags", tags=["eu", "live"])
    (project,) = (await client.call("ListProject"))["projects"]
    assert (project["name"], project["tags"]) == ("Acme", ["eu", "live"])
    await client.call("UpdateProjectTags")
    assert (await client.call("ListProject"))["projects"][0]["tags"] == []


async def test_clones_are_listed(client: Client) -> None:
    clone = await client.call("CloneProject", name="Staging", tags=["test"])
    assert (clone["projectName"], clone["tags"]) == ("Staging", ["test"])
    process = await client.call("CloneProjectAsync", name="Other")
    done = await client.call("GetCloneProjectProcess", **process)
    assert (done["projectName"], done["error"]) == ("Other", "")
    ids = [p["id"] for p in (await client.call("ListProject"))["projects"]]
    assert ids == [client.sandbox.project_id, clone["projectId"], done["projectId"]]
    assert await client.error("GetCloneProjectProcess", 404, processId="none") == "E115007"


async def test_a_snapshot_restores_all_settings(client: Client) -> None:
    await client.call("ConfigurePasswordSettings", minLength=10)
    files = (await client.call("ExportSnapshot"))["files"]
    assert files["outboundApps/google-calendar.json"]["clientSecret"] == ""
    roles = (await client.call("LoadAllRoles"))["roles"]
    await client.call("DeleteRole", name="Viewer")
    await client.call("UpdateRole", name="Editor", newName="Author")
    await client.call("CreatePermission", name="new.permission")
    await client.call("DeleteFlows", ids=["sign-up-or-in"])
    await client.call("ImportTheme", theme={"styles": {}})
    await client.call("ConfigurePasswordSettings", minLength=20)
    await client.call("CreateFGASchema", dsl="model AuthZ 1.0 type user")
    await client.call("DeleteUserCustomAttribute", names=["plan"])
    await client.call("DeleteList", id=(await client.call("GetAllLists"))["lists"][0]["id"])
    await client.call("DeleteSSOApplication", id="salesforce")
    await client.call("UpdateSSOOIDCApplication", id="acme-docs", name="Manuals")
    partners = (await client.call("LoadAllThirdPartyApplications"))["apps"]
    first, second, *_ = partners
    await client.call("PatchThirdPartyApplication", id=first["id"], description="changed")
    await client.call("DeleteThirdPartyApplication", id=second["id"])
    await client.call("CreateMcpServer", name="Another")
    assert await client.call("ValidateSnapshot", files=files) == {
        "ok": True,
        "failures": [],
        "missingSecrets": {key: [] for key in SECRETS_OF},
    }
    assert await client.error("ExportFlow", 404, flowId="sign-up-or-in") == "E103003"
    await client.call("ImportSnapshot", files=files)
    assert (await client.call("ExportSnapshot"))["files"] == files
    assert (await client.call("GetPasswordSettings"))["minLength"] == 10

    again = (await client.call("LoadAllThirdPartyApplications"))["apps"]
    assert sorted(app["name"] for app in again) == sorted(app["name"] for app in partners)
    assert first in again, "what is there keeps its ids"

    def of_project(found: list[dict[str, Any]]) -> dict[str, list[str]]:
        return {r["name"]: r["permissionNames"] for r in found if not r["tenantId"]}

    assert of_project((await client.call("LoadAllRoles"))["roles"]) == of_project(roles)
    apps = (await client.call("LoadOutboundApps"))["apps"]
    assert all(app["clientSecret"] for app in apps if app["clientId"]), "blank secrets stay"


async def test_what_is_excluded_stays(client: Client) -> None:
    files = (await client.call("ExportSnapshot"))["files"]
    await client.call("CreatePermission", name="kept")
    await client.call("ImportTheme", theme={"styles": {"kept": {}}})
    await client.call("ImportSnapshot", files=files, excludes=["styles", "permissions"])
    assert (await client.call("ExportTheme"))["theme"]["styles"] == {"kept": {}}
    names = [p["name"] for p in (await client.call("LoadAllPermissions"))["permissions"]]
    assert "kept" in names


async def test_an_invalid_snapshot_is_explained_and_changes_nothing(client: Client) -> None:
    files = (await client.call("ExportSnapshot"))["files"]
    wrong = {
        **files,
        "roles/Odd.json": {"name": "Odd", "permissionNames": ["unknown"]},
        "weather/sun.json": {},
        "flows/x.json": "text",
        "authorization/settings.json": {"dsl": "type user"},
        "ssoApplications/odd.json": {"id": "odd", "name": "Odd", "appType": "x"},
    }
    validated = await client.call("ValidateSnapshot", files=wrong)
    assert validated["ok"] is False
    assert sorted(f.partition(":")[0] for f in validated["failures"]) == [
        "authorization/settings.json",
        "flows/x.json",
        "roles/Odd.json",
        "ssoApplications/odd.json",
        "weather/sun.json",
    ]
    assert await client.error("ImportSnapshot", 400, files=wrong) == "E113007"
    assert (await client.call("ExportSnapshot"))["files"] == files


async def test_an_import_asks_for_the_secrets_that_are_missing(client: Client) -> None:
    files = (await client.call("ExportSnapshot"))["files"]
    await client.call("DeleteOutboundApp", id="google-calendar")
    validated = await client.call("ValidateSnapshot", files=files)
    (wanted,) = validated["missingSecrets"]["outboundApps"]
    assert (validated["ok"], wanted["id"]) == (False, "google-calendar")
    assert await client.error("ImportSnapshot", 400, files=files) == "E113007"
    secrets = {"outboundApps": [{**wanted, "value": "sandbox-secret"}]}
    await client.call("ImportSnapshot", files=files, inputSecrets=secrets)
    assert (await client.call("LoadOutboundApp", id="google-calendar"))["app"]["clientSecret"]


async def test_a_deleted_project_is_not_found_any_more(client: Client) -> None:
    await client.call("DeleteProject")
    assert await client.error("LoadAllTenants", 404) == "E011008"
    assert await client.error("SearchUsers", 404) == "E011008"
    assert "users" not in client.state.export()


async def test_a_deleted_project_stays_deleted_in_its_file(tmp_path: Path) -> None:
    file = tmp_path / "state"
    with organisations.begin(organisations.acme, file) as state:
        HANDLERS["DeleteProject"](state, {})
    with organisations.begin(organisations.acme, file) as state:
        assert "projects" not in state.export()

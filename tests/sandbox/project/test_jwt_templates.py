"""JWT templates: validation, the library, and what refers to them."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio


async def test_an_invalid_template_is_not_saved(client: Client) -> None:
    wrong = {"name": "", "template": {"sub": "x", "iss": "x"}, "type": "robot"}
    checked = await client.call("ValidateJwtTemplate", template=wrong)
    assert not checked["valid"]
    fields = {issue["field"] for issue in checked["issues"]}
    assert fields == {"name", "type", "template.sub", "template.iss"}
    before = await client.call("ListJwtTemplates")
    assert await client.error("CreateJwtTemplate", 400, template=wrong) == "E112753"
    saved = {**before["templates"][0], "template": {"exp": 1}}
    assert await client.error("UpdateJwtTemplate", 400, template=saved) == "E112753"
    assert await client.call("ListJwtTemplates") == before


async def test_the_subject_may_be_overridden(client: Client) -> None:
    template = {"name": "A", "template": {"sub": "x"}, "overrideSubject": True}
    assert (await client.call("ValidateJwtTemplate", template=template))["valid"]
    made = (await client.call("CreateJwtTemplate", template=template))["template"]
    assert (made["type"], made["authSchema"]) == ("user", "default")
    assert await client.call("ValidateJwtTemplate", id=made["id"]) == {"valid": True, "issues": []}
    assert await client.error("ValidateJwtTemplate", 400) == "E011003"


async def test_a_template_comes_from_the_library(client: Client) -> None:
    entries = (await client.call("ListJwtTemplateLibrary"))["entries"]
    one = (await client.call("LoadJwtTemplateLibraryEntry", id="hasura"))["entry"]
    assert one in entries
    made = await client.call(
        "ApplyJwtTemplateFromLibrary", libraryEntryId="hasura", nameOverride="Mine"
    )
    template = made["template"]
    assert (template["name"], template["source"]) == ("Mine", "hasura")
    assert template["template"] == one["template"]
    assert (await client.call("LoadJwtTemplate", id=template["id"])) == made
    unknown = {"libraryEntryId": "unknown"}
    assert await client.error("ApplyJwtTemplateFromLibrary", 404, **unknown) == "E112752"


async def test_what_refers_to_a_template_loses_it(client: Client) -> None:
    template = (await client.call("ListJwtTemplates"))["templates"][0]["id"]
    session = {"enabled": True, "userTemplateId": template, "refreshTokenExpiration": 4}
    await client.call("CreateMcpServer", name="A", sessionSettings=session)
    resource = await client.call(
        "CreateResource", name="A", dynamicRegistrationSettings={"sessionSettings": session}
    )
    unknown = {"name": "B", "sessionSettings": {"keyTemplateId": "unknown"}}
    assert await client.error("CreateThirdPartyApplication", 404, **unknown) == "E112752"
    await client.call("DeleteJwtTemplate", id=template)
    apps = (await client.call("LoadAllThirdPartyApplications"))["apps"]
    servers = (await client.call("LoadAllMcpServers"))["servers"]
    loaded = (await client.call("LoadResource", id=resource["resource"]["id"]))["resource"]
    sessions = [record["sessionSettings"] for record in (*apps, *servers)]
    sessions.append(loaded["dynamicRegistrationSettings"]["sessionSettings"])
    assert {session["userTemplateId"] for session in sessions} == {""}
    assert sessions[-1]["refreshTokenExpiration"] == 4

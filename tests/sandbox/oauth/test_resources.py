"""OAuth resources, the policies for them, templates for clients that register themselves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio


async def reports(client: Client) -> Any:
    uri = "https://api.acme.example/reports"
    return (await client.call("LoadResourceByURI", uri=uri))["resource"]


async def partner(client: Client, name: str) -> str:
    apps = (await client.call("LoadAllThirdPartyApplications"))["apps"]
    return str(next(app["id"] for app in apps if app["name"] == name))


async def test_a_change_that_is_behind_is_refused(client: Client) -> None:
    read = await reports(client)
    first = (await client.call("UpdateResource", resource={**read, "name": "A"}))["resource"]
    assert (first["name"], first["version"]) == ("A", "2")
    stale = {"resource": {**read, "name": "B"}}
    assert await client.error("UpdateResource", 400, **stale) == "E112747"
    assert (await reports(client)) == first
    unversioned = {k: v for k, v in read.items() if k != "version"}
    assert (await client.call("UpdateResource", resource=unversioned))["resource"]["version"] == "3"


async def test_a_uri_is_taken_only_once(client: Client) -> None:
    given = {"name": "Twin", "uri": (await reports(client))["uri"]}
    assert await client.error("CreateResource", 400, **given) == "E112741"
    for _ in range(2):
        await client.call("CreateResource", name="Without")
    unknown = {"uri": "https://unknown.example"}
    assert await client.error("LoadResourceByURI", 404, **unknown) == "E112742"


async def test_there_is_one_policy_for_each_pair(client: Client) -> None:
    app, resource = await partner(client, "Chart Builder"), await reports(client)
    pair = {"thirdPartyApplicationId": app, "resourceId": resource["id"]}
    assert await client.error("CreateResourcePolicy", 400, **pair) == "E112745"
    changed = await client.call("UpdateResourcePolicy", **pair, allUserScopes=True)
    policy = changed["resourcePolicy"]
    assert (policy["userAccessScopes"], policy["allUserScopes"]) == ([], True)
    assert policy["version"] == "2"
    assert "id" not in policy
    await client.call("DeleteResourcePolicy", **pair)
    assert await client.error("UpdateResourcePolicy", 404, **pair) == "E112746"
    unknown = {**pair, "resourceId": "unknown"}
    assert await client.error("CreateResourcePolicy", 404, **unknown) == "E112742"


async def test_policies_come_and_go_all_or_none(client: Client) -> None:
    resource = (await reports(client))["id"]
    pairs = [
        {"thirdPartyApplicationId": await partner(client, name), "resourceId": resource}
        for name in ("Invoice Robot", "Chart Builder")
    ]
    app = {"thirdPartyApplicationId": pairs[0]["thirdPartyApplicationId"]}
    # The second one is there already.
    assert await client.error("BatchCreateResourcePolicies", 400, policies=pairs) == "E112745"
    assert await client.call("LoadResourcePoliciesByApp", **app) == {"resourcePolicies": []}
    await client.call("BatchCreateResourcePolicies", policies=pairs[:1])
    unknown = [*pairs, {**app, "resourceId": "unknown"}]
    assert await client.error("BatchDeleteResourcePolicies", 404, policies=unknown) == "E112746"
    await client.call("BatchDeleteResourcePolicies", policies=pairs)
    assert not client.state.rows["resource_policies"].records


async def test_policies_go_with_the_resource(client: Client) -> None:
    assert client.state.rows["resource_policies"].records
    resources = (await client.call("LoadAllResources"))["resources"]
    await client.call("DeleteResources", ids=[r["id"] for r in resources])
    assert (await client.call("LoadAllResources")) == {"resources": [], "total": 0}
    assert not client.state.rows["resource_policies"].records


async def test_resources_lose_a_template_that_is_deleted(client: Client) -> None:
    (template,) = (await client.call("LoadAllDynamicRegistrationTemplates"))["templates"]
    uses = {"dynamicRegistrationSettings": {"useTemplate": True}}
    assert await client.error("CreateResource", 400, name="A", **uses) == "E011003"
    uses["dynamicRegistrationSettings"]["dynamicRegistrationTemplateId"] = "unknown"  # type: ignore[assignment]
    assert await client.error("CreateResource", 404, name="A", **uses) == "E112744"
    await client.call("DeleteDynamicRegistrationTemplates", ids=[template["id"]])
    resources = (await client.call("LoadAllResources"))["resources"]
    settings = [r["dynamicRegistrationSettings"] for r in resources]
    assert {s["dynamicRegistrationTemplateId"] for s in settings} == {""}


async def test_a_template_has_a_version_too(client: Client) -> None:
    (read,) = (await client.call("LoadAllDynamicRegistrationTemplates"))["templates"]
    operation = "UpdateDynamicRegistrationTemplate"
    assert (await client.call(operation, template=read))["template"]["version"] == "2"
    assert await client.error(operation, 400, template=read) == "E112747"

"""Provisioning over SCIM: only what belongs to the key's tenant, in the protocol's own forms."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from descope_mcp.sandbox.scim.filter import parsed
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

GRACE = "grace.kim@globex.example"


class Scim:
    """The identity provider of one tenant."""

    def __init__(self, client: Client, key: str) -> None:
        self.http = client.http
        self.headers = {"Authorization": f"Bearer {client.sandbox.project_id}:{key}"}

    async def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.http.request(method, f"/scim/v2{path}", headers=self.headers, **more)

    async def users(self, **params: Any) -> Any:
        return (await self.send("GET", "/Users", params=params)).json()


@pytest.fixture
async def scim(client: Client) -> Scim:
    tenants = [{"tenantId": "globex"}]
    return Scim(
        client, (await client.call("CreateAccessKey", name="s", keyTenants=tenants))["cleartext"]
    )


async def test_pages_count_from_one_and_stay_in_the_tenant(client: Client, scim: Scim) -> None:
    everybody = await scim.users()
    own = await client.call("SearchUsers", tenantIds=["globex"])
    assert everybody["totalResults"] == len(own["users"]) > 2
    second = await scim.users(startIndex=2, count=1)
    assert (second["startIndex"], second["itemsPerPage"]) == (2, 1)
    assert second["Resources"] == everybody["Resources"][1:2]
    foreign = (await client.user("olga.petrova@initech.example"))["userId"]
    answer = await scim.send("GET", f"/Users/{foreign}")
    assert (answer.status_code, answer.json()["status"]) == (404, "404")


async def test_filters(scim: Scim) -> None:
    for text, total in (
        (f'userName eq "{GRACE.upper()}"', 1),
        ('name.familyName eq "nobody"', 0),
        (f'emails[type eq "work" and value eq "{GRACE}"]', 1),
        ("active eq false", 1),
        ('userName sw "grace" or userName sw "hugo"', 2),
        ('not (userName sw "grace") and userName sw "g"', 0),
    ):
        assert (await scim.users(filter=text))["totalResults"] == total, text
    wrong = await scim.send("GET", "/Users", params={"filter": "userName eq"})
    assert (wrong.status_code, wrong.json()["scimType"]) == (400, "invalidFilter")


def test_the_filter_language() -> None:
    user = {"userName": "Bjensen", "age": 3, "emails": [{"value": "b@x.example", "type": "work"}]}
    for text, passes in (
        ('username eq "bjensen"', True),
        ('userName ne "bjensen"', False),
        ('emails co "x.example"', True),
        ("emails pr and title pr", False),
        ("title pr or age ge 3", True),
        ("age gt 3", False),
        ('age eq "3"', False),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName ew "sen"', True),
        ('age lt 9 or age gt 9 and userName eq "x"', True),
        ('(age lt 9 or age gt 9) and userName eq "x"', False),
        ('userName eq "and \\"or\\""', False),
    ):
        assert parsed(text)(user) is passes, text


async def test_patching_and_replacing_a_user(client: Client, scim: Scim) -> None:
    user = await client.user(GRACE)
    path = f"/Users/{user['userId']}"
    operations = [
        {"op": "Replace", "path": "active", "value": False},
        {"op": "add", "path": 'emails[type eq "work"].value', "value": "g@globex.example"},
        {"op": "replace", "value": {"displayName": "G. Kim", "name": {"givenName": "G."}}},
    ]
    patched = (await scim.send("PATCH", path, json={"Operations": operations})).json()
    assert (patched["active"], patched["emails"][0]["value"]) == (False, "g@globex.example")
    after = await client.user(GRACE)
    assert (after["status"], after["name"], after["givenName"]) == ("disabled", "G. Kim", "G.")
    assert (after["SCIM"], after["userTenants"]) == (True, user["userTenants"])
    contract = [{"op": "replace", "path": "active", "valueBoolean": True}]
    again = (await scim.send("PATCH", path, json={"operations": contract})).json()
    assert (again["active"], again["displayName"]) == (True, "G. Kim")
    replaced = await scim.send("PUT", path, json={"userName": GRACE, "displayName": "Grace"})
    assert (replaced.json()["emails"], replaced.json()["displayName"]) == ([], "Grace")
    bad = [{"op": "replace", "path": "displayName", "value": "X"}, {"op": "add", "path": "shoe"}]
    refused = await scim.send("PATCH", path, json={"Operations": bad})
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidPath")
    assert (await client.user(GRACE))["name"] == "Grace", "nothing of a refused patch stays"
    assert (await scim.send("DELETE", path)).status_code == 200
    assert await client.error("LoadUser", 404, loginId=GRACE) == "E112102"


async def test_groups_have_users_as_members(client: Client, scim: Scim) -> None:
    grace = (await client.user(GRACE))["userId"]
    hugo = (await client.user("hugo.silva@globex.example"))["userId"]
    body = {"displayName": "Astronomy", "members": [{"value": grace}]}
    made = await scim.send("POST", "/Groups", json=body)
    assert (made.status_code, made.json()["members"][0]["display"]) == (200, "Grace Kim")
    path = f"/Groups/{made.json()['id']}"
    assert (await scim.send("POST", "/Groups", json=body)).status_code >= 400
    operations = [
        {"op": "add", "path": "members", "value": [{"value": hugo}]},
        {"op": "remove", "path": f'members[value eq "{grace}"]'},
        {"op": "replace", "path": "displayName", "value": "Astronomers"},
    ]
    patched = await scim.send("PATCH", path, json={"Operations": operations})
    assert patched.status_code == 200, patched.text
    group = (await scim.send("GET", path)).json()
    assert (group["displayName"], [m["value"] for m in group["members"]]) == ("Astronomers", [hugo])
    groups = await client.call("LoadGroups", tenantId="globex")
    (seen,) = (group for group in groups if group["id"] == made.json()["id"])
    assert (seen["display"], seen["members"][0]["userId"]) == ("Astronomers", hugo)
    found = await scim.send("GET", "/Groups", params={"filter": 'displayName eq "astronomers"'})
    assert found.json()["totalResults"] == 1
    bare = await scim.send("GET", "/Groups", params={"excludedAttributes": "members"})
    assert "members" not in bare.json()["Resources"][0]
    await client.call("DeleteUser", userId=hugo)
    assert (await scim.send("GET", path)).json()["members"] == []
    assert (await scim.send("DELETE", path)).status_code == 200
    assert (await scim.send("GET", path)).status_code == 404


async def test_it_says_what_it_supports(scim: Scim) -> None:
    config = (await scim.send("GET", "/ServiceProviderConfig")).json()
    assert (config["patch"]["supported"], config["bulk"]["supported"]) == (True, False)
    types = (await scim.send("GET", "/ResourceTypes")).json()
    assert [one["id"] for one in types["values"]] == ["User", "Group"]

"""Authorization, errors and running: what holds for every operation."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx
import pytest

from descope_mcp.catalog.build.openapi import Endpoint
from descope_mcp.sandbox.engine.registry import HANDLERS
from descope_mcp.sandbox.engine.state import AUDITS
from descope_mcp.sandbox.engine.tables import TABLES
from descope_mcp.sandbox.http.app import create_app
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ("", 401, "E011005"),
        ("Bearer {project}", 401, "E011005"),
        ("Bearer {project}:Kwrong", 401, "E011005"),
        ("Basic {project}:{key}", 401, "E011005"),
        ("Bearer Punknown:{key}", 404, "E011008"),
    ],
)
async def test_a_wrong_credential_is_refused(
    client: Client, header: str, status: int, code: str
) -> None:
    box = client.sandbox
    value = header.format(project=box.project_id, key=box.management_key)
    response = await client.send("LoadAllTenants", {"Authorization": value})
    assert (response.status_code, response.json()["errorCode"]) == (status, code)


async def test_a_management_key_may_stand_alone(client: Client) -> None:
    box = client.sandbox
    for value, status in ((box.management_key, 200), (box.management_key[:-1], 404)):
        answer = await client.send("ListProject", {"Authorization": f"Bearer {value}"})
        assert answer.status_code == status
    made = await client.call("CreateAccessKey", name="k")
    alone = {"Authorization": f"Bearer {made['cleartext']}"}
    assert (await client.send("SearchSCIMUsers", alone)).status_code == 404


async def test_an_error_has_the_four_fields(client: Client) -> None:
    body = await client.call("LoadTenant", 400)
    assert body == {
        "errorCode": "E011003",
        "errorDescription": "Request is invalid",
        "errorMessage": "The id field is required",
        "message": "The id field is required",
    }


async def test_garbage_is_refused_and_changes_nothing(client: Client) -> None:
    box, before = client.sandbox, len(client.state.all(AUDITS))
    headers = {"Authorization": f"Bearer {box.project_id}:{box.management_key}"}
    path = client.endpoints["CreateRole"].path
    for content in (b"{", b'"text"', b'{"name": ["x"]}', b'{"name":"x","permissionNames":"y"}'):
        response = await client.http.post(path, content=content, headers=headers)
        assert (response.status_code, response.json()["errorCode"]) == (400, "E011001")
    assert len(client.state.all(AUDITS)) == before
    assert (await client.http.get("/nowhere")).json()["errorCode"] == "E011404"


async def test_every_handler_has_its_route_and_every_route_a_handler(
    endpoints: dict[str, Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_roles = [e for e in endpoints.values() if e.name != "CreateRole"]
    with pytest.raises(ValueError, match="unknown operations: CreateRole"):
        create_app(without_roles, organisations.new_project())
    state = organisations.new_project()
    monkeypatch.delitem(HANDLERS, "CreateRole")
    with pytest.raises(ValueError, match="without a handler: CreateRole"):
        create_app(endpoints.values(), state)


async def test_it_is_gone_after_the_context(endpoints: dict[str, Endpoint]) -> None:
    async with running(endpoints.values(), organisations.new_project()) as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(sandbox.url)


async def test_the_same_seed_gives_the_same_organisation() -> None:
    moment = time.time()
    one, two = (organisations.acme(keys=1, clock=lambda: moment) for _ in range(2))
    assert all(one.all(table) == two.all(table) for table in TABLES.values())


@pytest.mark.parametrize("seed", organisations.SEEDS.values(), ids=organisations.SEEDS)
def test_every_sandbox_has_ids_of_its_seed_and_secrets_of_its_own(seed: Any) -> None:
    one, two = seed(), seed()
    assert (one.project_id, one.management_key_id) == (two.project_id, two.management_key_id)
    assert one.management_key != two.management_key
    # Of all that looks like a secret, ids of clients and the passwords of the demonstration.
    same = {place for place, text in _long(one.export()) & _long(two.export())}
    assert {place.rpartition(".")[2] for place in same} <= {"clientId", "password", "action"}


def _long(data: Any, place: str = "") -> set[tuple[str, str]]:
    """Every text with a word of at least 32 letters and digits, by the names that lead to it."""
    if isinstance(data, dict):
        return {one for key, value in data.items() for one in _long(value, f"{place}.{key}")}
    if isinstance(data, list):
        return {one for value in data for one in _long(value, place)}
    found = isinstance(data, str) and re.search(r"[0-9A-Za-z]{32}", data)
    return {(place, data)} if found else set()


async def test_ids_look_like_those_of_the_service(client: Client) -> None:
    assert client.sandbox.project_id.startswith("P")
    user = await client.user("ada.okafor@acme.example")
    assert (user["userId"][0], len(user["userId"]), user["userId"].isalnum()) == ("U", 28, True)
    (project,) = (await client.call("ListProject"))["projects"]
    assert (project["name"], project["id"]) == ("Acme Production", client.sandbox.project_id)


async def test_an_access_key_opens_only_what_it_is_for(client: Client) -> None:
    made = await client.call("CreateAccessKey", name="scim")
    project, key = client.sandbox.project_id, made["cleartext"]
    headers = {"Authorization": f"Bearer {project}:{key}"}
    assert (await client.send("LoadAllTenants", headers)).status_code == 401
    assert (await client.send("SearchSCIMUsers", headers)).status_code == 200
    await client.call("DeactivateAccessKey", id=made["key"]["id"])
    assert (await client.send("SearchSCIMUsers", headers)).status_code == 401
    # The management key is none of an access key's operations' business.
    assert (await client.send("SearchSCIMUsers")).status_code == 401

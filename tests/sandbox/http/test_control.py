"""The control interface: outbox, state, faults, limits, delays and the clock."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from descope_mcp.catalog.build.openapi import Endpoint
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

NEW = {"loginId": "new@acme.example"}


@pytest.fixture
async def box(anyio_backend: str, endpoints: dict[str, Endpoint]) -> AsyncIterator[Client]:
    """A sandbox of its own, with the control interface."""
    state = organisations.acme()
    seeds = {**organisations.SEEDS, "": organisations.acme}
    async with (
        running(endpoints.values(), state, seeds=seeds) as sandbox,
        httpx.AsyncClient(base_url=sandbox.url) as http,
    ):
        yield Client(http, endpoints, sandbox, state)


async def control(box: Client, method: str, path: str, body: Any = None, **query: str) -> Any:
    answer = await box.http.request(method, f"/sandbox{path}", json=body, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_outbox_is_read_and_emptied(box: Client) -> None:
    for to in ("a@x.example", "b@x.example"):
        box.state.send("email", to, "otp", {"code": "123456"})
    (message,) = (await control(box, "GET", "/outbox", to="b@x.example"))["messages"]
    assert (message["template"], message["data"]) == ("otp", {"code": "123456"})
    await control(box, "DELETE", "/outbox")
    assert (await control(box, "GET", "/outbox"))["messages"] == []


async def test_an_exported_state_comes_back_by_import(box: Client) -> None:
    exported = await control(box, "GET", "/state")
    await box.call("DeleteTenant", id="globex", cascade=True)
    await control(box, "PUT", "/state", exported)
    assert await control(box, "GET", "/state") == exported
    assert (await box.user("grace.kim@globex.example"))["userTenants"]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"nowhere": []},
        {"users": [{"name": "x"}]},
        {"sandbox": []},
        {"users": {}},
        [],
        {"tenants": [{"id": "t", "name": "t", "parent": "gone"}]},
    ],
)
async def test_an_import_that_is_wrong_changes_nothing(box: Client, wrong: Any) -> None:
    before = await control(box, "GET", "/state")
    answer = await box.http.put("/sandbox/state", json=wrong)
    assert answer.status_code in (400, 404), answer.text
    assert await control(box, "GET", "/state") == before


@pytest.mark.parametrize("ahead", ["1e400", "NaN", "-1e12", "1e15", "true", '"1"', "null"])
async def test_an_imported_clock_is_one_that_can_be_set(box: Client, ahead: str) -> None:
    before = await control(box, "GET", "/state")
    assert before["sandbox"][0]["secondsAhead"] == 0
    text = json.dumps(before).replace('"secondsAhead": 0', f'"secondsAhead": {ahead}')
    answer = await box.http.put("/sandbox/state", content=text)
    assert answer.status_code == 400, answer.text
    assert await control(box, "GET", "/state") == before


async def test_reset_begins_anew(box: Client) -> None:
    before = await control(box, "GET", "")
    await box.call("DeleteTenant", id="globex", cascade=True)
    await control(box, "POST", "/faults", {"status": 500})
    await control(box, "POST", "/clock", {"advance": 3600})
    after = await control(box, "POST", "/reset")
    assert {**after, "now": 0} == {**before, "now": 0}
    assert abs(after["now"] - time.time()) < 60
    assert (await control(box, "POST", "/reset", {"seed": "b2b"}))["records"]["users"] == 2000
    assert box.state.management_key == box.sandbox.management_key
    assert (await box.http.post("/sandbox/reset", json={"seed": "x"})).status_code == 400


async def test_a_status_is_given_as_often_as_asked(box: Client) -> None:
    fault = {"operation": "CreateUser", "status": 429, "retryAfter": 7, "times": 2}
    await control(box, "POST", "/faults", fault)
    for _ in range(2):
        answer = await box.send("CreateUser", **NEW)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
        assert answer.json()["errorCode"] == "E130429"
    await box.call("LoadAllTenants")
    assert (await box.call("CreateUser", **NEW))["created"]
    await control(box, "POST", "/faults", {"status": 522})
    answer = await box.send("LoadAllTenants")
    assert (answer.status_code, answer.headers["content-type"][:9]) == (522, "text/html")
    await control(box, "DELETE", "/faults")
    await box.call("LoadAllTenants")


@pytest.mark.parametrize("applied", [False, True])
async def test_a_dropped_call_has_no_answer_but_may_count(box: Client, applied: bool) -> None:
    fault = {"operation": "CreateUser", "drop": True, "applied": applied, "times": 1}
    await control(box, "POST", "/faults", fault)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await box.send("CreateUser", **NEW)
    await box.call("LoadUser", 200 if applied else 404, **NEW)


async def test_a_truncated_answer_ends_half_way(box: Client) -> None:
    await control(box, "POST", "/faults", {"truncate": True, "times": 1})
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        await box.send("LoadAllTenants")
    await box.call("LoadAllTenants")


async def test_latency_is_before_the_answer(box: Client) -> None:
    await control(box, "POST", "/faults", {"latency": 0.2, "times": 1})
    start = time.perf_counter()
    await box.call("LoadAllTenants")
    assert time.perf_counter() - start >= 0.2


async def test_rate_limits_are_those_of_the_documentation(box: Client) -> None:
    for _ in range(12):
        await box.call("SearchAudit")
    await control(box, "PATCH", "/conditions", {"rateLimits": True})
    for _ in range(10):
        await box.call("SearchAudit")
    refused = await box.send("SearchAudit")
    assert (refused.status_code, refused.json()["errorCode"]) == (429, "E130429")
    assert 50 <= int(refused.headers["retry-after"]) <= 60
    await box.call("LoadAllTenants")
    await control(box, "POST", "/clock", {"advance": 61})
    await box.call("SearchAudit")


async def test_searches_see_writes_late(box: Client) -> None:
    await control(box, "PATCH", "/conditions", {"searchDelay": 0.3})
    await box.call("CreateRole", name="Late")
    await box.call("UpdateRole", name="Editor", newName="Author")
    await box.call("DeleteRole", name="Owner")
    before = [role["name"] for role in (await box.call("SearchRoles"))["roles"]]
    assert before[:3] == ["Tenant Admin", "Owner", "Editor"]
    assert "Late" not in before
    assert await box.error("CreateRole", 400, name="Late") == "E024209", "which is no search"
    await asyncio.sleep(0.3)
    after = [role["name"] for role in (await box.call("SearchRoles"))["roles"]]
    assert after[:2] == ["Tenant Admin", "Author"]
    assert after[-1] == "Late"


async def test_tokens_are_in_cookies_if_that_is_set(box: Client) -> None:
    user = {"loginId": "qa@acme.example", "deliveryMethod": "email"}

    async def sign_in() -> httpx.Response:
        code = (await box.call("GenerateOTPForTestUser", **user))["code"]
        return await box.send("VerifyOtpEmail", loginId=user["loginId"], code=code)

    await control(box, "PATCH", "/conditions", {"cookies": True})
    assert (await control(box, "GET", ""))["cookies"] is True
    answer = await sign_in()
    assert (answer.json()["sessionJwt"], set(answer.cookies)) == ("", {"DS", "DSR"})
    await control(box, "PATCH", "/conditions", {"cookies": False})
    answer = await sign_in()
    assert (bool(answer.json()["sessionJwt"]), set(answer.cookies)) == (True, set())


async def test_the_clock_goes_on(box: Client) -> None:
    made = await box.call("CreateAccessKey", name="k", expireTime=int(time.time()) + 100)
    headers = {"Authorization": f"Bearer {box.sandbox.project_id}:{made['cleartext']}"}
    assert (await box.send("SearchSCIMUsers", headers)).status_code != 401
    await control(box, "POST", "/clock", {"advance": 200})
    assert (await box.send("SearchSCIMUsers", headers)).status_code == 401


@pytest.mark.parametrize(
    "header",
    [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "http://localhost"}],
)
async def test_only_this_machine_s_programs_control_it(box: Client, header: dict[str, str]) -> None:
    answer = await box.http.get("/sandbox/state", headers=header)
    assert (answer.status_code, answer.json().get("errorCode")) == (403, "E011006")


async def test_a_wrong_request_says_what_is_wrong(box: Client) -> None:
    answer = await box.http.post("/sandbox/faults", json={"status": 200})
    assert (answer.status_code, answer.json()["errorMessage"][:6]) == (400, "status")
    assert (await box.http.post("/sandbox/faults", json={"stauts": 500})).status_code == 400


async def test_without_it_there_is_no_such_path(client: Client) -> None:
    answer = await client.http.get("/sandbox/state")
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "E011404")


async def test_every_answer_has_a_ray(client: Client) -> None:
    rays = [(await client.send(name)).headers["cf-ray"] for name in ("LoadTenant", "LoadAllRoles")]
    assert all(len(ray) == 20 for ray in rays)
    assert rays[0] != rays[1]

"""The inspector's pages: they show everything but secrets, and only their own forms act."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.sandbox.engine.state import OUTBOX
from descope_mcp.sandbox.http import request_log
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.keys.tables import ACCESS_KEY_SECRETS
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.sandbox.users.tables import USERS
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

HOSTILE = '<script>alert(1)</script>"><img src=x>'


@pytest.fixture(scope="module")
async def box(anyio_backend: str, catalog: Catalog) -> AsyncIterator[Client]:
    """A sandbox with the operations' own records, and hostile texts in it."""
    state = organisations.acme()
    seeds = {**organisations.SEEDS, "": organisations.acme}
    async with (
        running(catalog.routes(), state, seeds=seeds) as sandbox,
        httpx.AsyncClient(base_url=sandbox.url, verify=False) as http,
    ):
        box = Client(http, dict(catalog), sandbox, state)  # type: ignore[arg-type]
        await box.call("CreateUser", loginId="x@acme.example", name=HOSTILE)
        state.send("email", HOSTILE, "otp", {"code": "424242", "link": "javascript:alert(1)"})
        state.send("email", "a@x.example", "magiclink", {"link": "https://app.example/?t=abc"})
        yield box


async def page(box: Client, path: str, expect: int = 200, **query: str) -> str:
    answer = await box.http.get(f"/inspect{path}", params=query)
    assert answer.status_code == expect, answer.text
    assert "script-src" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src")
    assert HOSTILE not in answer.text
    assert not re.search(r"<script|style=|\son\w+=", answer.text)
    return answer.text


async def act(
    box: Client, action: str, headers: dict[str, str] | None = None, **fields: str
) -> int:
    token = re.findall(r'name="csrf" value="([^"]+)"', await page(box, ""))[0]
    own = {"Origin": box.sandbox.url, "Sec-Fetch-Site": "same-origin"}
    answer = await box.http.post(
        f"/inspect/{action}", data={"csrf": token, **fields}, headers={**own, **(headers or {})}
    )
    return answer.status_code


async def test_records_are_shown_without_their_secrets(box: Client) -> None:
    text = await page(box, "")
    assert 'href="/inspect/records?of=users"' in text
    users = await page(box, "/records", of="users", q="x@acme")
    assert "&lt;script&gt;" in users
    (serial,) = re.findall(r"record\?of=users&amp;n=(\d+)", users)
    assert "x@acme.example" in await page(box, "/record", of="users", n=serial)
    secret = box.state.all(ACCESS_KEY_SECRETS)[0]["cleartext"]
    shown = await page(box, "/records", of="access_key_secrets")
    shown += await page(box, "/record", of="access_key_secrets", n="1")
    shown += await page(box, "/records", of="sandbox") + await page(box, "/records", of="users")
    assert "[sealed]" in shown
    assert secret not in shown
    assert box.sandbox.management_key not in shown
    assert "There are none" in await page(box, "/records", of="access_key_secrets", q=secret)
    await page(box, "/records", 404, of="nothing")
    await page(box, "/record", 404, of="users", n="99999")


async def test_codes_and_links_are_there_and_only_links_of_the_web_are_followed(
    box: Client,
) -> None:
    text = await page(box, "/outbox")
    assert '<code class="whole">424242</code>' in text
    assert '<a href="https://app.example/?t=abc" rel="noreferrer noopener"' in text
    assert 'href="javascript' not in text


async def test_requests_are_kept_with_answers_and_without_secrets(box: Client) -> None:
    made = await box.call("CreateAccessKey", name="ci")
    await box.http.get("/v1/nothing", params={"code": "246810"})
    await box.call("LoadUser", 404, loginId="nobody@acme.example")
    await box.call(
        "CreateUser", loginId="p@acme.example", password="swordfish", name="Petra", email=""
    )
    kept = (await box.http.get("/sandbox/requests")).json()["requests"]
    by_name = {one["operation"] or one["path"]: one for one in kept}
    assert by_name["CreateAccessKey"]["answer"]["cleartext"] == "[sealed]"
    assert by_name["CreateAccessKey"]["request"] == {"name": "ci"}
    assert by_name["CreateUser"]["request"]["password"] == "[sealed]"
    assert by_name["LoadUser"]["status"] == 404
    project = box.sandbox.project_id
    assert by_name["LoadUser"]["authorization"] == f"Bearer {project}:[sealed]"
    assert by_name["/v1/nothing?code=[sealed]"]["status"] == 404
    for sent, shown in (
        ("Pe4Zq9Lw2VtR7yB", "[sealed]"),
        (f"P{project[:0:-1]}", "[sealed]"),
        (f"P{project[:0:-1]}:swordfish", f"P{project[:0:-1]}:[sealed]"),
        ("Password-1:swordfish", "[sealed]:[sealed]"),
        (project, project),
    ):
        await box.http.get("/v1/nothing", headers={"Authorization": f"Bearer {sent}"})
        kept = (await box.http.get("/sandbox/requests")).json()["requests"]
        assert kept[-1]["authorization"] == f"Bearer {shown}"
    odd = {"headers": {"X-Api-Key": "hunter-2"}, "token": [424_711]}
    await box.send("CreateUser", loginId="odd@acme.example", **odd)
    kept = (await box.http.get("/sandbox/requests")).json()["requests"]
    sealed = {"headers": {"X-Api-Key": "[sealed]"}, "token": ["[sealed]"]}
    assert kept[-1]["request"] == {"loginId": "odd@acme.example", **sealed}
    everything = str(kept)
    everything += await page(box, "/requests")
    number = str(by_name["CreateAccessKey"]["number"])
    everything += await page(box, "/request", n=number)
    for secret in (made["cleartext"], box.sandbox.management_key, "swordfish", "246810"):
        assert secret not in everything
    assert "Petra" in await page(box, "/request", n=str(by_name["CreateUser"]["number"]))


async def test_what_is_kept_of_requests_is_bounded(
    box: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "MOST", 3)
    for _ in range(5):
        await box.call("LoadTenant", id="globex")
    kept = (await box.http.get("/sandbox/requests")).json()["requests"]
    assert len(kept) == 3
    await box.call("CreateUser", loginId="l@acme.example", customAttributes={"crmId": "x" * 70_000})
    monkeypatch.setattr(request_log, "BYTES", 2000)
    await box.call("LoadTenant", id="globex")
    kept = (await box.http.get("/sandbox/requests")).json()["requests"]
    assert [one["request"] for one in kept if one["operation"] == "CreateUser"] in (
        [],
        ["[more than 64 KiB, not kept]"],
    )
    assert sum(len(str(one)) for one in kept) < 10_000


async def test_forms_act_and_say_what_is_wrong(box: Client) -> None:
    before = box.state.now()
    assert await act(box, "advance", amount="2", unit="hours") == 303
    assert 7200 <= box.state.now() - before < 7300
    assert await act(box, "add-fault", operation="LoadTenant", status="503", times="1") == 303
    assert "503" in await page(box, "")
    await box.call("LoadTenant", 503, id="globex")
    assert await act(box, "set-conditions", rateLimits="on", searchDelay="3") == 303
    told = (await box.http.get("/sandbox")).json()
    assert (told["rateLimits"], told["searchDelay"], told["cookies"]) == (True, 3, False)
    assert await act(box, "add-fault", operation="X", status="7") == 400
    assert await act(box, "advance", amount="-5", unit="hours") == 400
    for far in ("1e17", "1e999", "nan", "2600000"):
        assert await act(box, "advance", amount=far, unit="days") == 400, far
        too_far = await box.http.post(
            "/sandbox/clock", content=f'{{"advance": {float(far) * 1e5}}}'
        )
        assert too_far.status_code == 400, far
    assert "goes no further than the year 9000" in (await page(box, "", 200) + too_far.text)
    assert await act(box, "reset", seed="none") == 400
    assert await act(box, "empty-outbox") == 303
    assert box.state.all(OUTBOX) == []
    assert await act(box, "forget-requests") == 303
    assert await act(box, "clear-faults") == 303
    assert await act(box, "reset", seed="empty") == 303
    assert box.state.all(USERS) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost:1"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
    ],
)
async def test_no_other_page_acts(box: Client, headers: dict[str, str]) -> None:
    before = box.state.export()["sandbox"][0]["secondsAhead"]
    assert await act(box, "advance", headers, amount="1", unit="days") == 403
    answer = await box.http.post(
        "/inspect/advance", data={"amount": "1"}, headers={"Origin": box.sandbox.url}
    )
    assert answer.status_code == 403, "without the token of the page"
    assert (await box.http.get("/inspect/advance")).status_code == 405
    assert box.state.export()["sandbox"][0]["secondsAhead"] == before


async def test_pages_are_for_this_machine_and_not_in_every_sandbox(
    box: Client, client: Client
) -> None:
    answer = await box.http.get("/inspect", headers={"Host": "evil.example"})
    assert answer.status_code == 403
    assert (await client.http.get("/inspect")).status_code == 404

"""People who sign in with an OpenID provider: who gets in, what each may, and until when."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx2
import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.console.sign_in import openid, sessions
from descope_mcp.console.sign_in.openid import OpenIdSignIn
from descope_mcp.store.store import Store
from tests.console.conftest import Opened
from tests.console.people import People, knowing, sign_in
from tests.console.requests import filed, status
from tests.console.served import Served, served, services
from tests.e2e.serving import free_port

PORT = free_port()
ORIGIN = f"http://127.0.0.1:{PORT}"


@pytest.fixture(scope="module")
def people() -> Iterator[People]:
    with knowing([f"{ORIGIN}/console/sign-in/callback"]) as provider:
        yield provider


@pytest.fixture
def console(catalog: Catalog, own: Store, people: People) -> Iterator[Served]:
    people.answers(True)
    with served(services(catalog, own), OpenIdSignIn(people.settings, own), port=PORT) as running:
        yield running


def test_an_approver_comes_straight_to_the_request(
    console: Served, opened: Opened, people: People
) -> None:
    people.give("bea", "approver")
    request = filed(console.store, caller="descope:U2zoe")
    page = opened().new_page()
    page.goto(console.path(f"requests/{request.number}"))
    sign_in(page, "bea")
    assert page.url == console.path(f"requests/{request.number}")
    # What the provider says of somebody is text.
    assert page.locator("footer b").count() == 0
    assert "Signed in as bea <b>Person</b>" in page.inner_text("footer")
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url("**/console/?done=*")
    assert status(console.store, request) == "approved"


@pytest.mark.parametrize(
    ("roles", "sees", "decides"),
    [((), False, False), (("auditor",), True, False), (("administrator",), True, True)],
)
def test_roles_say_what_somebody_may(
    console: Served,
    opened: Opened,
    people: People,
    roles: tuple[str, ...],
    sees: bool,
    decides: bool,
) -> None:
    people.give("cem", *roles)
    request = filed(console.store)
    page = opened().new_page()
    page.goto(console.path(f"requests/{request.number}"))
    sign_in(page, "cem")
    assert ("Delete the user" in page.inner_text("main")) is sees
    assert (page.get_by_role("button", name="Approve").count() == 1) is decides
    if sees and not decides:
        # The form by hand, with the token of the session.
        token = page.locator("footer [name=csrf]").get_attribute("value")
        answer = page.request.post(
            console.path(f"requests/{request.number}/answer"),
            form={"csrf": token or "", "act": "approve"},
            headers={"Origin": ORIGIN},
        )
        assert answer.status == 403
        assert status(console.store, request) == "pending"


@pytest.mark.parametrize("how", ["role taken", "person gone", "provider away"])
def test_a_role_that_was_taken_away_decides_nothing(
    console: Served, opened: Opened, people: People, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    people.give("dan", "approver")
    request = filed(console.store)
    page = opened().new_page()
    page.goto(console.path(f"requests/{request.number}"))
    sign_in(page, "dan")
    if how == "role taken":
        people.give("dan", "auditor")
    elif how == "person gone":
        people.forget("dan")
    else:
        people.answers(False)
    monkeypatch.setattr(openid, "DECIDING", 0.0)
    page.get_by_role("button", name="Approve").click()
    page.wait_for_load_state()
    assert status(console.store, request) == "pending"
    assert page.get_by_role("button", name="Approve").count() == 0


def test_a_session_is_known_to_every_replica_and_ends_in_all(
    catalog: Catalog, console: Served, opened: Opened, people: People, own: Store
) -> None:
    people.give("eve", "approver")
    page = opened().new_page()
    page.goto(console.path())
    sign_in(page, "eve")
    cookies = {one["name"]: one["value"] for one in page.context.cookies(console.path())}
    (name,) = [one for one in cookies if "mcp-session" in one]
    again = Store(own.directory, own.key_file)
    other = services(catalog, again)
    with served(other, OpenIdSignIn(people.settings, again), origin=ORIGIN) as replica:

        def seen() -> int:
            headers = {"Host": f"127.0.0.1:{PORT}", "Cookie": f"{name}={cookies[name]}"}
            return httpx2.get(replica.path(), headers=headers).status_code

        assert seen() == 200
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/signed-out")
        assert seen() == 303
    again.close()


def test_a_session_ends_by_itself(
    console: Served, opened: Opened, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.give("fay", "approver")
    page = opened().new_page()
    page.goto(console.path())
    sign_in(page, "fay")
    (cookie,) = [
        one for one in page.context.cookies(console.path()) if "mcp-session" in one["name"]
    ]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    session = sessions.find(console.store, cookie["value"])
    assert session
    assert session.ends == session.seen + sessions.IDLE
    begun = session.began
    monkeypatch.setattr(sessions, "LONGEST", 1.0)
    assert session.ends == begun + 1.0


def test_a_sign_in_belongs_to_the_browser_that_began_it(console: Served, people: People) -> None:
    people.give("gil", "approver")
    with httpx2.Client() as browser, httpx2.Client() as other:
        address = answer_of_the_provider(browser, console.path("sign-in"), "gil")
        # Somebody else's browser, led to the answer (login CSRF); then with a sign-in of its own.
        assert other.get(address).status_code == 400
        assert other.get(console.path("sign-in")).status_code == 303
        wrong = other.get(address)
        assert wrong.status_code == 400
        assert not [name for name in other.cookies if "mcp-session" in name]
        # In its own it counts, once.
        assert browser.get(address).status_code == 303
        assert [name for name in browser.cookies if "mcp-session" in name]
        assert browser.get(address).status_code == 400


def test_a_session_that_somebody_brings_along_is_not_the_one_that_begins(
    console: Served, people: People
) -> None:
    people.give("hal", "approver")
    name = f"descope-mcp-session-{PORT}"
    with httpx2.Client() as browser:
        browser.cookies.set(name, "chosen-by-somebody-else", domain="127.0.0.1", path="/console")
        browser.get(answer_of_the_provider(browser, console.path("sign-in"), "hal"))
        first = browser.cookies[name]
        assert first != "chosen-by-somebody-else"
        # Nor does the one before go on after another sign-in.
        browser.get(answer_of_the_provider(browser, console.path("sign-in"), "hal"))
        assert browser.cookies[name] != first
    assert sessions.find(console.store, first) is None


def answer_of_the_provider(browser: httpx2.Client, address: str, name: str) -> str:
    """Where the provider sends somebody back to, who signs in in this browser."""
    page = browser.get(address)
    while True:
        if page.is_redirect:
            address = str(page.url.join(page.headers["location"]))
            if "/sign-in/callback" in address:
                return address
            page = browser.get(address)
            continue
        form = re.search(r'<form[^>]*action="([^"]+)"', page.text)
        assert form, page.text
        (prompt,) = re.findall(r'name="prompt" value="(\w+)"', page.text)
        filled = {"prompt": prompt, "login": name, "password": "x"}
        page = browser.post(page.url.join(form[1]), data=filled)

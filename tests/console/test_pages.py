"""Every page: for everybody, on any screen, small, and with what others have written as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page
from sqlalchemy import update

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.store.consent import grants
from descope_mcp.store.journal import acts
from descope_mcp.store.secrets import sealed
from descope_mcp.store.store import Store
from descope_mcp.store.tables import journal
from tests.console.conftest import Opened
from tests.console.pages import enter, policy, steps, tour
from tests.console.requests import filed
from tests.console.served import Served, served, services
from tests.console.somebody import Somebody
from tests.console.stocked import LOGIN, Names, stocked
from tests.console.test_decisions import PHONE, by_keyboard
from tests.console.world import DANIEL, World, acting, question

_RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
#: Ends every kind of place that a page could put a name in, and begins what a browser would run.
_HOSTILE = (
    "</title></pre>'\"><img src=x onerror='window.hit=1'><script>window.hit=1</script>{{7*7}}"
)
_LARGEST = 50_000


@pytest.fixture
def world(catalog: Catalog, own: Store, request: pytest.FixtureRequest) -> Iterator[World]:
    words, name = getattr(request, "param", ("Ask the owners first.", "support"))
    rules = policy(catalog, words, name)
    with acting(catalog, own, rules, shadow=rules) as made:
        yield made


@pytest.fixture
def console(world: World) -> Served:
    return world.console


@pytest.mark.parametrize(
    ("scheme", "screen"), [("light", {}), ("dark", PHONE)], ids=["desktop", "phone"]
)
def test_nobody_is_kept_out(
    world: World, opened: Opened, scheme: str, screen: dict[str, object]
) -> None:
    page = enter(world.console, opened(color_scheme=scheme, bypass_csp=True, **screen))
    for name in tour(world, page):
        for folded in page.locator("details:not([open]) > summary").all():
            folded.click()
        found = Axe().run(page, options={"runOnly": _RULES})
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        # Nothing is cut off at the side.
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


@pytest.mark.parametrize("world", [(_HOSTILE, _HOSTILE)], indirect=True)
def test_what_others_have_written_is_text(world: World, opened: Opened) -> None:
    names = Names(_HOSTILE, _HOSTILE, _HOSTILE, _HOSTILE)
    page, seen = enter(world.console, opened(), _HOSTILE), set[str]()
    page.on("dialog", lambda dialog: pytest.fail(f"a page has opened {dialog.message}"))
    for name in tour(world, page, names):
        assert page.evaluate("window.hit") is None, name
        assert page.locator("img:not(header img), main script").count() == 0, name
        assert page.title().endswith("descope-mcp"), name
        if "onerror" in page.inner_text("main"):
            seen.add(name)
            # The author of a policy is not somebody whom an agent has heard of.
            foreign = page.locator("main .foreign", has_text="onerror").count()
            assert foreign or name == "policy", name
        assert "{{7*7}}" in page.inner_text("footer"), name
    # Whatever shows a name has shown this one.
    assert seen >= {"requests", "request", "declined", "grants", "grant", "journal", "entry"}
    assert seen >= {"secrets", "secret", "shadow", "policy", "undo"}


#: Small words that are English and not German.
_ENGLISH = re.compile(r"\b(the|is|of|and|to|with|who|by|are|for|not|from|this|that|you)\b", re.I)
#: What a page says in its own language.
_OWN_WORDS = """() => {
  const main = document.querySelector("main").cloneNode(true);
  const others = "[lang=en], .foreign, code, pre, input, textarea, time";
  for (const one of main.querySelectorAll(others)) one.remove();
  return main.textContent;
}"""


@pytest.mark.parametrize("world", [("Erst fragen.", "support")], indirect=True)
def test_what_is_english_says_so_to_a_screen_reader(world: World, opened: Opened) -> None:
    page = enter(world.console, opened(locale="de-DE"))
    for name in tour(world, page):
        assert page.locator("html").get_attribute("lang") == "de"
        said = page.evaluate(_OWN_WORDS)
        assert not _ENGLISH.search(said), (name, said)
        if name in ("request", "undo", "policy", "explain"):
            assert page.locator("main [lang=en]").count() > 1, name


def test_pages_are_small(catalog: Catalog, own: Store) -> None:
    rules = policy(catalog, _HOSTILE, _HOSTILE, times=300)
    given = replace(services(catalog, own), policy=rules, shadow=rules)
    pages = stocked(own)
    for number in range(90):
        filed(own, typed=f"somebody-{number}")
        acts.record(own, "declined", by=f"somebody-{number}@acme.example", way="form")
        grants.create(
            own,
            project="P2abc",
            operation="DeleteUser",
            arguments={"loginId": f"somebody-{number}@acme.example"},
            items=1,
            seconds=60.0,
        )
    with served(given) as console:
        admin = Somebody(console, "administrator", "approver")
        shared = sum(len(admin.get(name).content) for name in ("console.css", "console.js"))
        for one in pages:
            answer = admin.get(one.path) if one.form is None else admin.post(one.path, one.form)
            assert len(answer.content) + shared < _LARGEST, one.name
        assert "more: <code>descope-mcp policy check" in admin.get("policy").text
        # All that waits is reached, and nothing twice.
        found: list[str] = []
        address: str | None = ""
        while address is not None:
            page = admin.get(address).text.partition('id="answered"')[0]
            found += re.findall(r'requests/(\d+)"', page)
            onward = re.search(r'"/console/(\?older=\d+)"', page)
            address = onward[1] if onward else None
        assert len(found) == len(set(found)) == 91


@pytest.mark.parametrize("world", [(_HOSTILE, _HOSTILE)], indirect=True)
def test_pages_of_undoing_are_small(world: World) -> None:
    console, names = world.console, Names(_HOSTILE, _HOSTILE, _HOSTILE, _HOSTILE)
    admin = Somebody(console, "administrator", "approver")
    shared = sum(len(admin.get(name).content) for name in ("console.css", "console.js"))
    world.call("PatchUser", {**DANIEL, "name": _HOSTILE, "givenName": _HOSTILE})
    for whole in (world.call("DeleteUser", DANIEL), world.plan(steps(names, 10))):
        asked = admin.post(f"journal/{whole}/undo")
        assert asked.status_code == 200
        form = {"question": question(asked), "act": "approve", "typed": ""}
        undone = admin.post(f"journal/{whole}/undo/answer", form)
        again = admin.post(f"journal/{whole}/undo")
        assert (undone.status_code, again.status_code) == (200, 409)
        sizes = [len(page.content) + shared for page in (asked, undone, again)]
        assert max(sizes) < _LARGEST, sizes
    with console.store.begin() as connection:
        connection.execute(update(journal).values(caller=_HOSTILE))
    broken = admin.get("journal/chain")
    assert "The store is not as this program left it." in broken.text
    assert len(broken.content) + shared < _LARGEST


def test_a_grant_is_given_and_ended_by_keyboard(console: Served, opened: Opened) -> None:
    (path,) = (one.path for one in stocked(console.store) if one.name == "grant-new")
    page = enter(console, opened())
    page.goto(console.path(path))
    _typed(page, "loginId", "ben@acme.example")
    by_keyboard(page, "Allow")
    page.wait_for_url("**/grants/2?done=granted")
    made = grants.listed(console.store)[0]
    assert made.arguments == {"loginId": "ben@acme.example"}
    by_keyboard(page, "End this grant")
    page.wait_for_url("**/grants/2?done=ended")
    assert grants.listed(console.store)[0].revoked


@pytest.mark.parametrize("script", [True, False], ids=["script", "without script"])
def test_a_secret_is_seen_by_touch(console: Served, opened: Opened, script: bool) -> None:
    stocked(console.store)
    page = enter(console, opened(**PHONE, java_script_enabled=script))
    page.goto(console.path())
    page.get_by_role("link", name="Secrets").tap()
    page.get_by_role("link", name="CreateAccessKey").first.tap()
    page.get_by_role("button", name="Show it once").tap()
    shown = page.locator("main pre").inner_text()
    assert shown in ("one", "two")
    page.go_back()
    assert page.locator("main pre").count() == 0
    # The browser has kept nothing, and would have to send the form again.
    with pytest.raises(Error, match="ERR_CACHE_MISS"):
        page.go_forward()
    assert sum(one.revealed is not None for one in sealed.kept(console.store)) == 1


def test_a_search_is_not_lost_to_news(console: Served, opened: Opened) -> None:
    stocked(console.store)
    page = enter(console, opened())
    page.goto(console.path("journal"))
    page.get_by_text("Search", exact=True).first.click()
    page.get_by_label("Target has in it").fill(LOGIN)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator(".cards > li").count() == 1
    acts.record(console.store, "declined", by="bea", way="form")
    page.wait_for_timeout(500)
    assert page.locator(".cards > li").count() == 1


def _typed(page: Page, label: str, text: str) -> None:
    page.get_by_label(label).focus()
    page.keyboard.press("Control+A")
    page.keyboard.type(text)

"""Pages for everybody: no violation that axe-core finds, both languages, any screen."""

from __future__ import annotations

import string
import tomllib
from importlib import resources

import pytest
from axe_playwright_python.sync_playwright import Axe

from descope_mcp.console import texts
from tests.console.conftest import Opened
from tests.console.requests import filed
from tests.console.served import Served
from tests.console.test_decisions import PHONE, signed_in


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [{}, PHONE], ids=["desktop", "phone"])
def test_nobody_is_kept_out(
    console: Served, opened: Opened, scheme: str, screen: dict[str, object]
) -> None:
    request = filed(console.store, typed="Globex")
    page = opened(color_scheme=scheme, bypass_csp=True, **screen).new_page()
    pages = [console.link, "", f"requests/{request.number}", "nothing", "signed-out"]
    for path in pages:
        page.goto(path if path.startswith("http") else console.path(path))
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
        assert found.violations_count == 0, found.generate_report()
        # Nothing is cut off at the side.
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if path == console.link:
            page.get_by_role("button", name="Sign in").click()


def test_pages_speak_the_language_of_the_reader(console: Served, opened: Opened) -> None:
    filed(console.store)
    page = opened(locale="de-DE").new_page()
    page.goto(console.link)
    page.get_by_role("button", name="Anmelden").click()
    page.get_by_role("link", name="Delete the user").click()
    assert page.get_attribute("html", "lang") == "de"
    assert page.get_by_role("button", name="Freigeben").count() == 1


def test_times_are_in_the_zone_of_the_reader_beside_utc(console: Served, opened: Opened) -> None:
    filed(console.store)
    page = signed_in(console, opened, timezone_id="Asia/Tokyo", locale="en-GB")
    time = page.locator("time").first
    shown, utc = time.inner_text(), (time.get_attribute("datetime") or "")[11:16]
    tokyo = f"{(int(utc[:2]) + 9) % 24:02}:{utc[3:]}"
    assert tokyo in shown
    assert f"{utc} UTC" in shown


def test_both_languages_say_the_same_things() -> None:
    file = resources.files("descope_mcp.console").joinpath("texts.toml")
    said = tomllib.loads(file.read_text(encoding="utf-8"))
    assert set(said) == set(texts.LANGUAGES)
    first, *others = said.values()
    for other in others:
        assert set(other) == set(first)
        for name in first:
            assert _places(other[name]) == _places(first[name]), name


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("", "en"), ("de", "de"), ("fr, de;q=0.5", "de"), ("en;q=0.2, de-AT", "de"), ("de;q=0", "en")],
)
def test_the_language_is_the_best_that_there_is(accepted: str, language: str) -> None:
    assert texts.chosen(accepted).language == language


def _places(text: str) -> set[str | None]:
    return {place for _, place, _, _ in string.Formatter().parse(text) if place}

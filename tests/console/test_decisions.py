"""Requests answered in a browser: by mouse, by keyboard, by touch, and without a script."""

from __future__ import annotations

import json
from collections.abc import Callable

import pyotp
import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from descope_mcp.store.consent import approvals, second_factor
from descope_mcp.store.store import Store
from descope_mcp.store.tables import journal
from tests.console.conftest import Opened
from tests.console.requests import SAID, filed, status
from tests.console.served import Served

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def signed_in(console: Served, opened: Opened, **options: object) -> Page:
    page = opened(**options).new_page()
    page.goto(console.link)
    page.get_by_role("button", name="Sign in").click()
    return page


def acts(store: Store) -> list[tuple[str, str, str]]:
    """What people did, by the journal, oldest first."""
    with store.begin() as connection:
        rows = connection.execute(select(journal).order_by(journal.c.seq)).all()
    return [(row.kind, row.caller, json.loads(row.body)["consent"]) for row in rows]


def by_mouse(page: Page, button: str) -> None:
    page.get_by_role("button", name=button).click()


def by_touch(page: Page, button: str) -> None:
    page.get_by_role("button", name=button).tap()


def by_keyboard(page: Page, button: str) -> None:
    """Tab until the button has the focus, then Enter."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == button:
            page.keyboard.press("Enter")
            page.wait_for_load_state()
            return
    pytest.fail(f"the keyboard does not reach {button}")


@pytest.mark.parametrize(
    ("act", "options"),
    [
        (by_mouse, {}),
        (by_touch, PHONE),
        (by_keyboard, {}),
        (by_mouse, {"java_script_enabled": False}),
    ],
    ids=["mouse", "touch", "keyboard", "without script"],
)
def test_every_answer_counts(
    console: Served,
    opened: Opened,
    act: Callable[[Page, str], None],
    options: dict[str, object],
) -> None:
    yes, no, back = (filed(console.store, operation=f"Op{n}") for n in range(3))
    page = signed_in(console, opened, **options)
    for request, buttons, becomes in (
        (yes, ["Approve"], "approved"),
        (no, ["Deny"], "denied"),
        (back, ["Approve", "Revoke"], "revoked"),
    ):
        for button in buttons:
            page.goto(console.path(f"requests/{request.number}"))
            if button != "Approve":
                page.get_by_label("Reason").fill("use a softer way")
            if act is by_keyboard:
                page.locator("h1").focus()
            act(page, button)
            page.wait_for_url("**/console/?done=*")
        assert status(console.store, request) == becomes
    denied = approvals.request(console.store, no.number)
    assert denied
    assert denied.reason == "use a softer way"
    assert acts(console.store) == [
        ("approved", "ada", "console"),
        ("denied", "ada", "console"),
        ("approved", "ada", "console"),
        ("revoked", "ada", "console"),
    ]


def test_from_the_link_to_a_yes_are_three_taps(console: Served, opened: Opened) -> None:
    request = filed(console.store)
    page = opened(**PHONE).new_page()
    page.goto(console.link)
    page.get_by_role("button", name="Sign in").tap()
    page.get_by_role("link", name="Delete the user").tap()
    page.get_by_role("button", name="Approve").tap()
    page.wait_for_url("**/console/?done=*")
    assert status(console.store, request) == "approved"


def test_after_an_answer_comes_the_next_of_its_group(console: Served, opened: Opened) -> None:
    first, other, second = (
        filed(console.store),
        filed(console.store, operation="DeleteTenant"),
        filed(console.store),
    )
    page = signed_in(console, opened)
    page.goto(console.path(f"requests/{first.number}"))
    by_keyboard(page, "Approve")
    page.wait_for_url(f"**/requests/{second.number}?done={first.number}")
    # Enter, once more, approves nothing that nobody has read.
    page.keyboard.press("Enter")
    assert status(console.store, second) == "pending"
    by_keyboard(page, "Approve")
    page.wait_for_url("**/console/?done=*")
    assert [status(console.store, one) for one in (first, second, other)] == [
        "approved",
        "approved",
        "pending",
    ]


def test_a_reason_and_enter_is_no_yes(console: Served, opened: Opened) -> None:
    request = filed(console.store)
    page = signed_in(console, opened)
    page.goto(console.path(f"requests/{request.number}"))
    page.get_by_label("Reason").fill("no")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/?done=*")
    assert status(console.store, request) == "denied"


def test_the_name_is_typed_and_the_digits_are_given(console: Served, opened: Opened) -> None:
    secret = second_factor.new_secret()
    codes = second_factor.confirm(console.store, secret, pyotp.TOTP(secret).now())
    assert codes
    request = filed(console.store, typed="Globex")
    page = signed_in(console, opened)
    page.goto(console.path(f"requests/{request.number}"))
    for typed, code, said in (
        ("globex", codes[0], "That is not the name"),
        ("Globex", "000000", "The code is wrong"),
    ):
        page.get_by_label("Type Globex").fill(typed)
        page.get_by_label("Six digits").fill(code)
        by_mouse(page, "Approve")
        assert said in page.get_by_role("alert").inner_text()
        assert status(console.store, request) == "pending"
    # The wrong name has not used the code up.
    page.get_by_label("Six digits").fill(codes[0])
    by_mouse(page, "Approve")
    page.wait_for_url("**/console/?done=*")
    assert status(console.store, request) == "approved"


def test_an_open_page_hears_of_others(console: Served, opened: Opened) -> None:
    page = signed_in(console, opened)
    assert "Nothing waits" in page.inner_text("main")
    page.wait_for_timeout(300)
    request = filed(console.store)
    page.get_by_role("link", name="Delete the user").wait_for()
    page.goto(console.path(f"requests/{request.number}"))
    page.wait_for_timeout(300)
    assert approvals.answer(console.store, request.number, approved=False)
    page.get_by_role("button", name="Approve").wait_for(state="detached")
    assert "denied" in page.inner_text("main")


def test_all_that_a_person_has_to_know_is_there(console: Served, opened: Opened) -> None:
    request = filed(console.store)
    page = signed_in(console, opened)
    page.goto(console.path(f"requests/{request.number}"))
    text = page.inner_text("main")
    for told in (
        SAID.consequence,
        SAID.lost,
        SAID.warnings[0],
        "Cannot be undone",
        '"evil.example" (new here)',
        '"user19@acme.example"',
        "and 3 more",
        '"Ada" becomes "Eve"',
        "descope:U2bea",
        "Claude",
        "(production)",
    ):
        assert told in text
    assert text.index("user.write") < text.index("user19")
    assert page.locator("details").last.get_attribute("open") is None
    assert "role 1: gains x" in (page.text_content("main") or "")

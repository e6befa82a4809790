"""Ways to have something approved that nobody approved, all of which must fail."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from sqlalchemy import select

from descope_mcp.console.sign_in.people import Role
from descope_mcp.guard.question.question_data import Difference, Group, Member, Project
from descope_mcp.store import tickets
from descope_mcp.store.store import Store
from descope_mcp.store.tables import journal
from tests.console.conftest import Opened
from tests.console.requests import filed, status
from tests.console.served import Served
from tests.console.somebody import Somebody
from tests.console.test_decisions import signed_in

pytestmark = pytest.mark.attacks
#: Those of whoever signs in by a link.
ROLES: tuple[Role, ...] = ("approver", "administrator")

SCRIPT = "\"><script>window.hit=1</script><img src=x onerror=window.hit=1>'{{7*7}}"


def test_foreign_text_is_text(console: Served, opened: Opened) -> None:
    """In whatever field of a question it stands, and in what a person typed themselves."""
    request = filed(
        console.store,
        consequence=f"Delete {SCRIPT}",
        title=SCRIPT,
        operation=SCRIPT[:60],
        caller=SCRIPT,
        agent=SCRIPT,
        rule=SCRIPT,
        typed=SCRIPT,
        lost=SCRIPT,
        softer=SCRIPT,
        because=(SCRIPT,),
        warnings=(SCRIPT,),
        leads_to=(SCRIPT,),
        project=Project(SCRIPT, SCRIPT, production=True),
        hits=(Group(SCRIPT, (Member(SCRIPT, SCRIPT, (SCRIPT,)),)),),
        changes=(Difference(SCRIPT, SCRIPT, lines=(SCRIPT,)),),
    )
    page = signed_in(console, opened)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for path in ("", f"requests/{request.number}"):
        page.goto(console.path(path))
        assert page.evaluate("window.hit") is None
        assert page.locator("main script, main img").count() == 0
        assert SCRIPT in page.inner_text("main")
    page.get_by_label("Reason").fill(SCRIPT)
    page.get_by_role("button", name="Approve").click()
    assert page.evaluate("window.hit") is None
    page.get_by_label("Reason").fill(SCRIPT)
    page.get_by_role("button", name="Deny").click()
    page.goto(console.path(f"requests/{request.number}"))
    assert SCRIPT in page.inner_text("main")
    assert page.evaluate("window.hit") is None
    assert not [one for one in said if "Content Security Policy" in one]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_another_page_does_nothing(console: Served, headers: dict[str, str]) -> None:
    """Even one that knows the token."""
    request, ada = filed(console.store), Somebody(console, *ROLES)
    where = f"requests/{request.number}/answer"
    assert ada.post(where, {"act": "approve"}, headers=headers).status_code == 403
    assert status(console.store, request) == "pending"


@pytest.mark.parametrize("token", ["", "x", "of another session"])
def test_a_form_without_the_token_of_the_session_does_nothing(console: Served, token: str) -> None:
    request, ada = filed(console.store), Somebody(console, *ROLES)
    given = Somebody(console, *ROLES).session.csrf if token == "of another session" else token
    form = {"act": "approve", **({"csrf": given} if given else {})}
    answer = ada.post(f"requests/{request.number}/answer", form, token=False)
    assert answer.status_code == 403
    assert status(console.store, request) == "pending"


def test_a_form_of_no_fields_has_no_token_either(console: Served) -> None:
    ada = Somebody(console, *ROLES)
    kind = {"Origin": console.origin, "Content-Type": "application/x-www-form-urlencoded"}
    assert ada.http.post(console.path("sign-out"), content=b"", headers=kind).status_code == 403
    assert ada.get("").status_code == 200


def test_nothing_is_done_by_a_link(console: Served) -> None:
    request, ada = filed(console.store), Somebody(console, *ROLES)
    answer = ada.get(f"requests/{request.number}/answer?act=approve&csrf={ada.session.csrf}")
    assert answer.status_code in (404, 405)
    assert status(console.store, request) == "pending"


def test_every_page_says_what_it_may_load_and_that_nobody_frames_it(console: Served) -> None:
    request, ada = filed(console.store), Somebody(console, *ROLES)
    for path in ("", f"requests/{request.number}", "nothing", "console.css", "signed-out", "link"):
        answer = ada.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"].startswith("no-store")
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-frame-options"] == "DENY"
        assert len(answer.content) < 50_000
        assert not re.search(r"<[^>]+ (style|on\w+)=|<script>|<style", answer.text)


def test_what_is_the_same_for_everybody_is_kept_as_long_as_it_is(console: Served) -> None:
    ada = Somebody(console, *ROLES)
    found = re.findall(r'(?:href|src)="/console/([^"]+\?[^"]+)"', ada.get("").text)
    assert {name.partition("?")[0] for name in found} == {"console.css", "console.js", "icon.svg"}
    for address in found:
        assert "immutable" in ada.get(address).headers["cache-control"]
        for other in (address.partition("?")[0], f"{address}0"):
            assert ada.get(other).headers["cache-control"].startswith("no-store")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1"])
def test_another_name_for_this_machine_is_not_served(console: Served, host: str) -> None:
    assert Somebody(console, *ROLES).get("", Host=host).status_code == 421


def test_a_link_counts_once_and_only_as_a_link(console: Served) -> None:
    ada = Somebody(console, *ROLES)
    secret = console.link.partition("?s=")[2]
    # Looking at it uses nothing up: mail programs and browsers do.
    assert ada.get(f"link?s={secret}").status_code == 200
    entered = [ada.post("link", {"s": secret}, token=False).status_code for _ in range(2)]
    assert entered == [303, 403]
    other = console.link.partition("?s=")[2]
    ada.http.cookies.clear()
    name = f"descope-mcp-session-{console.origin.rpartition(':')[2]}"
    assert ada.get("", Cookie=f"{name}={other}").status_code == 401
    assert ada.post("link", {"s": "x" * 43}, token=False).status_code == 403


def test_whoever_writes_the_database_signs_nobody_in(console: Served, own: Store) -> None:
    """A ticket of another kind, or of another secret, put in the place of a session."""
    mine = tickets.issue(own, "link", {"csrf": "x"}, 9e9)
    session = tickets.issue(own, "session", {"csrf": "x"}, 9e9)
    assert tickets.find(own, "session", mine) is None
    with own.begin() as connection:
        connection.exec_driver_sql(
            "update tickets set content = (select max(content) from tickets), expires = 9e9"
        )
    found = [tickets.find(own, "session", secret) for secret in (mine, session)]
    assert found.count(None) >= 1
    assert tickets.find(own, "session", mine) is None


def test_a_decision_that_is_sent_again_decides_nothing(console: Served) -> None:
    request, ada = filed(console.store), Somebody(console, *ROLES)
    assert ada.answer(request.number, "approve").status_code == 303
    assert ada.answer(request.number, "revoke").status_code == 303
    for act in ("approve", "deny", "revoke"):
        again = ada.answer(request.number, act)
        assert again.status_code == 409
        assert "Your answer does not count" in again.text
    assert status(console.store, request) == "revoked"
    assert acts(console.store) == Counter(approved=1, revoked=1)


def test_what_is_no_form_is_refused(console: Served) -> None:
    request, ada = filed(console.store), Somebody(console, *ROLES)
    where = console.path(f"requests/{request.number}/answer")
    headers = {"Origin": console.origin, "Content-Type": "application/x-www-form-urlencoded"}
    token = f"csrf={ada.session.csrf}&act=approve"
    for body in (f"{token}&act=deny", f"{token}&reason={'x' * 40_000}", f"{token}&a=%ff", "\xff"):
        assert ada.http.post(
            where, content=body.encode("latin-1"), headers=headers
        ).status_code in (
            400,
            403,
        )
    json = {**headers, "Content-Type": "application/json"}
    assert ada.http.post(where, content=b"{}", headers=json).status_code == 400
    assert ada.answer(request.number, "burn").status_code == 400
    assert status(console.store, request) == "pending"


def acts(store: Store) -> Counter[str]:
    """How often what was done, by the journal."""
    with store.begin() as connection:
        return Counter(connection.execute(select(journal.c.kind)).scalars())

"""Calls allowed ahead in a browser: no further, and by no others, than in a terminal."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest

from descope_mcp.guard.question.question_data import Fact
from descope_mcp.store.consent import grants, second_factor
from descope_mcp.store.consent.grants import Grant
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.store import Store
from tests.console.requests import filed
from tests.console.served import Served
from tests.console.somebody import Somebody

LOGIN = (Fact("loginId", "ada@acme.example"),)
FORM = {"p0": "ada@acme.example", "items": "3", "hours": "2", "caller": "descope:U2bea"}


def offered(console: Served, **changes: Any) -> str:
    """Where the form is of a grant from a new request."""
    return f"requests/{filed(console.store, patterns=LOGIN, **changes).number}/grant"


def only(store: Store) -> Grant:
    (found,) = grants.listed(store)
    return found


def test_a_grant_is_made_from_a_request_narrowed_and_ended(console: Served) -> None:
    admin, path = Somebody(console, "administrator"), offered(console)
    page = admin.get(path).text
    # It begins as one for this call alone, by this caller alone.
    for value in ("ada@acme.example", "descope:U2bea"):
        assert f'value="{value}"' in page
    assert admin.post(path, **{**FORM, "p0": "*@acme.example"}).status_code == 303
    made = only(console.store)
    assert made.arguments == {"loginId": "*@acme.example"}
    assert (made.operation, made.items, made.caller) == ("DeleteUser", 3, "descope:U2bea")
    assert made.expires - made.created == pytest.approx(7200)
    assert "*@acme.example" in admin.get("grants/1").text
    less = {"p0": "ben@acme.example", "items": "2", "hours": "1"}
    for more in ({"items": "4"}, {"items": "0"}, {"p0": "*"}, {"p0": "eve@evil.example"}):
        assert admin.post("grants/1/narrow", **{**less, **more}).status_code == 409
        assert only(console.store) == made
    approver = Somebody(console, "approver", name="cem")
    assert approver.post("grants/1/narrow", **less).status_code == 303
    narrowed = only(console.store)
    assert (narrowed.left, narrowed.arguments) == (2, {"loginId": "ben@acme.example"})
    assert narrowed.expires < made.expires
    assert approver.post("grants/1/end").status_code == 303
    assert approver.post("grants/1/end").status_code == 409
    assert only(console.store).revoked
    did = [
        (e.result, e.caller, e.consent, e.reason) for e in journal.entries(console.store, acts=True)
    ]
    assert did[::-1] == [
        ("granted", "bea", "console", "grant 1"),
        ("narrowed", "cem", "console", "grant 1"),
        ("revoked", "cem", "console", "grant 1"),
    ]


@pytest.mark.parametrize(
    "form",
    [
        {"items": "0"},
        {"items": "1001"},
        {"items": "-1"},
        {"items": "many"},
        {"hours": "0"},
        {"hours": "721"},
        {"p0": "*"},
        {"p0": "*", "typed": "DeleteUsers"},
    ],
)
def test_what_reaches_too_far_is_not_granted(console: Served, form: dict[str, str]) -> None:
    admin = Somebody(console, "administrator")
    answer = admin.post(offered(console), **{**FORM, **form})
    assert answer.status_code == 409
    assert 'role="alert"' in answer.text
    assert grants.listed(console.store) == []


def test_what_leaves_nothing_out_is_typed(console: Served) -> None:
    admin, path = Somebody(console, "administrator"), offered(console)
    asked = admin.post(path, **{**FORM, "p0": "*"})
    assert "leaves none out: loginId" in asked.text
    assert admin.post(path, **{**FORM, "p0": "*", "typed": "DeleteUser"}).status_code == 303


def test_administrators_alone_give_and_none_to_an_agent_of_their_own(console: Served) -> None:
    path = offered(console)
    for role in ("auditor", "approver"):
        one = Somebody(console, role)
        assert one.get(path).status_code == one.post(path, **FORM).status_code == 403
        assert path not in one.get(path.removesuffix("/grant")).text
    own = Somebody(console, "administrator", subject="U2bea")
    assert own.post(path, **FORM).status_code == 409
    assert grants.listed(console.store) == []
    other = Somebody(console, "administrator", subject="U2cem")
    assert other.post(path, **FORM).status_code == 303
    auditor = Somebody(console, "auditor")
    assert "DeleteUser" in auditor.get("grants").text
    assert auditor.post("grants/1/end").status_code == 403
    assert only(console.store).usable


def test_calls_that_nobody_may_allow_ahead_have_no_form(console: Served) -> None:
    request = filed(console.store)
    admin, path = Somebody(console, "administrator"), f"requests/{request.number}/grant"
    assert "cannot be allowed ahead" in admin.get(path).text
    assert admin.post(path, **FORM).status_code == 409
    blocked = offered(console, operation="DeleteProject")
    assert admin.post(blocked, **FORM).status_code == 409
    assert grants.listed(console.store) == []


def test_the_second_factor_is_used(console: Served) -> None:
    secret = second_factor.new_secret()
    codes = second_factor.confirm(console.store, secret, pyotp.TOTP(secret).now())
    assert codes
    admin, path = Somebody(console, "administrator"), offered(console)
    assert admin.post(path, **FORM).status_code == 409
    assert admin.post(path, **FORM, code=codes[0]).status_code == 303
    assert admin.post(path, **FORM, code=codes[0]).status_code == 409

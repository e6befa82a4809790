"""A sealed secret in a browser: once, to whom it is for, and nowhere else."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest

from descope_mcp.store.consent import second_factor
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.secrets import sealed
from descope_mcp.store.secrets.handle import Owner, Secret, handle
from descope_mcp.store.store import Store
from tests.console.served import Served
from tests.console.somebody import Somebody

VALUE = "hunter2-<b>canary</b>"
SHOWN = "hunter2-&lt;b&gt;canary&lt;/b&gt;"


def keep(store: Store, value: str = VALUE) -> str:
    owner = Owner("P2abc", "agent")
    name = handle(store.key, owner, "", value)
    sealed.keep(store, owner, {name: Secret("CreateAccessKey", "cleartext", "key", value, True)})
    return name.removeprefix("[sealed:").removesuffix("]")


def test_it_is_shown_once_and_nowhere_else(
    console: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    one, admin = keep(console.store), Somebody(console, "administrator")
    for path in ("secrets", f"secrets/{one}", "journal"):
        assert "hunter2" not in admin.get(path).text
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: admin.post(f"secrets/{one}/reveal"), range(4)))
    seen = [answer for answer in answers if SHOWN in answer.text]
    assert len(seen) == 1
    assert "no-store" in seen[0].headers["cache-control"]
    assert {answer.status_code for answer in answers if answer not in seen} == {404}
    assert admin.get(f"secrets/{one}").status_code == 404
    assert "revealed" in admin.get("secrets").text
    acts = [e for e in journal.entries(console.store, acts=True) if e.result == "revealed"]
    assert {(e.caller, e.consent, e.reason) for e in acts} == {
        ("bea", "console", f"[sealed:{one}]")
    }
    assert "hunter2" not in caplog.text


def test_only_administrators_come_near(console: Served) -> None:
    one = keep(console.store)
    for role in ("auditor", "approver"):
        other = Somebody(console, role)
        assert "/secrets" not in other.get("").text
        for answer in (
            other.get("secrets"),
            other.get(f"secrets/{one}"),
            other.post(f"secrets/{one}/reveal"),
            other.post(f"secrets/{one}/forget"),
        ):
            assert answer.status_code == 403
    (kept,) = sealed.kept(console.store)
    assert kept.revealed is None
    assert journal.entries(console.store, acts=True) == []


def test_the_second_factor_is_asked_for(console: Served) -> None:
    secret = second_factor.new_secret()
    codes = second_factor.confirm(console.store, secret, pyotp.TOTP(secret).now())
    assert codes
    one, admin = keep(console.store), Somebody(console, "administrator")
    for code in ("", "000000"):
        answer = admin.post(f"secrets/{one}/reveal", code=code)
        assert (answer.status_code, SHOWN in answer.text) == (409, False)
    assert SHOWN in admin.post(f"secrets/{one}/reveal", code=codes[0]).text


def test_it_can_be_deleted_unseen(console: Served) -> None:
    one, admin = keep(console.store), Somebody(console, "administrator")
    assert admin.post(f"secrets/{one}/forget").status_code == 303
    assert sealed.kept(console.store) == []
    assert admin.post(f"secrets/{one}/reveal").status_code == 404

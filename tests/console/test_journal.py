"""The journal in a browser: found by what is asked for, whole, and whether it is as it was left."""

from __future__ import annotations

import re

from descope_mcp.store.consent import approvals
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal import write_ahead
from descope_mcp.store.journal.entry import Intent, Result
from descope_mcp.store.store import Store
from descope_mcp.store.tables import journal as rows
from tests.console.requests import filed
from tests.console.served import Served
from tests.console.somebody import Somebody

_ENTRY = re.compile(r'class="card" href="/console/journal/([^"]+)"')


def wrote(store: Store, call: str, result: Result = "done", **changes: str) -> str:
    """A call in the journal."""
    facts = {"caller": "descope:U2bea", "operation": "DeleteUser", "consent": "policy"} | changes
    target = facts.pop("target", '"ada@acme.example"')
    intent = Intent(
        call=call,
        project="P2abc",
        effect="destructive",
        rule="destructive",
        target=target,
        details={"arguments": {"loginId": "ada@acme.example"}, "before": [{"name": "Ada"}]},
        **facts,
    )
    write_ahead.intend(store, intent)
    write_ahead.settle(store, intent, result, undo={"steps": [], "missing": ["the passkeys"]})
    return call


def test_a_search_finds_what_is_asked_for(console: Served) -> None:
    store, auditor = console.store, Somebody(console, "auditor")
    wrote(store, "call-1")
    wrote(store, "call-2", "failed", caller="agent", target='"ben@acme.example"')
    wrote(store, "call-3", operation="CreateUser")
    approvals.answer(store, filed(store).number, approved=True, by="ada")
    (act,) = (e.call for e in journal.entries(store, acts=True) if e.result == "approved")
    for asked, found in (
        ({}, [act, "call-3", "call-2", "call-1"]),
        ({"operation": "DeleteUser"}, [act, "call-2", "call-1"]),
        ({"caller": "agent"}, ["call-2"]),
        ({"target": "ben@"}, ["call-2"]),
        ({"result": "failed"}, ["call-2"]),
        ({"result": "act"}, [act]),
        ({"result": "done", "operation": "CreateUser"}, ["call-3"]),
        ({"since": "2999-01-01"}, []),
        ({"until": "2001-01-01"}, []),
        ({"since": "2001-01-01", "until": "2999-01-01", "caller": "agent"}, ["call-2"]),
    ):
        page = auditor.post("journal", **asked)
        assert _ENTRY.findall(page.text) == found, asked
        # What was searched for is on the page, and in no address.
        assert page.url.query == b""
    assert _ENTRY.findall(auditor.get("journal").text) == [act, "call-3", "call-2", "call-1"]


def test_a_page_leads_to_the_next(console: Served) -> None:
    auditor = Somebody(console, "auditor")
    for number in range(120):
        wrote(console.store, f"call-{number}", "failed" if number % 2 else "done")
    seen, form = list[str](), {"result": "done"}
    while form:
        page = auditor.post("journal", **form).text
        seen += _ENTRY.findall(page)
        older = re.search(r'name="before" value="(\d+)"', page)
        form = {"result": "done", "before": older[1]} if older else {}
    assert seen == [f"call-{n}" for n in range(118, -1, -2)]


def test_an_entry_is_whole(console: Served) -> None:
    store, auditor = console.store, Somebody(console, "auditor")
    request = filed(store)
    approvals.answer(store, request.number, approved=True, by="ada", way="console")
    wrote(store, "call-1", consent=f"approval {request.number}")
    page = auditor.get("journal/call-1").text
    for said in (
        "loginId",
        "ada@acme.example",
        "the passkeys",
        f'href="/console/requests/{request.number}"',
        ", ada",
        "descope:U2bea",
        "[].name",
    ):
        assert said in page, said
    # Nothing takes it back, and an auditor could not.
    assert "/undo" not in page
    assert auditor.post("journal/call-1/undo").status_code == 403
    assert auditor.get("journal/call-2").status_code == 404


def test_a_call_of_unknown_outcome_comes_with_the_read_that_tells(console: Served) -> None:
    wrote(console.store, "call-1", "unknown")
    page = Somebody(console, "auditor").get("journal/call-1").text
    assert "outcome unknown" in page
    assert "descope-mcp call LoadUser" in page


def test_the_chain_says_what_was_changed(console: Served) -> None:
    store, auditor = console.store, Somebody(console, "auditor")
    for number in range(3):
        wrote(store, f"call-{number}")
    assert "All 6 entries" in auditor.get("journal/chain").text
    with store.begin() as connection:
        connection.execute(rows.update().where(rows.c.seq == 3).values(caller="nobody"))
    page = auditor.get("journal/chain").text
    assert "entry 3 was changed" in page
    assert 'role="alert"' in page

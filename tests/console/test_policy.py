"""The policy on a page: what the terminal says of it, and nothing that reaches Descope."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy import file
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.store import shadow_log
from descope_mcp.store.shadow_log import Difference
from descope_mcp.store.store import Store
from tests.console.served import Served, served, services
from tests.console.somebody import Somebody

TEXT = """[[rule]]
decision = "allow"
operation = "UpdateUserStatus"
arguments = { status = "disabled" }
reason = "Support <i>may</i> block."

[[rule]]
decision = "deny"
operation = "DeleteTenant"
"""


@pytest.fixture
def console(catalog: Catalog, own: Store, tmp_path: Path) -> Iterator[Served]:
    path = tmp_path / "ours.toml"
    path.write_text(TEXT)
    policy = file.applied(str(path), catalog, Policy())
    with served(replace(services(catalog, own), policy=policy, shadow=policy)) as running:
        yield running


def test_the_rules_in_words_and_the_file(console: Served) -> None:
    page = Somebody(console, "auditor").get("policy").text
    for said in (
        "UpdateUserStatus; ",
        "Support &lt;i&gt;may&lt;/i&gt; block.",
        'denied</b>: <span lang="en">DeleteTenant',
        "nobody is asked any more about UpdateUserStatus",
        "ours.toml:7",
        "decision = &#34;allow&#34;",
    ):
        assert said in page, said


@pytest.mark.parametrize(
    ("operation", "arguments", "caller", "says"),
    [
        ("DeleteUser", '{"loginId": "ada@acme.example"}', "", "a person is asked"),
        ("DeleteTenant", '{"id": "T1"}', "", "ours.toml:7"),
        ("UpdateUserStatus", '{"loginId": "a", "status": "disabled"}', "", "without a question"),
        ("DeleteUser", "", "", "one of:"),
    ],
)
def test_a_decision_is_explained(
    console: Served, operation: str, arguments: str, caller: str, says: str
) -> None:
    form = {"operation": operation, "arguments": arguments, "caller": caller, "who": ""}
    answer = Somebody(console, "auditor").post("policy/explain", **form)
    assert answer.status_code == 200
    assert says in answer.text


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"operation": "DeletUser"}, "DeleteUser"),
        ({"operation": "DeleteUser", "arguments": "{"}, "do not fit"),
        ({"operation": "DeleteUser", "arguments": '{"who": 1}'}, "do not fit"),
        ({"operation": "DeleteUser", "arguments": "[" * 9000}, "do not fit"),
        ({"operation": "DeleteUser", "who": "admin"}, "roles=support"),
    ],
)
def test_what_is_wrong_with_the_form_is_said(
    console: Served, form: dict[str, str], says: str
) -> None:
    answer = Somebody(console, "auditor").post("policy/explain", **form)
    assert answer.status_code == 400
    assert says in answer.text


def test_what_a_shadow_policy_would_have_decided(console: Served) -> None:
    auditor = Somebody(console, "auditor")
    assert "No call was decided otherwise" in auditor.get("policy/shadow").text
    one = Difference(
        time.time(), "c1", "P2abc", "<i>eve</i>", "DeleteUser", "destructive", ("loginId",),
        "confirm", "destructive", "deny", "ours.toml:7", "ours.toml",
    )  # fmt: skip
    for _ in range(3):
        shadow_log.append(console.store.directory, one)
    page = auditor.get("policy/shadow").text
    assert "(3\u00d7)" in page
    assert "confirm (destructive) → deny (ours.toml:7)" in page
    assert "&lt;i&gt;eve&lt;/i&gt;" in page

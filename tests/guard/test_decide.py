"""Who has to approve: several people, others than whom an agent acts for, and each of them once."""

from __future__ import annotations

from pathlib import Path

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Refused
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.caller import Caller
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.decide import Decider, NotDecided, decide
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.decision import decide as decided
from descope_mcp.guard.policy.file import PolicyError, parse
from descope_mcp.guard.policy.risk import assess
from descope_mcp.guard.question.question_data import to_json
from descope_mcp.store.consent import approvals, grants, listings
from descope_mcp.store.consent.request import Request
from descope_mcp.store.errors import NotAsLeft
from descope_mcp.store.store import Store
from tests.attacks.directory import Directory, changes
from tests.console.requests import filed, status
from tests.recorder import PROJECT, Recorder, recording

pytestmark = pytest.mark.anyio

TWO = '[[rule]]\noperation = "DeleteUser"\ndecision = "confirm"\napprovals = 2\n'
DELETE = ("DeleteUser", {"loginId": "ada"})
ROOT = Decider("root", "terminal")
BEA = Decider("console:U2bea", "console", "U2bea", frozenset({"bea@acme.example"}))
CEM = Decider("console:U2cem", "console", "U2cem")


@pytest.fixture
def own(tmp_path: Path) -> Store:
    return Store(tmp_path / "state", tmp_path / "config" / "key")


def under(recorder: Recorder, catalog: Catalog, store: Store, policy: str) -> Services:
    rules, _ = parse("p.toml", policy, catalog)
    return recorder.services(catalog, store=store, policy=Policy(rules=rules))


def request_for(store: Store, asked: NeedsConfirmation) -> Request:
    made = approvals.file(
        store,
        project=PROJECT,
        caller="agent",
        operation=asked.disclosure.operation,
        binding=asked.question.binding,
        question=to_json(asked.disclosure),
        typed=asked.question.typed,
    )
    assert made
    return made


async def test_two_people_are_two(own: Store, catalog: Catalog) -> None:
    async with recording(Directory().answer) as recorder:
        used = under(recorder, catalog, own, TWO)
        asked = await invoke(Call(*DELETE, "agent"), used)
        assert isinstance(asked, NeedsConfirmation)
        # There is no form to answer, an answer that comes anyway is none, and neither is a grant.
        assert asked.question.text == ""
        refused = await invoke(Call(*DELETE, "agent", approval=accept(asked.question)), used)
        assert isinstance(refused, Refused)
        assert refused.rule == "others"
        grants.create(
            own,
            project=PROJECT,
            operation=DELETE[0],
            arguments={"loginId": "ada"},
            items=5,
            seconds=600,
        )
        number = request_for(own, asked).number
        assert decide(own, number, "approve", ROOT).answer.votes == 1
        with pytest.raises(NotDecided, match="already"):
            decide(own, number, "approve", ROOT)
        assert isinstance(await invoke(Call(*DELETE, "agent"), used), NeedsConfirmation)
        assert not changes(recorder)
        assert decide(own, number, "approve", BEA).answer.request.status == "approved"
        assert listings.overview(own, number).voters == {number: ["root", "console:U2bea"]}
        assert isinstance(await invoke(Call(*DELETE, "agent"), used), Completed)
        assert len(changes(recorder)) == 1
        await used.client.close()


@pytest.mark.parametrize(
    "again",
    [
        # Another account at the provider with the same address, and one of the machine.
        Decider("console:U2bea2", "console", "U2bea2", frozenset({"BEA@acme.example"})),
        Decider("U2bea", "terminal"),
        Decider("bea@acme.example", "terminal"),
    ],
)
def test_one_person_has_one_vote_by_whatever_name(own: Store, again: Decider) -> None:
    request = filed(own, approvals=3)
    decide(own, request.number, "approve", CEM)
    assert decide(own, request.number, "approve", BEA).answer.votes == 2
    with pytest.raises(NotDecided) as refused:
        decide(own, request.number, "approve", again)
    assert refused.value.why == "voted"
    assert status(own, request) == "pending"
    # Whoever takes the marks out of the database has nothing from that.
    with own.begin() as connection:
        connection.exec_driver_sql("delete from vote_marks")
    with pytest.raises(NotAsLeft):
        decide(own, request.number, "approve", again)


async def test_one_no_is_enough(own: Store) -> None:
    request = filed(own, approvals=2)
    decide(own, request.number, "approve", ROOT)
    decide(own, request.number, "deny", BEA, reason="not today")
    with pytest.raises(NotDecided, match="denied"):
        decide(own, request.number, "approve", CEM)
    assert status(own, request) == "denied"


async def test_what_one_approved_is_not_enough_once_the_policy_asks_for_two(
    own: Store, catalog: Catalog
) -> None:
    async with recording(Directory().answer) as recorder:
        before = under(recorder, catalog, own, "")
        asked = await invoke(Call(*DELETE, "agent"), before)
        assert isinstance(asked, NeedsConfirmation)
        decide(own, request_for(own, asked).number, "approve", ROOT)
        after = under(recorder, catalog, own, TWO)
        assert isinstance(await invoke(Call(*DELETE, "agent"), after), NeedsConfirmation)
        assert not changes(recorder)
        await before.client.close()
        await after.client.close()


async def test_a_vote_that_is_written_into_the_database_is_none(own: Store) -> None:
    request = filed(own, approvals=2)
    decide(own, request.number, "approve", ROOT)
    with own.begin() as connection:
        connection.exec_driver_sql(
            "insert into votes (request, by, way, at, signature) "
            f"values ({request.number}, 'console:U9', 'console', 1, 'x')"
        )
    assert listings.overview(own, request.number).voters == {request.number: ["root"]}
    assert decide(own, request.number, "approve", BEA).answer.votes == 2


@pytest.mark.parametrize(
    ("caller", "people", "decider", "may"),
    [
        ("descope:U2bea", (), BEA, False),
        # Another issuer, the same subject; then another subject, the same address.
        ("okta:U2bea", (), BEA, False),
        ("okta:00u1", ("Bea@Acme.Example",), BEA, False),
        ("descope:U2zoe", (), BEA, True),
        ("descope:U2zoe", (), ROOT, True),
        ("token:nightly", (), BEA, True),
        # Of an agent on this machine nobody knows that it acts for somebody else.
        ("stdio", (), ROOT, False),
        ("stdio", (), BEA, True),
    ],
)
async def test_nobody_approves_what_an_agent_does_for_them(
    own: Store, caller: str, people: tuple[str, ...], decider: Decider, may: bool
) -> None:
    request = filed(own, caller=caller, people=people, four_eyes=True)
    if may:
        decide(own, request.number, "approve", decider)
        return
    with pytest.raises(NotDecided) as refused:
        decide(own, request.number, "approve", decider)
    assert refused.value.why == "own"
    # They may say no, and without four eyes they may say yes.
    decide(own, request.number, "deny", decider)
    decide(own, filed(own, caller=caller, people=people).number, "approve", decider)


SIGNED_IN = Caller("descope:U2bea", "agent", None, {"issuer": ("descope",)})


@pytest.mark.parametrize(
    ("rule", "caller", "expected"),
    [
        ("", SIGNED_IN, True),
        ("", Caller("stdio"), False),
        ("four_eyes = false", SIGNED_IN, False),
        ("four_eyes = true", Caller("stdio"), True),
        ("approvals = 3", SIGNED_IN, True),
    ],
)
async def test_what_affects_the_whole_project_needs_four_eyes(
    catalog: Catalog, rule: str, caller: Caller, expected: bool
) -> None:
    text = f'[[rule]]\noperation = "DeleteTenant"\ndecision = "confirm"\n{rule}\n' if rule else ""
    rules, _ = parse("p.toml", text, catalog)
    operation, given = catalog["DeleteTenant"], {"id": "T1", "cascade": True}
    risk = assess(operation, given, frozenset())
    assert "project_wide" in risk.hazards
    found = decided(
        operation, given, caller, PROJECT, risk, Policy(rules=rules, four_eyes=True)
    ).quorum
    assert found.four_eyes is expected
    assert found.approvals == (3 if "3" in rule else 1)


@pytest.mark.parametrize(
    "wrong",
    ['"allow"\napprovals = 2', '"deny"\nfour_eyes = true', '"confirm"\napprovals = 0'],
)
async def test_a_rule_that_asks_nobody_has_nobody_approve(catalog: Catalog, wrong: str) -> None:
    text = f'[[rule]]\noperation = "DeleteUser"\ndecision = {wrong}\n'
    with pytest.raises(PolicyError):
        parse("p.toml", text, catalog)

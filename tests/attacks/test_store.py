"""Whoever can write the database, and has not the key, gains nothing by it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyotp
import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Outcome, Refused
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse
from descope_mcp.store.consent import approvals, grants, second_factor
from descope_mcp.store.errors import NotAsLeft, StoreError
from descope_mcp.store.integrity import accept_damage, witness
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.secrets import sealed
from descope_mcp.store.secrets.handle import Owner, Secret
from descope_mcp.store.store import Store
from tests.attacks.tally import BYPASSED, CALLS, tally
from tests.postgres import cluster, execute

pytestmark = pytest.mark.anyio

DANIEL = {"loginId": "daniel.weiss@acme.example"}
DELETE = Call("DeleteUser", DANIEL, "agent")
CAP = '[[rule]]\noperation = "CreateTenant"\ndecision = "allow"\ncalls = 1\nper = "1h"\n'
#: A harmless value that another operation can give, under another caller.
OWNER = Owner("P1", "agent")


@pytest.fixture
async def victim(acme: Services, catalog: Catalog, tmp_path: Path) -> AsyncIterator[Services]:
    """A server with a store of its own, and a cap."""
    store = Store(tmp_path / "state", tmp_path / "config" / "key")
    rules, _ = parse("p.toml", CAP, catalog)
    yield replace(acme, store=store, policy=Policy(rules=rules))
    store.close()


@pytest.fixture(params=["SQLite", "PostgreSQL"])
async def either(
    acme: Services, catalog: Catalog, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Services]:
    """The same, in each kind of database."""
    url = cluster().database() if request.param == "PostgreSQL" else None
    store = Store(tmp_path / "state", tmp_path / "config" / "key", url=url)
    rules, _ = parse("p.toml", CAP, catalog)
    yield replace(acme, store=store, policy=Policy(rules=rules))
    store.close()


def sql(store: Store, *statements: str) -> None:
    """What an agent with a shell, or an administrator, does to the database."""
    if store.url:
        execute(store.url, *statements)
        return
    with closing(sqlite3.connect(store.directory / "state.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def file(store: Store, binding: str, project: str) -> int:
    request = approvals.file(
        store,
        project=project,
        caller="agent",
        operation="DeleteUser",
        binding=binding,
        question="Delete?",
        typed="",
    )
    assert request
    return request.number


async def asked(victim: Services) -> str:
    """The binding of a call that a person is asked about."""
    outcome = await invoke(DELETE, victim)
    assert isinstance(outcome, NeedsConfirmation), outcome
    return outcome.question.binding


def never(outcome: Outcome) -> None:
    tally[CALLS] += 1
    tally[BYPASSED] += isinstance(outcome, Completed)
    assert not isinstance(outcome, Completed), outcome


async def test_a_request_that_approved_itself_does_not_count(either: Services) -> None:
    number = file(either.store, await asked(either), either.project)
    sql(either.store, f"UPDATE approvals SET status='approved' WHERE number={number}")
    never(outcome := await invoke(DELETE, either))
    assert isinstance(outcome, Refused)
    assert "journal accept" in outcome.message
    assert hash_chain.problems(either.store)[2]


async def test_an_approval_that_nobody_gave_is_absent_and_reported(either: Services) -> None:
    bound = await asked(either)
    sql(
        either.store,
        "INSERT INTO approvals (project,caller,operation,binding,question,typed,status,created,"
        f"expires) VALUES ('{either.project}','agent','DeleteUser','{bound}','?','','approved',"
        "1,9e9)",
        'INSERT INTO grants (project,operation,arguments,items,"left",created,expires,revoked) '
        f"VALUES ('{either.project}','DeleteUser','{{\"loginId\": \"*@acme.example\"}}',9,9,1,"
        "9e9,FALSE)",
    )
    never(outcome := await invoke(DELETE, either))
    assert isinstance(outcome, NeedsConfirmation)
    said = [
        problem for problem in hash_chain.problems(either.store)[2] if "do not count" in problem
    ]
    assert len(said) == 2
    told = await invoke(Call("LoadUser", DANIEL, "agent"), either)
    assert isinstance(told, Completed)
    assert "do not count" in " ".join(told.notes)
    assert isinstance(
        await invoke(replace(DELETE, approval=accept(outcome.question)), either), Completed
    )


async def test_an_approval_counts_once_whatever_is_put_back(either: Services) -> None:
    store = either.store
    bound = await asked(either)
    assert approvals.answer(store, file(store, bound, either.project), approved=True)
    sql(store, "CREATE TABLE kept AS SELECT * FROM approvals")
    assert approvals.consume(store, bound)
    sql(store, "DELETE FROM approvals", "INSERT INTO approvals SELECT * FROM kept")
    never(await invoke(DELETE, either))


async def test_an_approval_does_not_last_longer(victim: Services) -> None:
    store = victim.store
    bound = await asked(victim)
    assert approvals.answer(store, file(store, bound, victim.project), approved=True)
    sql(store, "UPDATE approvals SET expires = expires + 1e9")
    never(await invoke(DELETE, victim))


@pytest.mark.parametrize(
    "change",
    [
        'UPDATE grants SET "left" = 100',
        "UPDATE grants SET expires = 9e9",
        'UPDATE grants SET arguments = \'{"loginId": "*"}\'',
        "UPDATE grants SET revoked = FALSE",
    ],
)
async def test_a_grant_is_what_a_person_gave(either: Services, change: str) -> None:
    made = grants.create(
        either.store,
        project=either.project,
        operation="DeleteUser",
        arguments=DANIEL,
        items=1,
        seconds=60.0,
    )
    if "revoked" in change:
        grants.revoke(either.store, made.id)
    sql(either.store, change)
    never(await invoke(DELETE, either))


async def test_a_grant_that_is_used_up_cannot_be_put_back(either: Services) -> None:
    store = either.store
    grants.create(
        store,
        project=either.project,
        operation="DeleteUser",
        arguments={"loginId": "*@acme.example"},
        items=1,
        seconds=60.0,
    )
    sql(store, "CREATE TABLE kept AS SELECT * FROM grants")
    assert isinstance(await invoke(DELETE, either), Completed)
    sql(store, "DELETE FROM grants", "INSERT INTO grants SELECT * FROM kept")
    never(await invoke(replace(DELETE, arguments={"loginId": "noah.klein@acme.example"}), either))


@pytest.mark.parametrize(
    "what", ["DELETE FROM confirmations", "UPDATE confirmations SET nonce='x'"]
)
async def test_an_answer_counts_once_though_its_mark_is_gone(victim: Services, what: str) -> None:
    """The call came to nothing, so it could run now."""
    outcome = await invoke(DELETE, victim)
    assert isinstance(outcome, NeedsConfirmation)
    wrong = replace(accept(outcome.question), binding="other")
    never(await invoke(replace(DELETE, approval=wrong), victim))
    sql(victim.store, what)
    never(await invoke(replace(DELETE, approval=accept(outcome.question)), victim))


@pytest.mark.parametrize(
    "what", ["DELETE FROM usage", "UPDATE usage SET at = 1", "UPDATE usage SET rule='x'"]
)
async def test_a_cap_holds_though_counts_are_gone(victim: Services, what: str) -> None:
    first = Call("CreateTenant", {"name": "One"}, "agent")
    assert isinstance(await invoke(first, victim), Completed)
    never(refused := await invoke(replace(first, arguments={"name": "Two"}), victim))
    assert isinstance(refused, Refused)
    assert refused.rule == "cap"
    sql(victim.store, what)
    never(await invoke(replace(first, arguments={"name": "Two"}), victim))


def enrol(store: Store) -> pyotp.TOTP:
    secret = second_factor.new_secret()
    assert second_factor.confirm(store, secret, pyotp.TOTP(secret).now())
    return pyotp.TOTP(secret)


def factor_row(store: Store) -> Mapping[str, Any]:
    """What is remembered of the second factor."""
    seen = witness.read(store.witness_file)
    assert seen
    assert seen.factor
    return seen.factor


@pytest.mark.parametrize(
    "what",
    [
        "DELETE FROM factor",
        "UPDATE factor SET secret = ''",
        "UPDATE factor SET failures = 0, last_step = 0",
        "DELETE FROM ledger",
        'UPDATE ledger SET content = \'{"sums":{},"void_until":0}\'',
    ],
)
async def test_the_second_factor_cannot_be_taken_out(either: Services, what: str) -> None:
    outcome = await invoke(DELETE, either)
    assert isinstance(outcome, NeedsConfirmation)
    enrol(either.store)
    sql(either.store, what)
    never(await invoke(replace(DELETE, approval=accept(outcome.question)), either))


def copy(store: Store, to: str) -> Path:
    place = store.directory.with_name(to)
    shutil.copytree(store.directory, place)
    return place


def put_back(store: Store, kept: Path) -> Store:
    """The whole state as it was once, as a new process finds it."""
    store.close()
    shutil.rmtree(store.directory)
    shutil.copytree(kept, store.directory)
    return Store(store.directory, store.key_file)


async def test_the_whole_state_cannot_be_put_back(victim: Services) -> None:
    """A copy from before the second factor was enrolled verifies in itself."""
    bound = await asked(victim)
    assert approvals.answer(victim.store, file(victim.store, bound, victim.project), approved=True)
    victim.store.close()
    kept = copy(victim.store, "kept")
    enrol(victim.store)
    old = replace(victim, store=put_back(victim.store, kept))
    never(outcome := await invoke(DELETE, old))
    assert isinstance(outcome, Refused)
    assert "older copy" in outcome.message
    old.store.close()


async def test_nothing_changes_after_the_state_was_deleted(victim: Services) -> None:
    """Not even what no person has to be asked about."""
    made = Call("CreateRole", {"name": "R", "description": "d"}, "agent")
    assert isinstance(await invoke(made, victim), Completed)
    victim.store.close()
    shutil.rmtree(victim.store.directory)
    again = replace(victim, store=Store(victim.store.directory, victim.store.key_file))
    never(outcome := await invoke(replace(made, arguments={"name": "S"}), again))
    assert isinstance(outcome, Refused)
    count, _, problems = hash_chain.problems(again.store)
    assert count == 0
    assert "the journal's end is missing, up to entry 2" in problems
    again.store.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sealed SET caller = 'other'",
        "UPDATE sealed SET project = 'P2'",
        "UPDATE sealed SET kind = 'session'",
        "UPDATE sealed SET expires = 9e9",
        "UPDATE sealed SET handle = '[sealed:0123456789012345678901]'",
        "UPDATE sealed SET value = (SELECT value FROM sealed WHERE kind = 'b')",
    ],
)
async def test_a_handle_opens_what_it_was_made_for(victim: Services, change: str) -> None:
    store = victim.store
    secrets = {
        f"[sealed:{kind * 22}]": Secret("SignIn", "token", kind, f"value {kind}") for kind in "ab"
    }
    sealed.keep(store, OWNER, secrets)
    name = next(iter(secrets))
    assert sealed.opened(store, OWNER, [name])[name].value == "value a"
    sql(store, f"{change} WHERE handle = '{name}'")
    owners = [Owner(p, c) for p in ("P1", "P2") for c in ("agent", "other")]
    for owner in owners:
        assert not sealed.opened(store, owner, [name, "[sealed:0123456789012345678901]"])
    assert "changed from outside" in store.take_reports()[0]


ACCEPTABLE: dict[str, Callable[[Store], None]] = {
    "an end": lambda store: sql(store, "DELETE FROM journal WHERE seq = 2"),
    "a grant": lambda store: sql(store, "DELETE FROM grants"),
    "the ledger": lambda store: sql(store, "DELETE FROM ledger"),
    "a row between": lambda store: sql(store, "DELETE FROM journal WHERE seq = 1"),
    "everything": lambda store: sql(
        store, *(f"DELETE FROM {table}" for table in ("journal", "ledger", "grants", "factor"))
    ),
    "the witness": lambda store: store.key_file.with_name("journal-witness").unlink(),
}


async def test_a_second_factor_that_was_taken_out_stays_remembered(either: Services) -> None:
    """Whatever is written afterwards: what a person accepts still needs its code."""
    store = either.store
    enrol(store)
    sql(store, "DELETE FROM factor")
    file(store, "b", either.project)
    assert second_factor.remembered(store)
    accept_damage.accept(store, "cli", hash_chain.problems(store)[2])
    assert second_factor.enrolled(store)


@pytest.mark.parametrize("what", ACCEPTABLE)
async def test_what_a_person_accepts_is_in_the_journal_for_ever(
    victim: Services, what: str
) -> None:
    """Afterwards changes go on, and nothing counts that was allowed before."""
    store = victim.store
    made = Call("CreateRole", {"name": "R", "description": "d"}, "agent")
    assert isinstance(await invoke(made, victim), Completed)
    codes = enrol(store)
    used = codes.at(int(factor_row(store)["last_step"]) * codes.interval)
    grants.create(
        store,
        project=victim.project,
        operation="DeleteUser",
        arguments={"loginId": "*@acme.example"},
        items=9,
        seconds=60.0,
    )
    ACCEPTABLE[what](store)
    found = hash_chain.problems(store)[2]
    assert found
    # The person is told beforehand what becomes of that.
    journal_alone = what in ("an end", "a row between")
    assert accept_damage.ends_what_was_allowed(store) is not journal_alone
    accept_damage.accept(store, "cli", found)
    assert hash_chain.problems(store)[2] == []
    assert isinstance(await invoke(replace(made, arguments={"name": "S"}), victim), Completed)
    if not journal_alone:
        never(await invoke(DELETE, victim))
    if what != "the witness":
        assert second_factor.enrolled(store)
        assert second_factor.check(store, used).result == "wrong"
    sql(store, "DELETE FROM journal WHERE seq > 3")
    assert hash_chain.problems(store)[2]


async def test_a_code_is_not_guessed_by_taking_the_database_away(victim: Services) -> None:
    store = victim.store
    codes = enrol(store)
    said = []
    for _ in range(6):
        sql(store, "DELETE FROM factor", "DELETE FROM ledger")
        said.append(second_factor.check_remembered(store, "").result)
    assert said == ["wrong"] * 4 + ["locked"] * 2
    assert second_factor.check_remembered(store, codes.now()).result == "locked"
    with pytest.raises(NotAsLeft):
        second_factor.check(store, codes.now())


async def test_a_key_that_does_not_belong_to_the_state_is_refused_at_once(
    victim: Services, tmp_path: Path
) -> None:
    store = victim.store
    enrol(store)
    other = Store(tmp_path / "elsewhere", tmp_path / "other" / "key")
    _ = other.key
    with pytest.raises(StoreError, match="does not belong to this state"):
        _ = Store(store.directory, other.key_file).database
    missing = tmp_path / "none" / "key"
    with pytest.raises(StoreError, match="is missing"):
        _ = Store(store.directory, missing).key
    assert not missing.exists()
    other.close()

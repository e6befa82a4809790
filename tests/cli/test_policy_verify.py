"""`descope-mcp policy verify`: real runs, and that each promise can be seen to be broken."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio.to_thread import run_sync

from descope_mcp import settings
from descope_mcp.call.outcome import NeedsConfirmation
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.cli.policy_trials.verification import consented, decided, kept
from descope_mcp.cli.policy_trials.verification.proof import Proof
from descope_mcp.cli.policy_trials.verification.stage import Stage, staged
from descope_mcp.guard.policy import file as policy_file
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.store.journal import write_ahead
from descope_mcp.store.journal.entry import Intent
from descope_mcp.store.store import Store
from tests.cli.processes import BASE, PRELOADED
from tests.postgres import cluster, execute
from tests.recorder import MANAGEMENT_KEY, PROJECT, recording

pytestmark = pytest.mark.anyio


def env_of(place: Path, **more: str) -> dict[str, str]:
    own = {"DESCOPE_MCP_STATE": "state", "DESCOPE_MCP_KEY_FILE": "config/key"}
    return {**{name: str(place / where) for name, where in own.items()}, **more}


def verify(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the command; it makes some six hundred calls."""
    command = [PRELOADED, "policy", "verify", *arguments]
    return subprocess.run(command, env={**BASE, **env}, capture_output=True, text=True, timeout=200)


def proofs(*arguments: str, env: dict[str, str]) -> tuple[int, list[dict[str, Any]], str]:
    ended = verify(*arguments, "--json", env=env)
    return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()], ended.stderr


async def test_the_default_policy_keeps_every_promise_and_reaches_nothing(tmp_path: Path) -> None:
    async with recording(lambda request: pytest.fail("Descope was reached")) as recorder:
        env = env_of(
            tmp_path,
            DESCOPE_BASE_URL=recorder.url,
            DESCOPE_PROJECT_ID=PROJECT,
            DESCOPE_MANAGEMENT_KEY=MANAGEMENT_KEY,
        )
        code, found, errors = await run_sync(partial(proofs, env=env))
        assert (code, errors) == (0, ""), [proof for proof in found if not proof["held"]]
        assert recorder.requests == []
    assert len({proof["promise"] for proof in found}) == len(found) >= 15
    assert all(proof["held"] and proof["calls"] and proof["shown"] for proof in found)
    assert MANAGEMENT_KEY not in json.dumps(found)
    # Not even made: the store of the settings is none of its business.
    assert os.listdir(tmp_path) == []


def test_a_rule_that_breaks_a_promise_is_named(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(
        '[[rule]]\noperation = "DeletePermission"\narguments = { name = "tmp-*" }\n'
        'decision = "allow"\n\n[[rule]]\noperation = "DeleteUser"\ndecision = "allow"\n'
    )
    shown = verify(str(file), env=env_of(tmp_path))
    assert shown.returncode == 1
    (promise,) = re.findall(r"^BROKEN  (.*)$", shown.stdout, re.MULTILINE)
    assert promise.startswith("nothing that deletes")
    faults = re.findall(r"^ +FAULT (.*)$", shown.stdout, re.MULTILINE)
    assert all("policy.toml:6" in fault for fault in faults)
    assert "DeleteUser" in faults[0]


def test_a_wrong_file_is_no_broken_promise(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('[[rule]]\noperation = "DeleteEverybody"\ndecision = "deny"\n')
    ended = verify(str(file), env=env_of(tmp_path))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "policy.toml:2" in ended.stderr


def test_the_own_journal_is_looked_at_and_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "state", tmp_path / "config" / "key")
    for number in range(3):
        intent = Intent(f"{number}" * 36, PROJECT, "me", "CreateRole", "write", "write", "policy")
        write_ahead.intend(store, intent)
        write_ahead.settle(store, intent, "done")
    store.close()
    database, before = tmp_path / "state" / "state.db", _rows(tmp_path)
    proof = kept.own_journal(store)
    assert proof.held
    assert "6 rows, whole" in proof.shown
    assert _rows(tmp_path) == before
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM journal WHERE seq = 2")
        connection.commit()
    broken = kept.own_journal(store)
    assert not broken.held
    assert "missing" in broken.faults[0]
    database.write_bytes(b"no database")
    assert not kept.own_journal(store).held


def test_the_own_journal_on_a_server_is_looked_at_too(tmp_path: Path) -> None:
    url = cluster().database()
    with closing(Store(tmp_path / "state", tmp_path / "config" / "key", url=url)) as store:
        assert kept.own_journal(store).held
        intent = Intent("1" * 36, PROJECT, "me", "CreateRole", "write", "write", "policy")
        write_ahead.intend(store, intent)
        write_ahead.settle(store, intent, "done")
        proof = kept.own_journal(store)
        assert proof.held
        assert "2 rows, whole" in proof.shown
        execute(url, "DELETE FROM journal WHERE seq = 1")
        assert "missing" in kept.own_journal(store).faults[0]


def _rows(place: Path) -> list[Any]:
    with closing(sqlite3.connect(place / "state" / "state.db")) as connection:
        return connection.execute("SELECT * FROM journal").fetchall()


Trial = Callable[[Stage], Awaitable[Proof]]


async def _destructive(stage: Stage) -> Proof:
    return await decided.nothing_unasked(stage, "destructive", decided.destructive)


async def _unconditional(*_: Any, **__: Any) -> str:
    """Consent that nobody gave."""
    return "policy"


#: What a promise rests on, spoilt, and the promise that has to notice.
SPOILT: list[tuple[str, Any, Trial]] = [
    ("guard.consent.given_word.judge", lambda *_: "person", consented.for_its_call_alone),
    ("guard.consent.given_word.judge", lambda *_: "person", consented.name_is_typed),
    ("store.consent.used_confirmations.consume", lambda *_: True, consented.counts_once),
    ("store.consent.used_confirmations.used", lambda *_: False, consented.no_is_kept),
    ("guard.consent.given_word.covers", lambda *_: True, consented.grant_covers_itself),
    ("store.consent.approvals.consume", lambda *_: 1, consented.a_denial_is_none),
    ("store.consent.caps.take", lambda *_, **__: True, decided.caps_hold),
    ("guard.secrets.handles.seal", lambda operation, data, keep: data, kept.secret_is_sealed),
    ("store.journal.hash_chain.problems", lambda store: (9, "", []), kept.tampering_shows),
    ("call.assessment.examine._allowed_at_all", lambda checked: None, decided.read_only_denies),
    ("call.invoke._consent", _unconditional, _destructive),
    ("call.invoke._consent", _unconditional, decided.no_role_unasked),
]


@pytest.mark.parametrize(
    ("part", "instead", "trial"), SPOILT, ids=[f"{p}-{t.__name__}" for p, _, t in SPOILT]
)
async def test_a_spoilt_guard_breaks_the_promise(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, part: str, instead: Any, trial: Trial
) -> None:
    """That it holds otherwise, the whole command says above."""
    monkeypatch.setattr(f"descope_mcp.{part}", instead)
    async with staged(settings.load(), catalog, Policy()) as stage:
        proof = await trial(stage)
    assert not proof.held


async def test_every_shape_of_giving_a_role_is_a_call(catalog: Catalog) -> None:
    """One that no schema takes would prove nothing."""
    async with staged(settings.load(), catalog, Policy()) as stage:
        for name, arguments in decided.ROLES:
            outcome = await stage.run(name, arguments)
            assert isinstance(outcome, NeedsConfirmation), (name, outcome)


@pytest.mark.parametrize("name", policy_file.ready_made())
async def test_no_ready_made_policy_gives_administrators_roles_away(
    catalog: Catalog, name: str
) -> None:
    rules, _ = policy_file.read(name, catalog)
    async with staged(settings.load(), catalog, Policy(rules=rules)) as stage:
        proof = await decided.no_role_unasked(stage)
        assert proof.held, proof.faults
        assert (await decided.caps_hold(stage)).held


async def test_a_cap_does_not_excuse_administrators_roles(catalog: Catalog) -> None:
    text = '[[rule]]\noperation = "CreateTestUser"\ndecision = "allow"\ncalls = 5\nper = "1h"\n'
    rules, _ = policy_file.parse("p.toml", text, catalog)
    async with staged(settings.load(), catalog, Policy(rules=rules)) as stage:
        proof = await decided.no_role_unasked(stage)
        assert [
            fault for fault in proof.faults if "CreateTestUser" in fault and "p.toml:1" in fault
        ]
        assert (await _destructive(stage)).held


async def test_the_sandbox_has_the_project_of_the_settings(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules on a project count as they would."""
    monkeypatch.setenv("DESCOPE_PROJECT_ID", PROJECT)
    text = f'[[rule]]\nproject = "{PROJECT}"\noperation = "Delete*"\ndecision = "deny"\n'
    rules, _ = policy_file.parse("p.toml", text, catalog)
    async with staged(settings.load(), catalog, Policy(rules=rules)) as stage:
        assert stage.services.project == PROJECT
        assert "error" not in str(await stage.run("LoadAllRoles", {}))
        outcome = await stage.run("DeleteUser", {"loginId": "ada.okafor@acme.example"})
    assert getattr(outcome, "rule", "") == "p.toml:1"

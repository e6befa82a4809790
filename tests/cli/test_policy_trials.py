"""A policy that only watches, and one that judges the journal: real servers and commands."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio.to_thread import run_sync

from descope_mcp.store import shadow_log
from descope_mcp.store.journal import write_ahead
from descope_mcp.store.journal.entry import Intent
from descope_mcp.store.shadow_log import Difference
from descope_mcp.store.store import Store
from tests.attacks.directory import Directory, changes
from tests.cli.processes import run
from tests.e2e.wire import pointed_at, wired
from tests.recorder import PROJECT, recording

pytestmark = pytest.mark.anyio

WATCHING = """
[[rule]]
operation = "PatchUser"
decision = "deny"

[[rule]]
operation = "DeleteUser"
decision = "allow"

[[rule]]
operation = "LoadUser"
decision = "confirm"
"""
PERSONAL = "grace.kim@globex.example"


def settings_of(place: Path) -> dict[str, str]:
    return {
        "DESCOPE_MCP_STATE": str(place / "state"),
        "DESCOPE_MCP_KEY_FILE": str(place / "config" / "key"),
    }


def printed(*arguments: str, env: dict[str, str]) -> tuple[str, list[dict[str, Any]]]:
    """What a command prints for a person, and for a program."""
    text = run(*arguments, env=env)
    rows = run(*arguments, "--json", env=env)
    assert (text.returncode, rows.returncode) == (0, 0), text.stderr + rows.stderr
    return text.stdout, [json.loads(line) for line in rows.stdout.splitlines()]


async def test_a_shadow_policy_decides_nothing_and_is_reported(tmp_path: Path) -> None:
    watching = tmp_path / "watching.toml"
    watching.write_text(WATCHING)
    own = settings_of(tmp_path)
    async with recording(Directory().answer) as recorder:
        env = {**pointed_at(recorder.url), **own}
        async with wired("--shadow-policy", str(watching), env=env) as wire:
            target = {"loginId": PERSONAL}
            for _ in range(2):
                patched = await wire.call("PatchUser", {**target, "name": "Grace"})
                assert not patched["result"]["isError"]
            deleted = await wire.call("DeleteUser", target)
            assert deleted["result"]["structuredContent"]["rule"] == "approval"
            assert not (await wire.call("LoadUser", target))["result"]["isError"]
            assert not (await wire.call("LoadAllRoles", {}))["result"]["isError"]
        assert len(changes(recorder)) == 2
    text, rows = await run_sync(partial(printed, "policy", "report", env=own))
    told = {(r["operation"], r["decided"], r["would"], r["other_rule"]): r["calls"] for r in rows}
    assert told == {
        ("PatchUser", "allow", "deny", "watching.toml:2"): 2,
        ("DeleteUser", "confirm", "allow", "watching.toml:6"): 1,
        ("LoadUser", "allow", "confirm", "watching.toml:10"): 1,
    }
    assert rows[0]["operation"] == "PatchUser"
    assert "2  PatchUser: allow (write) would be deny (watching.toml:2)" in text
    assert "with loginId, name" in text
    # The journal, which forgets, has the name; what was written down beside it has not.
    assert PERSONAL not in (tmp_path / "state" / "shadow.jsonl").read_text() + text
    call = next(r["examples"][0]["call"] for r in rows if r["operation"] == "PatchUser")
    shown = await run_sync(partial(run, "journal", "show", call[:8], env=own))
    assert PERSONAL in shown.stdout
    assert (tmp_path / "state" / "shadow.jsonl").stat().st_mode & 0o077 == 0


def test_a_wrong_shadow_policy_stops_the_start(tmp_path: Path) -> None:
    watching = tmp_path / "watching.toml"
    watching.write_text('[[rule]]\noperation = "Nothing"\ndecision = "deny"\n')
    ended = run("serve", "--sandbox", "--shadow-policy", str(watching), env=settings_of(tmp_path))
    assert ended.returncode == 2
    assert "watching.toml:2" in ended.stderr


def test_without_a_shadow_nothing_is_reported(tmp_path: Path) -> None:
    text, rows = printed("policy", "report", env=settings_of(tmp_path))
    assert rows == []
    assert "No call" in text
    assert not (tmp_path / "state").exists()


def test_differences_survive_half_a_line_and_have_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow_log, "_LARGEST", 2000)
    for number in range(40):
        rules = ("allow", "write", "deny", "p.toml:1", "p.toml")
        one = Difference(number, f"{number}", PROJECT, "me", "PatchUser", "write", ("a",), *rules)
        shadow_log.append(tmp_path, one)
    with (tmp_path / "shadow.jsonl").open("a") as file:
        file.write('{"at": 1, "call"')
    found = [one.at for one in shadow_log.differences(tmp_path)]
    assert found == sorted(found)
    assert found[-1] == 39
    assert 5 < len(found) < 40
    assert [one.at for one in shadow_log.differences(tmp_path, since=38)] == [38, 39]


def done(store: Store, number: int, operation: str, consent: str, **details: Any) -> None:
    call = f"{number:08}-0000-4000-8000-000000000001"
    intent = Intent(call, PROJECT, "me", operation, "write", "r", consent, details=details)
    write_ahead.intend(store, intent)
    write_ahead.settle(store, intent, "done")


def test_the_journal_is_judged_by_another_policy(tmp_path: Path) -> None:
    own = settings_of(tmp_path)
    store = Store(tmp_path / "state", tmp_path / "config" / "key")
    user = {"loginIds": [PERSONAL], "userId": "U1", "name": "Grace", "roleNames": ["Viewer"]}
    target = {"loginId": PERSONAL}
    for number in range(4):
        arguments = {**target, "name": f"Grace {number}"}
        done(store, number, "PatchUser", "policy", arguments=arguments, before=[user])
    done(store, 4, "DeleteUser", "person", arguments=target, before=[user])
    done(store, 5, "NoSuchOperation", "policy", arguments={})
    store.close()
    policy = tmp_path / "p.toml"
    policy.write_text(
        '[[rule]]\noperation = "PatchUser"\ndecision = "allow"\ncalls = 3\nper = "1h"\n'
        '[[rule]]\noperation = "DeleteUser"\ndecision = "deny"\n'
    )
    text, rows = printed("policy", "replay", str(policy), env=own)
    told = {(r["operation"], r["decided"], r["would"], r["other_rule"]): r["calls"] for r in rows}
    assert told == {
        ("PatchUser", "allow", "deny, its cap is reached", "p.toml:1"): 1,
        ("DeleteUser", "confirm", "deny", "p.toml:6"): 1,
    }
    assert "5 calls judged, 2 otherwise than then; 1 could not be judged" in text
    assert PERSONAL not in text
    # What was decided then is what the default policy decides: nothing differs.
    policy.write_text("")
    text, rows = printed("policy", "replay", str(policy), env=own)
    assert rows == []
    assert "5 calls judged, 0 otherwise" in text

"""Plans from files: checked, run in a terminal or on a grant, shown and written down again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from descope_mcp.sandbox.seeds.organisations import acme
from descope_mcp.store.journal import unfinished_plans
from tests.cli.processes import run, run_in_terminal
from tests.recorder import STORE_SETTINGS

PLAN = """
title: Close Globex
steps:
- id: find
  operation: SearchUsers
  arguments: {tenantIds: [globex]}
- id: off
  operation: UpdateUserStatus
  for_each: {$from: find, path: "users[?status=='enabled']"}
  arguments: {loginId: {$each: "loginIds[0]"}, status: disabled}
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    places = (tmp_path / "state", tmp_path / "config" / "key")
    return {name: str(place) for name, place in zip(STORE_SETTINGS, places, strict=True)}


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    return str(path)


def test_a_check_says_what_it_would_do(file: str, env: dict[str, str]) -> None:
    done = run("plan", "check", file, "--sandbox", env=env)
    assert done.returncode == 0, done.stderr
    assert "5 times: Block the user" in done.stdout
    assert "Nothing was sent. Of 5 calls: a person is asked, about 5." in done.stdout
    told = json.loads(run("plan", "check", "-", "--sandbox", "--json", env=env, given=PLAN).stdout)
    assert (told["asks"], len(told["calls"])) == (5, 5)


def test_it_runs_after_a_yes_and_is_shown_and_written_down(file: str, env: dict[str, str]) -> None:
    refused = run("plan", "run", file, "--sandbox", env=env)
    assert refused.returncode == 3
    done, screen = run_in_terminal("plan", "run", file, "--sandbox", typed=b"yes\n", env=env)
    assert done.returncode == 0, done.stderr
    assert "Run a plan of 5 calls" in screen
    assert "5 of 5 calls done." in done.stdout
    listed = run("journal", "list", "--json", "--operation", "plan", env=env)
    plan = json.loads(listed.stdout)["call"]
    shown = json.loads(run("plan", "show", plan[:8], "--json", env=env).stdout)
    assert [call["became"] for call in shown["calls"]] == ["done"] * 5
    assert "done" in run("plan", "show", plan[:8], env=env).stdout
    written = run("plan", "export", plan[:8], env=env).stdout
    again = run("plan", "check", "-", "--sandbox", env=env, given=written)
    assert again.returncode == 0, again.stderr
    assert "5 times: Block the user" in again.stdout


def test_a_pipeline_runs_it_on_a_grant(file: str, env: dict[str, str]) -> None:
    patterns = json.dumps({"loginId": "*@globex.example", "status": "disabled"})
    wanted = ["--operation", "UpdateUserStatus", "--arguments", patterns, "--items", "5"]
    made, screen = run_in_terminal(
        "grants", "create", *wanted, "--for", "10m", typed=b"yes\n",
        env={**env, "DESCOPE_PROJECT_ID": acme().project_id},
    )  # fmt: skip
    assert made.returncode == 0, (made.stderr, screen)
    done = run("plan", "run", file, "--sandbox", "--json", env=env)
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["consent"] == "grant 1"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("steps: 1", "list of steps"),
        ("- {operation: NoSuchThing}", "no operation"),
        ("steps: []\nretry: 3", "no retry"),
        ("- &a {operation: LoadUser}\n- *a", "aliases"),
        ("- {operation: LoadUser, operation: LoadUser}", "twice"),
        ("{", "line 1 of - is neither YAML nor JSON"),
    ],
)
def test_a_file_that_is_no_plan_says_why(text: str, fault: str, env: dict[str, str]) -> None:
    done = run("plan", "check", "-", "--sandbox", env=env, given=text)
    assert done.returncode == 2, done.stdout
    assert fault in done.stderr


def test_a_plan_that_was_left_is_told_by_the_next_start(
    tmp_path: Path, env: dict[str, str]
) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    plan = "0" * 8 + "-0000-4000-8000-" + "0" * 12
    unfinished_plans.begin(state, plan)
    assert "left in the middle" not in run("serve", "--sandbox", env=env).stderr
    (state / "plans" / plan).write_text("999999999")
    assert f"plan show {plan[:8]}" in run("serve", "--sandbox", env=env).stderr

"""Where the state lies: any path, any account; what was there before stays as it was."""

from __future__ import annotations

import json
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from .processes import BASE, COMMAND, run

NEW = ("call", "CreateTenant", "--arguments", '{"name": "x"}', "--sandbox")
READ = ("call", "LoadAllTenants", "--sandbox")


def places(directory: Path) -> dict[str, str]:
    return {
        "DESCOPE_MCP_STATE": str(directory / "state"),
        "DESCOPE_MCP_KEY_FILE": str(directory / "config" / "key"),
    }


def tree(directory: Path) -> dict[str, int]:
    return {
        str(path.relative_to(directory)): stat.S_IMODE(path.stat().st_mode)
        for path in directory.rglob("*")
    }


@pytest.mark.parametrize("mode", [0o1777, 0o2775, 0o755])
def test_doctor_changes_nothing(tmp_path: Path, mode: int) -> None:
    for name in ("state", "config"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
    before = tree(tmp_path)
    done = run("doctor", "--sandbox", "--json", env=places(tmp_path))
    state = next(f for f in map(json.loads, done.stdout.splitlines()) if f["test"] == "state")
    assert state["ok"] is (mode == 0o755)
    assert mode == 0o755 or "chmod go-w" in state["found"]
    assert tree(tmp_path) == before


def test_doctor_makes_nothing(tmp_path: Path) -> None:
    done = run("doctor", "--sandbox", env=places(tmp_path))
    assert "made by the first change" in done.stdout
    assert tree(tmp_path) == {}


def test_too_open_a_directory_refuses_changes_and_stays(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o1777)
    done = run(*NEW, env=places(tmp_path))
    assert (done.returncode, done.stdout) == (3, "")
    assert "Nothing was sent" in done.stderr
    assert f"is open to other accounts (mode 1777); close it (chmod go-w {tmp_path}" in done.stderr
    assert tree(tmp_path)["state"] == 0o1777
    assert run(*READ, env=places(tmp_path)).returncode == 0


@pytest.mark.parametrize("name", ["w?x=1", "p%20q"])
def test_the_state_lies_where_it_was_said(tmp_path: Path, name: str) -> None:
    done = run(*NEW, env=places(tmp_path / name))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert tree(tmp_path / name)["state/state.db"] == 0o600


#: The command in an account that the system has no entry of, as ``docker run --user 54321`` has.
_NOBODY = """
import pwd, sys
def nobody(uid):
    raise KeyError(f"getpwuid(): uid not found: {uid}")
pwd.getpwuid = nobody
from descope_mcp.cli.main import main
main()
"""


@pytest.mark.parametrize("state", ["", "~/x"])
def test_an_account_without_an_entry_reads_and_changes_nothing(tmp_path: Path, state: str) -> None:
    def as_nobody(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", _NOBODY, *arguments],
            env={"PATH": BASE["PATH"], **({"DESCOPE_MCP_STATE": state} if state else {})},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            timeout=60,
        )

    assert as_nobody(*READ).returncode == 0
    done = as_nobody(*NEW)
    assert (done.returncode, done.stdout) == (3, "")
    assert "there is no home directory" in done.stderr
    assert "DESCOPE_MCP_STATE" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_refuses_changes_in_one_line(tmp_path: Path) -> None:
    """No file may grow, as on a disk without room."""
    assert run(*NEW, env=places(tmp_path)).returncode == 0

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))

    def with_no_room(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments],
            env={**BASE, **places(tmp_path)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=full,
            timeout=60,
        )

    done = with_no_room(*NEW)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("descope-mcp: Nothing was sent, since the store cannot be used")
    assert len(done.stderr.splitlines()) == 1
    assert with_no_room(*READ).returncode == 0
    listed = run("journal", "list", "--json", env=places(tmp_path))
    assert [json.loads(line)["result"] for line in listed.stdout.splitlines()] == ["done"]

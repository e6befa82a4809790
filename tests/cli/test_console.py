"""`descope-mcp console` as a process: the link is for the terminal alone, and counts once."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import httpx2
import pexpect
import pytest

from descope_mcp.cli.main import REFUSED
from descope_mcp.store.store import Store
from tests.cli.processes import COMMAND
from tests.console.requests import filed, status
from tests.recorder import STORE_SETTINGS


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    places = (tmp_path / "state", tmp_path / "config" / "key")
    return {name: str(place) for name, place in zip(STORE_SETTINGS, places, strict=True)}


def test_a_person_at_the_terminal_decides_in_a_browser(env: dict[str, str], tmp_path: Path) -> None:
    store = Store(*(Path(env[name]) for name in STORE_SETTINGS))
    request = filed(store)
    outside = tmp_path / "outside"
    command = f"{COMMAND} console > {outside} 2>&1"
    person = pexpect.spawn(
        "/bin/sh",
        ["-c", command],
        env={"PATH": os.environ["PATH"], "TERM": "dumb", **env},
        timeout=30,
        encoding="utf-8",
    )
    person.expect(r"(http://127\.0\.0\.1:\d+)/console/link\?s=([\w-]+)")
    assert person.match
    origin, secret = person.match[1], person.match[2]
    with httpx2.Client(base_url=f"{origin}/console", headers={"Origin": origin}) as browser:
        assert browser.post("/link", data={"s": secret}).status_code == 303
        page = browser.get(f"/requests/{request.number}").text
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        assert token
        form = {"csrf": token[1], "act": "approve"}
        answer = browser.post(f"/requests/{request.number}/answer", data=form)
        assert answer.status_code == 303
    assert status(store, request) == "approved"
    # Enter gives another link; the one before is none any more.
    person.sendline("")
    person.expect(r"/console/link\?s=([\w-]+)")
    assert person.match[1] != secret
    person.sendintr()
    person.expect(pexpect.EOF)
    person.close()
    assert outside.read_text() == ""


def test_where_there_is_no_terminal_nobody_is_let_in(env: dict[str, str]) -> None:
    process = subprocess.run(
        ["setsid", COMMAND, "console"],
        env={"PATH": "/usr/bin:/bin", **env},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    assert process.returncode == REFUSED
    assert "There is no terminal" in process.stderr
    assert "link?s=" not in process.stdout + process.stderr

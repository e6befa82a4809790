"""Clients that we did not write, on a real server process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.wire import COMMAND, environment

_TOUR = Path(__file__).parent / "node"
_PACKAGE = "@modelcontextprotocol/sdk"
_INSTALL = (
    *("npm", "install", "--no-package-lock", "--ignore-scripts"),
    *("--no-audit", "--no-fund", "--fetch-retries=1"),
)


@pytest.fixture(scope="module")
def node() -> str:
    """Node, with the client in an ignored folder, where it stays for the next run."""
    found = shutil.which("node")
    if not found or not shutil.which("npm"):
        reason = "node and npm are not on this machine"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    wanted = json.loads((_TOUR / "package.json").read_text())["dependencies"][_PACKAGE]
    manifest = _TOUR / "node_modules" / _PACKAGE / "package.json"
    if not manifest.exists() or json.loads(manifest.read_text())["version"] != wanted:
        done = subprocess.run(_INSTALL, cwd=_TOUR, capture_output=True, text=True, timeout=240)
        if done.returncode:
            pytest.fail(f"npm cannot install {_PACKAGE} {wanted}:\n{done.stderr}", pytrace=False)
    return str(found)


def test_the_typescript_client_takes_a_tour(node: str) -> None:
    done = subprocess.run(
        [node, "tour.mjs", COMMAND, "serve", "--sandbox"],
        cwd=_TOUR,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "descope_search" in found.pop("tools")
    assert found == {
        "cursor": -32602,
        "unknown": -32602,
        "read": 100,
        "cancelled": True,
        "after": True,
        "errors": [],
    }

"""Descope's own Node SDK works with the sandbox, and believes the tokens it gets."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.processes import BASE
from tests.sandbox.processes import sandbox

_TOUR = Path(__file__).parent / "node"
_PACKAGE = "@descope/node-sdk"
_INSTALL = (
    *("npm", "install", "--no-package-lock", "--ignore-scripts"),
    *("--no-audit", "--no-fund", "--fetch-retries=1"),
)


@pytest.fixture(scope="module")
def node() -> str:
    """Node, with the SDK in an ignored folder, where it stays for the next run."""
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


def test_the_node_sdk_takes_a_tour(node: str) -> None:
    with sandbox("--seed", "empty") as settings:
        done = subprocess.run(
            [node, "tour.mjs"],
            cwd=_TOUR,
            env={**BASE, **settings},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr

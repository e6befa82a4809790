"""Descope's own Node SDK works with the sandbox, and believes the tokens it gets."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests import foreign_packages
from tests.cli.processes import BASE
from tests.sandbox.processes import sandbox

_TOUR = Path(__file__).parent / "node"


def test_the_node_sdk_takes_a_tour() -> None:
    node = foreign_packages.node(_TOUR)
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

"""The first commands of the README, from the wheel and with nothing else there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from descope_mcp import __version__
from release import distributions
from tests import foreign_packages

pytestmark = pytest.mark.campaign
#: How a machine reaches registries, and nothing else of its environment.
_NETWORK = ("SSL_CERT_FILE", "PIP_CERT", "HTTPS_PROXY", "PIP_INDEX_URL", "UV_INDEX_URL")
_HANDSHAKE = (
    {
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "newcomer", "version": "1"},
        },
    },
    {"method": "notifications/initialized"},
    {"id": 2, "method": "tools/list", "params": {}},
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built, _ = distributions.build(tmp_path_factory.mktemp("dist"), 1_750_000_000)
    return built


@pytest.mark.parametrize("runner", [("uvx", "--from"), ("pipx", "run", "--spec")], ids=" ".join)
def test_the_wheel_runs_where_nothing_is_installed(
    runner: Sequence[str], wheel: Path, tmp_path: Path
) -> None:
    programs = Path(foreign_packages.python(Path(__file__).parent / "runners")).parent
    env = {name: os.environ[name] for name in _NETWORK if name in os.environ}
    env |= {"HOME": str(tmp_path), "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin"}

    def said(*arguments: str, given: str = "") -> str:
        program = str(programs / runner[0])
        command = [program, *runner[1:], str(wheel), "descope-mcp", *arguments]
        done = subprocess.run(command, env=env, input=given, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert said("--version") == f"descope-mcp, version {__version__}\n"
    asked = ("--sandbox", "--arguments", '{"tenantId": "globex"}')
    assert json.loads(said("call", "ReviewTenantAccess", *asked))["tenant"]["id"] == "globex"
    lines = "".join(json.dumps({"jsonrpc": "2.0", **one}) + "\n" for one in _HANDSHAKE)
    answers = [json.loads(line) for line in said("serve", "--sandbox", given=lines).splitlines()]
    assert [answer["id"] for answer in answers] == [1, 2]
    assert len(answers[1]["result"]["tools"]) == 8

"""Clients that we did not write, on a real server process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.responses import JSONResponse, Response

from tests import foreign_packages
from tests.e2e.serving import served
from tests.e2e.wire import pointed_at
from tests.preloaded import COMMAND
from tests.recorder import EVERY_SERVER, STORE_SETTINGS, Recorded, Recorder, recording

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parent
CREDENTIALS = ("DESCOPE_BASE_URL", "DESCOPE_PROJECT_ID", "DESCOPE_MANAGEMENT_KEY")
SETTINGS = {*CREDENTIALS, *STORE_SETTINGS, *EVERY_SERVER}
INSPECTOR = "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
HUB = [
    f"descope_{name}"
    for name in ("search", "describe", "read", "write", "destructive", "plan", "undo", "status")
]
READING = [f"descope_{name}" for name in ("search", "describe", "read", "status")]
#: So many reads go out at once.
AT_ONCE = 100


class Descope:
    """Knows every user. One read, "slow" or the first "crowd", waits until all others came."""

    def __init__(self) -> None:
        self._done, self._answered, self._waits = asyncio.Event(), 0, False

    async def __call__(self, request: Recorded) -> Response:
        if request.path != "/v1/mgmt/user":
            return JSONResponse({})
        # By its user id nobody else is found.
        query = dict(request.query)
        login = query.get("loginId") or query["userId"]
        if login == "never":
            await asyncio.sleep(3)
        elif login in ("slow", "crowd") and not self._waits:
            self._waits = True
            await self._done.wait()
        else:
            self._answered += 1
            if self._answered == AT_ONCE - 1:
                self._done.set()
        return JSONResponse(
            {
                "user": {
                    "name": login,
                    "loginIds": [login],
                    "userId": f"U-{login.removeprefix('U-')}",
                }
            }
        )


@pytest.fixture
async def descope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Recorder]:
    # What a client keeps for itself is no other test's.
    monkeypatch.setenv("HOME", str(tmp_path))
    async with recording(Descope()) as recorder:
        yield recorder


@pytest.fixture(params=["stdio", "http"])
async def server(request: pytest.FixtureRequest, descope: Recorder) -> AsyncIterator[list[str]]:
    """How a client is told of the server: its command, or its address."""
    if request.param == "stdio":
        yield [COMMAND, "serve"]
        return
    async with served("--no-auth", env=pointed_at(descope.url)) as url:
        yield [url]


@pytest.fixture(scope="module")
def node() -> str:
    return foreign_packages.node(HERE / "node")


@pytest.fixture(scope="module")
def python() -> str:
    return foreign_packages.python(HERE / "agent_framework")


async def said(command: list[str], folder: str, descope: Recorder, code: int = 0) -> Any:
    """What a client says at its end, as JSON."""
    env = pointed_at(descope.url)
    with anyio.fail_after(120):
        done = await anyio.run_process(command, cwd=HERE / folder, env=env, check=False)
    assert done.returncode == code, (done.stdout, done.stderr)
    return json.loads(done.stdout)


async def abandoned(descope: Recorder) -> bool:
    """Whether the server gave up the read that was cancelled, and nothing else."""
    with anyio.fail_after(10):
        while not descope.abandoned:  # noqa: ASYNC110 - it tells nobody
            await anyio.sleep(0.02)
    (one,) = descope.abandoned
    return dict(one.query)["loginId"] == "never"


def changed(descope: Recorder) -> bool:
    """Whether the change that was refused was sent all the same."""
    return any(request.path.endswith("/delete") for request in descope.requests)


async def test_the_typescript_client_takes_a_tour(
    node: str, descope: Recorder, server: list[str]
) -> None:
    found = await said([node, "tour.mjs", *server], "node", descope)
    errors = found.pop("errors")
    assert found == {
        "tools": HUB,
        "cursor": -32602,
        "unknown": -32602,
        "read": AT_ONCE,
        "refused": "approval",
        "cancelled": True,
        "after": True,
    }
    # A stream of the older revisions ends with a response, even to what the client has forgotten.
    assert not [error for error in errors if len(server) > 1 or "Request cancelled" not in error]
    assert await abandoned(descope)
    assert not changed(descope)


async def test_an_agent_framework_takes_a_tour(
    python: str, descope: Recorder, server: list[str]
) -> None:
    found = await said([python, "tour.py", *server], "agent_framework", descope)
    (refused,) = found.pop("refused")
    assert "waits for the person's own word" in refused
    assert found == {
        "tools": HUB,
        "cursor": -32602,
        "read": AT_ONCE,
        "cancelled": True,
        "after": True,
    }
    assert await abandoned(descope)
    assert not changed(descope)


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_the_inspector_reads_and_is_refused(
    node: str, descope: Recorder, server: list[str], era: str
) -> None:
    """Each command is a client of its own, and on stdio a server of its own too."""

    async def inspect(*options: str, code: int = 0) -> Any:
        settings = [f"{k}={v}" for k, v in pointed_at(descope.url).items() if k in SETTINGS]
        passed = [part for setting in settings for part in ("-e", setting)]
        how = passed if len(server) > 1 else ["--transport", "http"]
        common = [*how, "--protocol-era", era, "--format", "json"]
        command = [node, INSPECTOR, "--cli", *server, *common, *options]
        return (await said(command, "node", descope, code))["result"]

    def tool(effect: str, operation: str, login: str) -> list[str]:
        arguments = {"operation": operation, "arguments": {"loginId": login}}
        called = ["--method", "tools/call", "--tool-name", f"descope_{effect}"]
        return [*called, "--tool-args-json", json.dumps(arguments)]

    at_once = ["--load", "--load-requests", str(AT_ONCE), "--load-concurrency", str(AT_ONCE)]
    summary = await inspect(*tool("read", "LoadUser", "crowd"), *at_once)
    assert (summary["ok"], summary["toolErrors"], summary["errors"]) == (AT_ONCE, 0, 0)
    refused = await inspect(*tool("destructive", "DeleteUser", "u1"))
    assert refused["structuredContent"]["rule"] == "approval"
    assert not changed(descope)


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_the_inspectors_strict_lint_finds_nothing_in_any_list(
    node: str, descope: Recorder, era: str
) -> None:
    """Neither errors nor warnings, in the schemas of every tool that there is."""

    async def tools(*server: str) -> list[str]:
        how = ["--transport", "http"] if server[0].startswith("http:") else []
        options = [*how, "--protocol-era", era, "--method", "tools/list", "--strict"]
        command = [node, INSPECTOR, "--cli", *server, *options, "--format", "json"]
        answer = await said(command, "node", descope)
        # An error ends the command with a code of its own; a warning only stands in its answer.
        assert list(answer) == ["result"], answer["schemaFindings"]
        return [tool["name"] for tool in answer["result"]["tools"]]

    assert await tools(COMMAND, "serve") == HUB
    everything = await tools(COMMAND, "serve", "--toolsets", "all")
    assert len(everything) > 450
    async with served("--no-auth", env=pointed_at(descope.url)) as url:
        listed = {path: await tools(f"{url}{path}") for path in ("", "/readonly", "/t/all")}
    assert listed == {"": HUB, "/readonly": READING, "/t/all": everything}

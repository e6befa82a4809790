"""The protocol's own conformance suite, against the application as it is served."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.server import app
from descope_mcp.server.auth.configuration import Configuration
from descope_mcp.server.auth.resource_server import ResourceServer
from descope_mcp.server.http.callers import unauthenticated
from descope_mcp.store import machine_tokens
from tests import foreign_packages
from tests.e2e.conformance import fixtures
from tests.recorder import recording
from tests.server.http.served import served

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parent
NEWEST, FIRST = "conformance", "conformance-first"

#: Scored by no revision: an extension that is not offered, and streams that can be resumed, which
#: 2026-07-28 has no more.
UNSCORED = {
    "2026-07-28": {
        *("tasks-lifecycle", "tasks-capability-negotiation", "tasks-wire-fields"),
        *("tasks-request-state-removal", "tasks-mrtr-input", "tasks-request-headers"),
        *("tasks-dispatch-and-envelope", "tasks-required-task-error", "tasks-mrtr-composition"),
    },
    "2025-11-25": {"server-sse-polling"},
}
#: A server of the older revisions asks by a request of its own, which takes a session and a stream.
ASKS = {
    *("tools-call-sampling", "tools-call-elicitation"),
    *("elicitation-sep1034-defaults", "elicitation-sep1330-enums"),
}
#: What a server cannot do that keeps no sessions, or answers with JSON alone.
WITHOUT = {
    "sessions": {
        "2025-11-25": {*ASKS, "server-sse-multiple-streams"},
        "2026-07-28": set[str](),
    },
    "streams": {
        "2025-11-25": {*ASKS, "tools-call-with-progress", "tools-call-with-logging"},
        "2026-07-28": {"tools-call-with-progress"},
    },
}
SCENARIOS = {"2025-11-25": 30, "2026-07-28": 37}


@pytest.fixture(scope="module")
def node() -> str:
    return foreign_packages.node(HERE, oldest=22)


@pytest.fixture(autouse=True)
def _fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    build = app.build
    monkeypatch.setattr(app, "build", lambda *given: fixtures.added_to(build(*given)))


async def unlike(
    node: str, catalog: Catalog, out: Path, suite: str, *options: str, **mode: Any
) -> tuple[set[str], int]:
    """The scenarios in which the server is not as the suite wants it, and how many there were."""
    main = HERE / "node_modules" / suite / "dist" / "index.js"
    async with recording() as descope:
        services = descope.services(catalog)
        known = tokened(services) if mode.pop("token", False) else {}
        async with served(services, **{"authenticate": unauthenticated, **known, **mode}) as server:
            command = [node, str(main), "server", "--url", server.url, *options, "-o", str(out)]
            with anyio.fail_after(120):
                done = await anyio.run_process(command, check=False)
    found = dict(results(out))
    assert found, done.stdout.decode()[-2000:] + done.stderr.decode()[-2000:]
    return {name for name, well in found.items() if not well}, len(found)


def tokened(services: Services) -> dict[str, Any]:
    """The layers that ask who calls; the suite, which knows of no tokens, is given one."""
    guard = ResourceServer(Configuration("http://127.0.0.1", (), ()), services)
    scopes = ["descope:destructive"]
    _, token = machine_tokens.create(services.store, "conformance", scopes, 600)

    def authenticate(inner: ASGIApp) -> ASGIApp:
        known = guard.authenticate(inner)

        async def given(scope: Scope, receive: Receive, send: Send) -> None:
            header = (b"authorization", f"Bearer {token}".encode())
            await known({**scope, "headers": [*scope["headers"], header]}, receive, send)

        return given

    return {"authenticate": authenticate, "permit": guard.permit, "rights": guard.rights.of}


def results(out: Path) -> Iterator[tuple[str, bool]]:
    """Each scenario, and whether all was well; a warning is not."""
    for checks in out.glob("*/checks.json"):
        name = re.fullmatch(r"server-(.+?)-\d{4}-\d\d-\d\dT.*", checks.parent.name)
        assert name is not None
        said = [check["status"] for check in json.loads(checks.read_text())]
        yield name[1], bool(said) and not {"FAILURE", "WARNING"} & set(said)


@pytest.mark.parametrize("revision", SCENARIOS)
async def test_all_that_a_revision_requires_is_there(
    node: str, catalog: Catalog, tmp_path: Path, revision: str
) -> None:
    wrong, count = await unlike(node, catalog, tmp_path, NEWEST, "--requirements", revision)
    assert wrong == UNSCORED[revision]
    assert count >= SCENARIOS[revision]


@pytest.mark.campaign
@pytest.mark.parametrize("revision", SCENARIOS)
async def test_it_is_there_for_who_has_a_token(
    node: str, catalog: Catalog, tmp_path: Path, revision: str
) -> None:
    options = ("--requirements", revision)
    wrong, count = await unlike(node, catalog, tmp_path, NEWEST, *options, token=True)
    assert wrong == UNSCORED[revision]
    assert count >= SCENARIOS[revision]


@pytest.mark.campaign
@pytest.mark.parametrize("revision", SCENARIOS)
@pytest.mark.parametrize(("mode", "lacks"), [("stateless", "sessions"), ("json", "streams")])
async def test_a_mode_lacks_what_it_leaves_out_and_nothing_else(
    node: str, catalog: Catalog, tmp_path: Path, revision: str, mode: str, lacks: str
) -> None:
    options = ("--requirements", revision)
    wrong, count = await unlike(node, catalog, tmp_path, NEWEST, *options, **{mode: True})
    # Without a session polling says nothing of itself.
    assert wrong - UNSCORED[revision] == WITHOUT[lacks][revision]
    assert count >= SCENARIOS[revision]


@pytest.mark.campaign
async def test_the_suite_of_the_older_revisions_finds_nothing(
    node: str, catalog: Catalog, tmp_path: Path
) -> None:
    wrong, count = await unlike(node, catalog, tmp_path, FIRST, "--suite", "all")
    assert wrong == UNSCORED["2025-11-25"]
    assert count == 32

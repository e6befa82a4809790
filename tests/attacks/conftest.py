from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations
from tests.attacks.scenes import Runner, answer
from tests.attacks.tally import KINDS, tally
from tests.recorder import Recorder, load_contract, recording, shared_store

_HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Servers live as long as a module, so the event loop does."""
    return "asyncio"


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    runner = Runner()
    yield runner
    runner.close()


@pytest.fixture(scope="module")
async def recorder() -> AsyncIterator[Recorder]:
    async with recording(answer) as recorder:
        yield recorder


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is an attack; a campaign is one that is not tried every time."""
    for item in items:
        if _HERE in item.path.parents and not item.get_closest_marker("campaign"):
            item.add_marker("attacks")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a worker counted to the process that tells it."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["attacks"] = dict(tally)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker counted."""
    tally.update(getattr(node, "workeroutput", {}).get("attacks", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what the attacks came to, if any were made."""
    if tally:
        terminalreporter.section("attacks")
        for kind in KINDS:
            terminalreporter.line(f"{kind:18} {tally[kind]:6}")


@pytest.fixture
async def acme(catalog: Catalog) -> AsyncIterator[Services]:
    """Services that talk to a fresh sandbox."""
    async with running(load_contract().endpoints.values(), organisations.acme()) as service:
        keys = Credentials(service.project_id, service.management_key, "", "")
        client = Client(service.url, keys, catalog.errors, 10.0)
        yield Services(catalog, client, Policy(), shared_store())
        await client.close()

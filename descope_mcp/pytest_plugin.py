"""The pytest fixture `descope_sandbox`: a local Descope for tests, as at the beginning for each.

Pytest loads this module wherever the package is installed, so nothing else is loaded before a test
asks for the fixture.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest


@dataclass(frozen=True, slots=True)
class DescopeSandbox:
    """A sandbox that runs as long as the tests.

    Attributes:
        url: the base URL for clients.
        project_id: of the project in it.
        management_key: that opens it; another one in every run.
    """

    url: str
    project_id: str
    management_key: str = field(repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that Descope's SDKs and descope-mcp read, for a process to start."""
        return {
            "DESCOPE_BASE_URL": self.url,
            "DESCOPE_PROJECT_ID": self.project_id,
            "DESCOPE_MANAGEMENT_KEY": self.management_key,
        }

    def outbox(self, **wanted: str) -> list[dict[str, Any]]:
        """The messages that would have been sent, the oldest first; `to` and `channel` filter."""
        answer: dict[str, Any] = self._ask("GET", f"/outbox?{urlencode(wanted)}")
        return list(answer["messages"])

    def requests(self) -> list[dict[str, Any]]:
        """The requests of this test with their answers, secrets replaced."""
        answer: dict[str, Any] = self._ask("GET", "/requests")
        return list(answer["requests"])

    def add_fault(self, operation: str = "*", **fault: Any) -> None:
        """Let calls meet a fault, such as ``status=429, times=2`` or ``drop=True``."""
        self._ask("POST", "/faults", {"operation": operation, **fault})

    def advance(self, seconds: float) -> None:
        """Let this time go by at once."""
        self._ask("POST", "/clock", {"advance": seconds})

    def set_conditions(self, **conditions: Any) -> None:
        """Switch ``rateLimits``, ``searchDelay`` or ``cookies``."""
        self._ask("PATCH", "/conditions", conditions)

    def reset(self, seed: str = "") -> None:
        """Begin anew, with what the run began with or with another built-in seed."""
        self._ask("POST", "/reset", {"seed": seed})
        self._ask("DELETE", "/requests")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        from descope_mcp.sandbox.http.control_client import NoSandbox, ask

        try:
            return json.loads(ask(self.url, method, path, body))
        except NoSandbox as error:
            raise ValueError(f"the sandbox does not do that: {error}") from None


def pytest_addoption(parser: pytest.Parser) -> None:
    """The setting that says what a sandbox begins with."""
    parser.addini(
        "descope_sandbox_seed",
        "acme, b2b, empty, or a seed file, relative to the root directory",
        default="acme",
    )


@pytest.fixture(scope="session")
def _descope_sandbox_of_the_run(pytestconfig: pytest.Config) -> Iterator[DescopeSandbox]:
    from anyio.from_thread import start_blocking_portal

    from descope_mcp.catalog.catalog import load
    from descope_mcp.sandbox.engine.snapshot import Snapshot
    from descope_mcp.sandbox.http.serve import running
    from descope_mcp.sandbox.seed_files.errors import SeedError
    from descope_mcp.sandbox.seeds import organisations

    name = str(pytestconfig.getini("descope_sandbox_seed"))
    if name not in organisations.SEEDS:
        name = str(pytestconfig.rootpath / name)
    catalog = load()
    try:
        state = organisations.chosen(name, catalog)()
    except (KeyError, SeedError) as error:
        raise pytest.UsageError(f"descope_sandbox_seed: {error}") from None
    seeds = {**organisations.SEEDS, "": Snapshot(state).state}
    served = running(catalog.routes(), state, seeds=seeds)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(served) as local:
        yield DescopeSandbox(local.url, local.project_id, local.management_key)


@pytest.fixture
def descope_sandbox(_descope_sandbox_of_the_run: DescopeSandbox) -> DescopeSandbox:
    """A local Descope on a loopback port, as at the beginning; one for all tests of a process."""
    _descope_sandbox_of_the_run.reset()
    return _descope_sandbox_of_the_run

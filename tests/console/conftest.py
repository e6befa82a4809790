"""A store of its own for every test, and one browser for those of a file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.store.store import Store
from tests.console.served import Served, served, services
from tests.postgres import cluster
from tests.stores import close_all, reopened, replica

Opened = Callable[..., BrowserContext]


@pytest.fixture
def own(tmp_path: Path) -> Store:
    return Store(tmp_path / "state", tmp_path / "config" / "key")


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def replicas(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """One store, as two processes or two machines have it."""
    if request.param == "SQLite":
        first = Store(tmp_path / "state", tmp_path / "config" / "key")
        second = reopened(first)
    else:
        url = cluster().database()
        first = Store(tmp_path / "state", tmp_path / "config" / "key", url=url)
        second = replica(first, tmp_path / "other")
    yield first, second
    first.close()
    close_all()


@pytest.fixture
def console(catalog: Catalog, own: Store) -> Iterator[Served]:
    with served(services(catalog, own)) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of a file; while it is there, no other loop runs in this thread."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        # Where it is decided whether a change lands, nothing is left out.
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent("there is no chromium here (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """Makes windows that know nothing of each other."""
    made: list[BrowserContext] = []

    def window(**options: object) -> BrowserContext:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        made.append(context)
        return context

    yield window
    for context in made:
        context.close()

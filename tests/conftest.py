from __future__ import annotations

import atexit
import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.store.store import Store
from tests import on_disk, preloaded
from tests.recorder import STORE_SETTINGS, shared_store

if TYPE_CHECKING:
    from descope_mcp.store.open_store import Opened

# Nobody's real state either: every process of the tests finds its store here.
_directory = Path(tempfile.mkdtemp(prefix="descope-mcp-tests-"))
atexit.register(shutil.rmtree, _directory, ignore_errors=True)
for _name, _place in zip(STORE_SETTINGS, ("state", "config/key"), strict=True):
    os.environ[_name] = str(_directory / _place)

# Nor does anybody's profile count.
os.environ["XDG_CONFIG_HOME"] = str(_directory / "settings")

_open = Store._open


def _open_first(store: Store) -> Opened:
    """Opens the first store of the process; what that loads, a process without one need not."""
    from tests import migrated

    Store._open = _open
    migrated.install()
    return _open(store)


Store._open = _open_first
_modules = itertools.count()
on_disk.insist()
preloaded.install()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--renew-snapshots", action="store_true", help="write tests/snapshots anew; read the diff"
    )


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load()


@pytest.fixture(scope="module", autouse=True)
def _a_store_of_its_own() -> Iterator[None]:
    """What the tests of one module leave in their store, those of the next never meet.

    The places keep their names, which processes are told; what is there is moved aside, since a
    database that is open must not be deleted under its connections.
    """
    yield
    aside = _directory / f"module-{next(_modules)}"
    for name in ("state", "config"):
        if (_directory / name).exists():
            (_directory / name).rename(aside.with_name(f"{aside.name}-{name}"))


@pytest.fixture(scope="module", autouse=True)
def _nothing_left_open() -> Iterator[None]:
    """What a module leaves open fails the module, not whichever test garbage is collected in."""
    if not gc.get_freeze_count():
        # What was imported is no garbage, and takes long to look through.
        gc.collect()
        gc.freeze()
    yield
    gc.collect()


@pytest.fixture(scope="module")
def store() -> Store:
    """The store that a module's tests share; they tell their rows apart by what they ask for."""
    return shared_store()


@pytest.fixture(autouse=True)
def _no_credentials_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's real credentials reach a test."""
    for name in list(os.environ):
        if name.startswith("DESCOPE_") and name not in STORE_SETTINGS:
            monkeypatch.delenv(name)

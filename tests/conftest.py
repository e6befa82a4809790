import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.store.store import Store
from tests import on_disk
from tests.recorder import STORE_SETTINGS, shared_store

# Nobody's real state either: every process of the tests finds its store here.
_directory = Path(tempfile.mkdtemp(prefix="descope-mcp-tests-"))
atexit.register(shutil.rmtree, _directory, ignore_errors=True)
for _name, _place in zip(STORE_SETTINGS, ("state", "config/key"), strict=True):
    os.environ[_name] = str(_directory / _place)

on_disk.insist()


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


@pytest.fixture(scope="session")
def store() -> Store:
    """The store that tests share; they tell their rows apart by what they ask for."""
    return shared_store()


@pytest.fixture(autouse=True)
def _no_credentials_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's real credentials reach a test."""
    for name in list(os.environ):
        if name.startswith("DESCOPE_") and name not in STORE_SETTINGS:
            monkeypatch.delenv(name)

from collections.abc import Iterator
from pathlib import Path

import pytest

from descope_mcp.store.store import Store
from tests.postgres import cluster
from tests.stores import close_all


@pytest.fixture
def in_files(tmp_path: Path) -> Iterator[Store]:
    """A store of this test alone, in SQLite."""
    store = Store(tmp_path / "state", tmp_path / "config" / "key")
    yield store
    store.close()


@pytest.fixture
def on_server(tmp_path: Path) -> Iterator[Store]:
    """A store of this test alone, in PostgreSQL."""
    store = Store(tmp_path / "state", tmp_path / "config" / "key", url=cluster().database())
    yield store
    store.close()
    close_all()


@pytest.fixture(params=["in_files", "on_server"])
def own(request: pytest.FixtureRequest) -> Store:
    """A store of this test alone, in each kind of database."""
    store: Store = request.getfixturevalue(request.param)
    return store

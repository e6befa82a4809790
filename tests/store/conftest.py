from collections.abc import Iterator
from pathlib import Path

import pytest

from descope_mcp.store.store import Store


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Store]:
    """A store of this test alone."""
    store = Store(tmp_path / "state", tmp_path / "config" / "key")
    yield store
    store.close()

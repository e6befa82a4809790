from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from descope_mcp.catalog.catalog import Catalog
from tests.call.plan.world import World, world


@pytest.fixture
async def here(catalog: Catalog, tmp_path: Path) -> AsyncIterator[World]:
    """A fresh sandbox and a store of its own."""
    async with world(catalog, tmp_path) as made:
        yield made

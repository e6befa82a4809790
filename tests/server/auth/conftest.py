from collections.abc import AsyncIterator, Iterator

import pytest

from descope_mcp.catalog.catalog import Catalog
from tests.server.auth.provider import Provider, serving
from tests.server.auth.world import World, standing


@pytest.fixture
def provider() -> Iterator[Provider]:
    """An authorization server of this test alone."""
    with serving() as running:
        yield running


@pytest.fixture
async def world(provider: Provider, catalog: Catalog) -> AsyncIterator[World]:
    async with standing(provider, catalog) as one:
        yield one

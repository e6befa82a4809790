from collections.abc import Iterator

import pytest

from tests.server.auth.provider import Provider, serving


@pytest.fixture
def provider() -> Iterator[Provider]:
    """An authorization server of this test alone."""
    with serving() as running:
        yield running

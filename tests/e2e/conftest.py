import pytest


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Servers live as long as a module, so the event loop does."""
    return "asyncio"

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from descope_mcp.catalog.catalog import Catalog

from .processes import BASE, PRELOADED, settings_of


@pytest.fixture(scope="session")
def sandbox(catalog: Catalog) -> Iterator[dict[str, str]]:
    """The settings of a sandbox in a process of its own, as it prints them."""
    process = subprocess.Popen(
        [PRELOADED, "sandbox"], env=BASE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout
        yield settings_of([process.stdout.readline() for _ in range(3)])
    finally:
        process.terminate()
        process.wait()
        assert process.stdout
        process.stdout.close()

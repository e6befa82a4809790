"""A preview together with its counts, as a person is shown them."""

from typing import Any

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.preview import Preview, look
from descope_mcp.guard.preview.read_budget import Reader, thrifty


async def look_and_count(
    catalog: Catalog, operation: Operation, arguments: dict[str, Any], project: str, read: Reader
) -> Preview:
    """Look and count, with one budget of reads."""
    return await look(catalog, operation, arguments, project, thrifty(read), counting=True)

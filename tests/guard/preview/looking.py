"""A preview together with its counts, as a person is shown them."""

from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.preview import Preview, Reader, Tally, look, tally, thrifty


@dataclass(frozen=True)
class Looked(Preview):
    """What was found, and how much hangs on it."""

    counts: tuple[Tally, ...] = ()


async def look_and_count(
    catalog: Catalog, operation: Operation, arguments: dict[str, Any], project: str, read: Reader
) -> Looked:
    """Look, then count, with one budget of reads."""
    reader = thrifty(read)
    seen = await look(catalog, operation, arguments, project, reader)
    counts = await tally(catalog, operation, seen, reader)
    return Looked(seen.scope, seen.found, seen.missing, seen.incomplete, counts)

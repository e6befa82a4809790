"""What the keys can do, found by reads that change nothing and cost little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import anyio

from descope_mcp.api.client import Client
from descope_mcp.api.errors import ApiError, ApiFailure
from descope_mcp.catalog.catalog import Catalog, ToolsetInfo

#: HTTP's words for a key that nobody knows, and for one that may not.
_UNKNOWN, _FORBIDDEN = 401, 403


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of the read of one family of operations."""

    family: str
    title: str
    operation: str
    found: Literal["reads", "refused", "failed"]
    why: str = ""


async def accepted(client: Client, catalog: Catalog) -> None:
    """Make sure that Descope knows the key, by the read of the first family that has one.

    Raises:
        ApiFailure: it does not, or cannot be asked.
    """
    family = next(_tried(client, catalog))
    try:
        await _read(client, catalog, family)
    except ApiError as error:
        # It is known, and may do something else.
        if error.status != _FORBIDDEN:
            raise


async def of_all_families(client: Client, catalog: Catalog) -> list[Trial]:
    """The read of each family that has one and whose key is there, in the order of the catalog."""
    families = list(_tried(client, catalog))
    found: dict[str, Trial] = {}

    async def one(family: ToolsetInfo) -> None:
        found[family.name] = await _trial(client, catalog, family)

    async with anyio.create_task_group() as tasks:
        for family in families:
            tasks.start_soon(one, family)
    return [found[family.name] for family in families]


async def _trial(client: Client, catalog: Catalog, family: ToolsetInfo) -> Trial:
    about = (family.name, family.title, family.probe["operation"])
    try:
        await _read(client, catalog, family)
    except ApiError as error:
        refused = error.status in (_UNKNOWN, _FORBIDDEN)
        return Trial(*about, "refused" if refused else "failed", error.message)
    except ApiFailure as error:
        return Trial(*about, "failed", error.message)
    return Trial(*about, "reads")


async def _read(client: Client, catalog: Catalog, family: ToolsetInfo) -> None:
    operation = catalog[family.probe["operation"]]
    arguments = family.probe.get("arguments", {})
    await client.run(operation, arguments, call_id="trial", repeatable=True)


def _tried(client: Client, catalog: Catalog) -> Iterator[ToolsetInfo]:
    keys = client.credentials
    there = {"management_key": keys.management_key, "access_key": keys.access_key}
    for family in catalog.toolsets:
        if family.probe and any(map(there.get, catalog[family.probe["operation"]].schemes)):
            yield family

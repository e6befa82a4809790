"""A replica that makes a call for each of many users, each of which a person has approved once."""

from __future__ import annotations

import json
import sys
from collections import Counter
from functools import partial

import anyio

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import load
from descope_mcp.guard.policy.decision import Policy
from tests.recorder import MANAGEMENT_KEY, PROJECT
from tests.stores import at

AT_ONCE = 8


def delete(number: int) -> Call:
    """What has to be approved."""
    return Call("DeleteUser", {"loginId": f"user-{number}"}, "agent")


async def main(url: str, count: str, *places: str) -> None:
    catalog = load()
    client = Client(url, Credentials(PROJECT, MANAGEMENT_KEY), catalog.errors, 20.0)
    services = Services(catalog, client, Policy(), at(*places))
    ended: Counter[str] = Counter()
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def one(number: int) -> None:
        async with limit:
            outcome = await invoke(delete(number), services)
        ended[type(outcome).__name__] += 1

    async with anyio.create_task_group() as tasks:
        for number in range(int(count)):
            tasks.start_soon(one, number)
    await client.close()
    services.store.close()
    sys.stdout.write(json.dumps(ended))


if __name__ == "__main__":
    anyio.run(partial(main, *sys.argv[1:]))

"""One of several processes that change the same target at once, each a field of its own.

Run as a process: url, project, management key, state, key file, rounds, then the fields. It prints
how many of its changes were lost, and how each call ended that did not succeed.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import load
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.store.store import Store

#: The same user by its login id and by its user id.
USER = "daniel.weiss@acme.example"


async def change(services: Services, field: str, value: str, user: str) -> str:
    """Change one field and leave it to the merge to keep the others; how it ended."""
    call = Call("UpdateUser", {"loginId": user, field: value}, "agent")
    outcome = await invoke(call, services)
    return "done" if isinstance(outcome, Completed) else str(outcome)


async def held(services: Services) -> dict[str, Any]:
    """What is there."""
    outcome = await invoke(Call("LoadUser", {"loginId": USER}, "agent"), services)
    assert isinstance(outcome, Completed), outcome
    user: dict[str, Any] = outcome.data["user"]
    return user


async def rounds(
    services: Services, count: int, fields: list[str], prefix: str = ""
) -> tuple[int, Counter[str]]:
    """Change all fields at once, `count` times: lost changes, and how the calls ended."""
    lost, ended = 0, Counter[str]()
    user_id = (await held(services))["userId"]
    for number in range(count):
        value = f"{prefix}{number}"

        async def one(field: str, user: str, value: str = value) -> None:
            ended[await change(services, field, value, user)] += 1

        async with anyio.create_task_group() as tasks:
            for index, field in enumerate(fields):
                tasks.start_soon(one, field, user_id if index % 2 else USER)
        now = await held(services)
        lost += sum(now.get(field) != value for field in fields)
    return lost, ended


async def main(
    url: str, project: str, key: str, state: str, key_file: str, count: str, *fields: str
) -> None:
    catalog = load()
    client = Client(url, Credentials(project, key), catalog.errors, 30.0)
    store = Store(Path(state), Path(key_file))
    services = Services(catalog, client, Policy(), store)
    lost, ended = await rounds(services, int(count), list(fields))
    await client.close()
    store.close()
    sys.stdout.write(json.dumps({"lost": lost, "ended": ended}))


if __name__ == "__main__":
    anyio.run(partial(main, *sys.argv[1:]))

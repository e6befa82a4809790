"""A replica as a process of its own: it serves the console, and makes the calls it is told to.

``python -m tests.console.replica RECORDER STATE KEY URL`` prints where its pages are. For every
number that it reads it deletes that user and prints how the call ended.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import anyio

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import load
from tests.attacks.replica import delete
from tests.console.served import served, services
from tests.recorder import MANAGEMENT_KEY, PROJECT
from tests.stores import at


async def calling(given: Services) -> None:
    """Make a call for every number, until there are no more."""
    while line := await anyio.to_thread.run_sync(sys.stdin.readline):
        outcome = await invoke(delete(int(line)), given)
        said(type(outcome).__name__)
    await given.client.close()


def said(text: str) -> None:
    """Tell whoever started this."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(recorder: str, *places: str) -> None:
    """Serve, and call."""
    catalog = load()
    pages = services(catalog, at(*places))
    keys = Credentials(PROJECT, MANAGEMENT_KEY)
    calls = replace(pages, client=Client(recorder, keys, catalog.errors, 20.0))
    with served(pages) as running:
        said(running.origin)
        anyio.run(calling, calls)
    pages.store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

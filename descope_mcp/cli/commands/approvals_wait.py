"""`descope-mcp approvals wait`: return when a person has answered."""

from __future__ import annotations

import sys
import time

import click

from descope_mcp import settings
from descope_mcp.cli import options, wiring
from descope_mcp.cli.display import output
from descope_mcp.cli.display.progress import progress
from descope_mcp.cli.display.times import duration
from descope_mcp.cli.main import NOT_NOW, REFUSED
from descope_mcp.store.consent import approvals

#: It is looked at least this often, in seconds: a pooler may keep what the database tells.
_EVERY = 1.0


@click.command("wait")
@click.argument("number", type=int)
@click.option("--timeout", default="1h", show_default=True, help="Give up then: 90s, 30m, 2h.")
@options.json_lines
def wait(number: int, timeout: str) -> None:
    """Wait until a request is approved, denied or expired.

    Exit codes: 0 approved, 3 denied, revoked or expired, 5 not answered in time.
    """
    end = time.monotonic() + duration(timeout)
    store = wiring.store(settings.load())
    with store.changes() as changed, progress(f"Request {number} waits for a person"):
        while True:
            request = approvals.request(store, number)
            if request is None:
                raise click.UsageError(
                    f"there is no request {number}; see `descope-mcp approvals list`"
                )
            left = end - time.monotonic()
            if request.status != "pending" or left <= 0:
                break
            changed(min(_EVERY, left))
    status = request.status
    if status == "pending":
        output.problem(
            f"request {number} was not answered within {timeout}.",
            "It still waits; ask the person.",
            kind="pending",
        )
        sys.exit(NOT_NOW)
    output.said(f"Request {number} is {status}.", number=number, status=status)
    if status not in ("approved", "used"):
        sys.exit(REFUSED)

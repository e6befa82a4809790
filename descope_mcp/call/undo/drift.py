"""Whether an updated object is still as the update left it, before that is taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from descope_mcp.api.errors import ApiFailure
from descope_mcp.call.outcome import Instead, Refused
from descope_mcp.call.services import Services
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.comparison.difference import UNKNOWN
from descope_mcp.guard.preview.comparison.merge import merge
from descope_mcp.guard.preview.failures import PreviewFailed
from descope_mcp.guard.preview.preview import look
from descope_mcp.guard.preview.read_budget import Reader, thrifty

ANYWAY = "Nothing was sent. anyway: true undoes it all the same."


async def unchanged(
    operation: Operation,
    sent: dict[str, Any],
    steps: Sequence[Mapping[str, Any]],
    services: Services,
    read: Reader,
) -> None:
    """End the undo if an updated object is no longer as the update left it.

    Args:
        operation: that updated it.
        sent: what the update said.
        steps: what would take it back. The update may have given its object another name, by which
            these find it.
        services: of the call.
        read: runs one read, within a budget.

    Raises:
        Instead: it is not, or that cannot be seen.
    """
    if not operation.update:
        return
    back = (dict(one["arguments"]) for one in steps if one["operation"] == operation.name)
    naming = next(back, sent)
    try:
        preview = await look(services.catalog, operation, naming, services.project, read)
    except (PreviewFailed, ApiFailure) as error:
        message = f"It cannot be seen whether the object has changed since. {error}"
        raise Instead(Refused("preview", message, ANYWAY)) from None
    changes = merge(operation, sent, preview.target).changes
    if changes is None:
        message = "It cannot be seen whether the object has changed since the call."
        raise Instead(Refused("preview", message, ANYWAY))
    # What no read shows is no sign of somebody else's change.
    seen = dict.fromkeys(change.path for change in changes if change.before is not UNKNOWN)
    if seen:
        message = f"The object has changed since the call: {', '.join(seen)}."
        raise Instead(Refused("changed-since", message, ANYWAY))


def reader(services: Services) -> Reader:
    """Runs the reads of an undo, within the bounds of one preview."""

    async def read(operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
        run = services.client.run
        return (await run(operation, arguments, call_id="undo", repeatable=True)).data

    return thrifty(read)

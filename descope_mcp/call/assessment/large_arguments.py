"""How large the arguments of a call may be."""

from __future__ import annotations

from descope_mcp.api import large_work
from descope_mcp.api.transport import LARGEST_ANSWER
from descope_mcp.call.outcome import Failed, Instead

#: In bytes of JSON. What an export answers can be imported again; a client's message is bounded by
#: its line before that (`server.transports.lines`).
LARGEST_ARGUMENTS = LARGEST_ANSWER


def bounded(arguments: object) -> int:
    """The size of arguments.

    Raises:
        Instead: it is more than is taken.
    """
    found = large_work.size(arguments)
    if found > LARGEST_ARGUMENTS:
        message = (
            f"The arguments take {found} bytes as JSON; at most {LARGEST_ARGUMENTS} are taken."
        )
        remedy = "Nothing was sent. Make several calls, each with a part of them."
        raise Instead(Failed("invalid_arguments", message, remedy))
    return found

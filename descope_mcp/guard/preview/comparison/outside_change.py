"""Whether an object is as a replace left it, or somebody else changed it at the same moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.comparison.difference import UNKNOWN
from descope_mcp.guard.preview.comparison.merge import merge


def disturbed(
    operation: Operation, sent: Mapping[str, Any], before: Any, after: Any
) -> tuple[str, ...]:
    """The paths that are neither as they were sent nor as they were before.

    What is as it was before may be an answer from before: searches lag behind.
    """
    ours = {(c.path, c.element): c.before for c in merge(operation, sent, before).changes or ()}
    theirs = merge(operation, sent, after).changes or ()
    strange = (
        change.path
        for change in theirs
        if change.before is not UNKNOWN
        and not (
            (change.path, change.element) in ours
            and ours[change.path, change.element] == change.before
        )
    )
    return tuple(dict.fromkeys(strange))

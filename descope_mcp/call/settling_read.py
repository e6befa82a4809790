"""The read that tells whether a call of unknown outcome took effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.preview.recipe_values import Scope, resolve
from descope_mcp.guard.question import shell_quoting
from descope_mcp.store.journal.entry import Entry


def command(catalog: Catalog, entry: Entry, details: Mapping[str, Any]) -> str:
    """The command line that runs it; "" if there is none."""
    operation = catalog.find(entry.operation)
    if operation is None or not operation.preview:
        return ""
    step = operation.preview[0]
    arguments = resolve(step.arguments, Scope(details.get("arguments", {}), None, entry.project))
    given = arguments if isinstance(arguments, dict) else {}
    return shell_quoting.command("call", step.operation, arguments=given)

"""Optimistic locks: a record's version goes up with every change.

A caller who sends the version it has read is refused if somebody else was faster. One who sends
none overwrites. Times are epoch seconds; int64, so strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import VERSION_CONFLICT, DescopeError
from descope_mcp.sandbox.engine.fields import Record, integer
from descope_mcp.sandbox.engine.state import State


def first(state: State) -> Record:
    """The version fields of a new record."""
    now = str(state.now())
    return {"version": "1", "createdTime": now, "modifiedTime": now}


def following(state: State, record: Mapping[str, Any], arguments: Mapping[str, Any]) -> Record:
    """The version fields of `record` after a change.

    Raises:
        DescopeError: `arguments` have a version, and it is not the present one.
    """
    read = integer(arguments, "version")
    if read and read != int(record["version"]):
        text = f"Version {read} was read, but the present one is {record['version']}"
        raise DescopeError(VERSION_CONFLICT, text)
    return {"version": str(int(record["version"]) + 1), "modifiedTime": str(state.now())}

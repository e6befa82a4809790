"""The project itself."""

from __future__ import annotations

from descope_mcp.sandbox.registry import Answer, Arguments, handles
from descope_mcp.sandbox.state import State


@handles("ListProject")
def list_project(state: State, arguments: Arguments) -> Answer:
    """All projects of the account, of which the sandbox has this one."""
    return {"projects": [state.project]}

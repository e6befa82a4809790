"""The project itself."""

from __future__ import annotations

from descope_mcp.sandbox.registry import Answer, Arguments, handles
from descope_mcp.sandbox.state import State


@handles("ListProject")
def list_project(state: State, arguments: Arguments) -> Answer:
    return {"projects": [state.project]}

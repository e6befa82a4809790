"""The floor: the bare SDK with one tool, doing nothing."""

from __future__ import annotations

from typing import Any

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

_TOOL = types.Tool(name="nothing", input_schema={"type": "object"})


async def _list(ctx: Any, params: Any) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[_TOOL])


async def _call(ctx: Any, params: Any) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text="{}")])


async def main() -> None:
    """Serve one client."""
    server: Server[Any] = Server(
        "floor",
        on_list_tools=_list,
        on_call_tool=_call,
        get_tool_input_schema=lambda name: _TOOL.input_schema,
    )
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)

"""The floor: a bare SDK server whose tool makes the same request to Descope and answers with it.

It checks nothing, guards nothing and hides nothing. It builds the same URL and headers, and gives
its answer in both forms, as text and as structured content. With ``--http`` it serves that on a
free port, which it prints, instead of stdin and stdout.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

if TYPE_CHECKING:
    import httpx

_SCHEMA = {
    "type": "object",
    "properties": {"loginId": {"type": "string"}},
    "required": ["loginId"],
}
_TOOL = types.Tool(name="LoadUser", description="Loads a user.", input_schema=_SCHEMA)


async def _list(ctx: Any, params: Any) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[_TOOL])


def _server() -> Server[Any]:
    # Made, and its library loaded, by the first call, as by anybody who cares for the start.
    client: httpx.AsyncClient | None = None

    async def call(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        nonlocal client
        if client is None:
            import httpx

            key = f"{os.environ['DESCOPE_PROJECT_ID']}:{os.environ['DESCOPE_MANAGEMENT_KEY']}"
            client = httpx.AsyncClient(
                base_url=os.environ["DESCOPE_BASE_URL"],
                headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
            )
        answer = (await client.get("/v1/mgmt/user", params=params.arguments)).json()
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=json.dumps(answer))],
            structured_content=answer,
        )

    return Server(
        "floor",
        on_list_tools=_list,
        on_call_tool=call,
        get_tool_input_schema=lambda name: _TOOL.input_schema,
    )


async def main() -> None:
    """Serve one client."""
    server = _server()
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


async def over_http() -> None:
    """Serve until the process is ended."""
    import uvicorn

    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        print(f"serving http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
        app = _server().streamable_http_app()
        config = uvicorn.Config(app, log_config=None, access_log=False)
        await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    anyio.run(over_http if "--http" in sys.argv else main)

"""An agent of pydantic-ai, with fastmcp's client below it, whose model says what stands here.

Given the command of a server or its address, it lists, reads a hundred times at once with a slow
one among them, is refused a change, and is cancelled. Says what it found as one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from fastmcp.client import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from fastmcp.exceptions import McpError
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    RetryPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

LOGINS = ["slow", *(f"u{n}" for n in range(99))]


def call(effect: str, operation: str, login_id: str) -> ToolCallPart:
    arguments = {"operation": operation, "arguments": {"loginId": login_id}}
    return ToolCallPart(f"descope_{effect}", arguments)


async def ask(toolset: MCPToolset[None], *turns: Sequence[ToolCallPart]) -> Any:
    """Run an agent whose model makes these calls, one turn after the other."""
    left = iter(turns)

    async def model(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        return ModelResponse(parts=[*next(left, [TextPart("done")])])

    agent = Agent(FunctionModel(model), toolsets=[toolset], retries=2)
    return (await agent.run("go")).new_messages()


async def main() -> None:
    command, *options = sys.argv[1:]
    transport = (
        StreamableHttpTransport(command)
        if command.startswith("http")
        else StdioTransport(command, options, env=dict(os.environ))
    )
    client = Client(transport)
    found: dict[str, Any] = {}
    async with client:
        toolset = MCPToolset[None](client)
        found["tools"] = [tool.name for tool in await toolset.list_tools()]
        try:
            await client.list_tools_mcp(cursor="bogus")
        except McpError as error:
            found["cursor"] = error.error.code
        parts = [
            part
            for message in await ask(
                toolset,
                [call("read", "LoadUser", login) for login in LOGINS],
                [call("destructive", "DeleteUser", "u1")],
            )
            for part in message.parts
        ]
        returned = [part for part in parts if isinstance(part, ToolReturnPart)]
        read = [part for part in returned if part.tool_name == "descope_read"]
        found["read"] = len([part for part in read if part.outcome == "success"])
        told = [p for p in parts if isinstance(p, (ToolReturnPart, RetryPromptPart))]
        found["refused"] = [str(p.content) for p in told if p.tool_name == "descope_destructive"]
        try:
            await asyncio.wait_for(ask(toolset, [call("read", "LoadUser", "never")]), 0.7)
        except TimeoutError:
            found["cancelled"] = True
        found["after"] = not (await client.call_tool("descope_status", {})).is_error
    sys.stdout.write(json.dumps(found))


asyncio.run(main())

"""Each MCP message as a stage, in place of what the SDK tells of it.

The SDK's own middleware would tell the name of a tool as a model wrote it, and the text of errors.
"""

from __future__ import annotations

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.server.asking.elicitation import Context
from descope_mcp.server.surface import tool_list
from descope_mcp.telemetry import stages, vocabulary

#: Which fact the name in a request is.
_NAMED = {"tools/call": "tool", "prompts/get": "prompt"}


def know(catalog: Catalog) -> None:
    """Let the names of tools and prompts be told, where anybody is."""
    if stages.are_told():
        hub = (tool.name for tool in tool_list.hub(Policy()))
        vocabulary.know("tool", (*hub, *catalog, *catalog.reports))
        vocabulary.know("prompt", catalog.prompts)


async def tell(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Tell of a message; the trace goes on that its `_meta` names, or the request that brought it.

    OpenTelemetry, semantic conventions for MCP: `_meta` goes before the transport's context.
    """
    if not stages.are_told():
        return await call_next(ctx)
    facts: dict[str, object] = {"message": ctx.method, "protocol": ctx.protocol_version}
    if fact := _NAMED.get(ctx.method):
        facts[fact] = (ctx.params or {}).get("name", "")
    if fact == "tool":
        facts["ai"] = "execute_tool"
    with stages.message((ctx.meta, getattr(ctx.request, "headers", None)), **facts) as stage:
        try:
            result = await call_next(ctx)
        except MCPError as error:
            code = str(error.error.code)
            stage.note(error=code, code=code)
            raise
        except ValidationError:
            code = str(types.INVALID_PARAMS)
            stage.note(error=code, code=code)
            raise
        if _is_error(result):
            stage.note(error="tool_error")
        return result


def _is_error(result: HandlerResult) -> bool:
    if isinstance(result, dict):
        return result.get("isError") is True
    return isinstance(result, types.CallToolResult) and bool(result.is_error)

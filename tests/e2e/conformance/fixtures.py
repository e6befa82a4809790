"""What the conformance suite expects of a server, besides what ours offers by itself.

Its scenarios call tools, prompts and resources of fixed names and say in their descriptions what
those do. They are added to the low-level server that `server.app` builds, so that everything
around them is ours: the layers of the application, the middleware, the sealed state.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler

from tests.e2e.conformance import fixture_tools
from tests.e2e.conformance.fixture_tools import IMAGE, PNG, Handler, Result, embedded


def _resource(uri: str) -> types.TextResourceContents | types.BlobResourceContents | None:
    match uri:
        case "test://static-text":
            text = "This is the content of the static text resource."
            return types.TextResourceContents(uri=uri, text=text, mime_type="text/plain")
        case "test://static-binary":
            return types.BlobResourceContents(uri=uri, blob=PNG, mime_type="image/png")
    if uri.startswith("test://template/") and uri.endswith("/data"):
        number = uri.split("/")[3]
        filled = json.dumps({"id": number, "templateTest": True, "data": f"Data for ID: {number}"})
        return types.TextResourceContents(uri=uri, text=filled, mime_type="application/json")
    return None


_CONTEXT = {"user_context": fixture_tools.form("What context should the prompt use?", "context")}


def _prompt(
    params: types.GetPromptRequestParams,
) -> types.GetPromptResult | types.InputRequiredResult | None:
    given = params.arguments or {}
    content: list[types.ContentBlock]
    match params.name:
        case "test_simple_prompt":
            content = [types.TextContent(text="This is a simple prompt for testing.")]
        case "test_prompt_with_arguments":
            text = f"Prompt with arguments: arg1={given['arg1']!r}, arg2={given['arg2']!r}"
            content = [types.TextContent(text=text)]
        case "test_prompt_with_embedded_resource":
            resource = embedded(given["resourceUri"], "Embedded resource content for testing.")
            ask = "Please process the embedded resource above."
            content = [resource, types.TextContent(text=ask)]
        case "test_prompt_with_image":
            content = [IMAGE, types.TextContent(text="Please analyze the image above.")]
        case "test_input_required_result_prompt":
            if not params.input_responses:
                return types.InputRequiredResult(input_requests=dict(_CONTEXT))
            content = [types.TextContent(text="The context is known")]
        case _:
            return None
    messages = [types.PromptMessage(role="user", content=one) for one in content]
    return types.GetPromptResult(messages=messages)


_PROMPTS = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    "test_input_required_result_prompt": (),
}


def added_to(server: Server[Any]) -> Server[Any]:
    """The server, which offers the fixtures besides its own."""
    bus = InMemorySubscriptionBus()
    tools = fixture_tools.tools(bus)

    def around(method: str, handler: Callable[[Handler, Any, Any], Awaitable[Any]]) -> None:
        own = server.get_request_handler(method)
        assert own is not None

        async def both(ctx: Any, params: Any) -> Any:
            return await handler(own.handler, ctx, params)

        server.add_request_handler(method, own.params_type, both)

    async def list_tools(own: Handler, ctx: Any, params: Any) -> types.ListToolsResult:
        found = await own(ctx, params)
        more = [
            types.Tool(name=name, description="A fixture.", input_schema=tool.schema)
            for name, tool in tools.items()
        ]
        return types.ListToolsResult(tools=[*found.tools, *more])

    async def call_tool(own: Handler, ctx: Any, params: types.CallToolRequestParams) -> Result:
        found = tools.get(params.name)
        result: Result = await (found.run if found else own)(ctx, params)
        return result

    async def list_resources(own: Handler, ctx: Any, params: Any) -> types.ListResourcesResult:
        found = await own(ctx, params)
        more = [
            types.Resource(uri=f"test://{name}", name=name, description="A fixture.")
            for name in ("static-text", "static-binary")
        ]
        return types.ListResourcesResult(resources=[*found.resources, *more])

    async def read(own: Handler, ctx: Any, params: types.ReadResourceRequestParams) -> Any:
        found = _resource(params.uri)
        return types.ReadResourceResult(contents=[found]) if found else await own(ctx, params)

    async def list_prompts(own: Handler, ctx: Any, params: Any) -> types.ListPromptsResult:
        found = await own(ctx, params)
        more = [
            types.Prompt(
                name=name,
                description="A fixture.",
                arguments=[types.PromptArgument(name=one, required=True) for one in arguments],
            )
            for name, arguments in _PROMPTS.items()
        ]
        return types.ListPromptsResult(prompts=[*found.prompts, *more])

    async def get_prompt(own: Handler, ctx: Any, params: types.GetPromptRequestParams) -> Any:
        return _prompt(params) or await own(ctx, params)

    async def nothing(ctx: Any, params: Any) -> types.EmptyResult:
        return types.EmptyResult()

    around("tools/list", list_tools)
    around("tools/call", call_tool)
    around("resources/list", list_resources)
    around("resources/read", read)
    around("prompts/list", list_prompts)
    around("prompts/get", get_prompt)
    # What ours does not offer: its lists never change, and it logs to its own stderr.
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, nothing)
    server.add_request_handler("resources/subscribe", types.SubscribeRequestParams, nothing)
    server.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, nothing)
    server.add_request_handler(
        "subscriptions/listen", types.SubscriptionsListenRequestParams, ListenHandler(bus)
    )
    server.get_tool_input_schema = lambda name: tools[name].schema if name in tools else None
    return server

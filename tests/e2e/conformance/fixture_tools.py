"""The tools that scenarios of the conformance suite call; their descriptions say what each does."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
import mcp_types as types
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    PromptsListChanged,
    ToolsListChanged,
)
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata

Result = types.CallToolResult | types.InputRequiredResult
Handler = Callable[[Any, Any], Awaitable[Any]]

#: One red pixel, and a tenth of a second of nothing.
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5"
    "ErkJggg=="
)
_WAV = base64.b64encode(
    b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\0\0\0\0"
).decode()
IMAGE = types.ImageContent(data=PNG, mime_type="image/png")
#: So long a tool takes between two notifications.
_STEP = 0.05

_TEXT = {"type": "string"}
#: The keywords of JSON Schema 2020-12 that have to survive the list.
_DIALECT: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": _TEXT, "city": _TEXT},
        }
    },
    "properties": {
        "name": _TEXT,
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": _TEXT,
        "email": _TEXT,
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
_IN_A_HEADER = {
    "type": "object",
    "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
    "required": ["region"],
}
_DEFAULTS = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
_PLAIN = ["option1", "option2", "option3"]
_TITLED = [{"const": f"value{n}", "title": f"Option {n}"} for n in (1, 2, 3)]
_ENUMS = {
    "untitledSingle": {"type": "string", "enum": _PLAIN},
    "titledSingle": {"type": "string", "oneOf": _TITLED},
    "legacyEnum": {
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": _PLAIN}},
    "titledMulti": {"type": "array", "items": {"anyOf": _TITLED}},
}


def said(*content: types.ContentBlock | str, error: bool = False) -> types.CallToolResult:
    blocks = [types.TextContent(text=one) if isinstance(one, str) else one for one in content]
    return types.CallToolResult(content=blocks, is_error=error)


def embedded(uri: str, text: str, mime: str = "text/plain") -> types.EmbeddedResource:
    return types.EmbeddedResource(
        resource=types.TextResourceContents(uri=uri, text=text, mime_type=mime)
    )


def schema(properties: Mapping[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": required or []}


def form(message: str, *fields: str, kind: str = "string") -> types.ElicitRequest:
    wants = schema({name: {"type": kind} for name in fields}, list(fields))
    return types.ElicitRequest(
        params=types.ElicitRequestFormParams(message=message, requested_schema=wants)
    )


def _sampled(prompt: str, most: int = 100) -> types.CreateMessageRequest:
    message = types.SamplingMessage(role="user", content=types.TextContent(text=prompt))
    return types.CreateMessageRequest(
        params=types.CreateMessageRequestParams(messages=[message], max_tokens=most)
    )


# What a client is asked by a request of the server, as the revisions before 2026-07-28 do it.


async def _elicited(ctx: Any, message: str, properties: Mapping[str, Any], *wanted: str) -> Result:
    wants = schema(properties, list(wanted))
    answer = await ctx.session.elicit_form(message, wants, ctx.request_id)
    return said(f"Elicitation completed: action={answer.action}, content={answer.content}")


async def _sampling(ctx: Any, params: types.CallToolRequestParams) -> Result:
    prompt = (params.arguments or {})["prompt"]
    related = ServerMessageMetadata(related_request_id=ctx.request_id)
    answer = await ctx.session.send_request(
        _sampled(prompt), types.CreateMessageResult, metadata=related
    )
    return said(f"LLM response: {answer.content.text}")


async def _elicitation(ctx: Any, params: types.CallToolRequestParams) -> Result:
    message = (params.arguments or {})["message"]
    return await _elicited(ctx, message, {"username": _TEXT, "email": _TEXT}, "username", "email")


# What a client is asked by a result, as 2026-07-28 does it.


def _asks(requests: Mapping[str, Any], state: str | None = None) -> Result:
    return types.InputRequiredResult(input_requests=dict(requests), request_state=state)


def _asking(requests: Mapping[str, Any], done: str, state: str | None = None) -> Handler:
    """A tool that is done once every question has an answer of its kind."""
    kinds = {
        "elicitation/create": types.ElicitResult,
        "sampling/createMessage": types.CreateMessageResult,
        "roots/list": types.ListRootsResult,
    }

    async def tool(ctx: Any, params: types.CallToolRequestParams) -> Result:
        answers = params.input_responses or {}
        answered = all(
            isinstance(answers.get(name), kinds[request.method])
            for name, request in requests.items()
        )
        return said(done) if answered and params.request_state == state else _asks(requests, state)

    return tool


async def _rounds(ctx: Any, params: types.CallToolRequestParams) -> Result:
    match params.request_state:
        case None:
            return _asks({"step1": form("Step 1: What is your name?", "name")}, "first")
        case "first":
            return _asks({"step2": form("Step 2: What is your colour?", "color")}, "second")
        case _:
            return said("Both steps are done")


async def _capable(ctx: Any, params: types.CallToolRequestParams) -> Result:
    """Asks only what the client has declared."""
    can = ctx.session.client_capabilities
    asked: dict[str, Any] = {}
    if can.elicitation is not None:
        asked["user_name"] = form("What is your name?", "name")
    if can.sampling is not None:
        asked["greeting"] = _sampled("Generate a greeting")
    return _asks(asked)


async def _incapable(ctx: Any, params: types.CallToolRequestParams) -> Result:
    if ctx.session.client_capabilities.sampling is None:
        wanted = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "Sampling is needed", wanted)
    return said("The client can sample")


# What a client is told while a tool runs.


async def _progress(ctx: Any, params: types.CallToolRequestParams) -> Result:
    for done in (0, 50, 100):
        await ctx.session.report_progress(done, 100)
        await anyio.sleep(_STEP)
    return said("Progress was reported")


async def _logging(ctx: Any, params: types.CallToolRequestParams) -> Result:
    for text in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        note = types.LoggingMessageNotificationParams(level="info", data=text)
        # 2026-07-28 has no such notification unless the request asked for it.
        if ctx.protocol_version < "2026-07-28":
            await ctx.session.send_notification(
                types.LoggingMessageNotification(params=note), ctx.request_id
            )
        await anyio.sleep(_STEP)
    return said("Messages were logged")


def _constant(result: types.CallToolResult) -> Handler:
    async def tool(ctx: Any, params: types.CallToolRequestParams) -> Result:
        return result

    return tool


@dataclass
class Fixture:
    """A tool: what it does, and what it takes."""

    run: Handler
    schema: dict[str, Any]


def tools(bus: InMemorySubscriptionBus) -> dict[str, Fixture]:
    """All of them by name; `bus` takes what is announced."""

    def announcing(event: ToolsListChanged | PromptsListChanged) -> Handler:
        async def tool(ctx: Any, params: types.CallToolRequestParams) -> Result:
            await bus.publish(event)
            return said("The change was announced")

        return tool

    async def defaults(ctx: Any, params: types.CallToolRequestParams) -> Result:
        return await _elicited(ctx, "Please check these values", _DEFAULTS)

    async def enums(ctx: Any, params: types.CallToolRequestParams) -> Result:
        return await _elicited(ctx, "Please choose", _ENUMS)

    name, confirm = {"user_name": form("What is your name?", "name")}, form("Sure?", "ok")
    capital = {"capital_question": _sampled("What is the capital of France?")}
    roots = {"client_roots": types.ListRootsRequest()}
    several = {**name, "greeting": _sampled("Generate a greeting", 50), **roots}
    mixed = embedded("test://mixed", '{"test":"data","value":123}', "application/json")
    asked = "test_input_required_result"
    nothing = schema({})
    without_arguments: dict[str, Handler] = {
        "test_simple_text": _constant(said("This is a simple text response for testing.")),
        "test_image_content": _constant(said(IMAGE)),
        "test_audio_content": _constant(said(types.AudioContent(data=_WAV, mime_type="audio/wav"))),
        "test_embedded_resource": _constant(
            said(embedded("test://embedded-resource", "This is an embedded resource content."))
        ),
        "test_multiple_content_types": _constant(
            said("Multiple content types test:", IMAGE, mixed)
        ),
        "test_error_handling": _constant(
            said("This tool intentionally returns an error for testing", error=True)
        ),
        "test_tool_with_logging": _logging,
        "test_logging_tool": _logging,
        "test_tool_with_progress": _progress,
        "test_elicitation_sep1034_defaults": defaults,
        "test_elicitation_sep1330_enums": enums,
        "test_streaming_elicitation": _asking(name, "Hello!"),
        "test_missing_capability": _incapable,
        "test_trigger_tool_change": announcing(ToolsListChanged()),
        "test_trigger_prompt_change": announcing(PromptsListChanged()),
        f"{asked}_elicitation": _asking(name, "Hello!"),
        f"{asked}_sampling": _asking(capital, "Paris"),
        f"{asked}_list_roots": _asking(roots, "Your roots are known"),
        f"{asked}_request_state": _asking({"confirm": confirm}, "state-ok", "waiting"),
        f"{asked}_tampered_state": _asking({"confirm": confirm}, "state-ok", "waiting"),
        f"{asked}_multiple_inputs": _asking(several, "Hello!", "waiting"),
        f"{asked}_multi_round": _rounds,
        f"{asked}_capabilities": _capable,
    }
    return {
        **{tool: Fixture(run, nothing) for tool, run in without_arguments.items()},
        "test_sampling": Fixture(_sampling, schema({"prompt": _TEXT}, ["prompt"])),
        "test_elicitation": Fixture(_elicitation, schema({"message": _TEXT}, ["message"])),
        "json_schema_2020_12_tool": Fixture(_constant(said("Fits")), _DIALECT),
        "test_x_mcp_header": Fixture(_constant(said("Mirrored")), _IN_A_HEADER),
    }

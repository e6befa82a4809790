"""Asking a person through the client, in both eras of the protocol.

On 2026-07-28 a tool returns `InputRequiredResult` and the client calls again with the answer and
the state; the state is sealed by the SDK's boundary (bound to tool, arguments, caller and time)
and its single use is the store's. On older revisions the server asks with ``elicitation/create``
while the call is open. Where a client offers neither, see `outside`.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, fields
from typing import Any

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from descope_mcp.guard.consent import said_no
from descope_mcp.guard.consent.confirmation import LIFETIME, Approval, Question, accept
from descope_mcp.telemetry.stages import passed

#: The key of our request in an `InputRequiredResult`.
KEY = "confirm"
#: That of a link (`required_link`).
LINK = "open"
#: What a client carries of a question: all but what it is shown, and what is looked up before.
_CARRIED = frozenset(field.name for field in fields(Question)) - {"text", "parts"}

Context = ServerRequestContext[Any, Any]


def is_modern(ctx: Context) -> bool:
    """Whether the request is of the revision that asks by `InputRequiredResult`."""
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


def can_be_asked(ctx: Context) -> bool:
    """Whether a form can be shown to a person through this client."""
    return _shows_forms(ctx) and (is_modern(ctx) or ctx.session.can_send_request)


def hindrance(ctx: Context) -> str:
    """The setting of this server that keeps forms from a client which may show them, or ""."""
    if is_modern(ctx) or ctx.session.can_send_request:
        return ""
    # Without a session nobody knows what a client of an older revision can do.
    if ctx.session.client_capabilities is None:
        return "--stateless"
    return "--json-answers" if _shows_forms(ctx) else ""


def _shows_forms(ctx: Context) -> bool:
    capabilities = ctx.session.client_capabilities
    offered = capabilities.elicitation if capabilities else None
    # An empty object means forms (MCP 2025-11-25, Elicitation, Capabilities).
    return offered is not None and (offered.form is not None or offered.url is None)


def opens_links(ctx: Context) -> bool:
    """Whether this client can show a link for a person to open (MCP, Elicitation, URL mode)."""
    capabilities = ctx.session.client_capabilities
    offered = capabilities.elicitation if capabilities else None
    can = offered is not None and offered.url is not None
    return can and (is_modern(ctx) or ctx.session.can_send_request)


@dataclass(frozen=True, slots=True)
class No:
    """An answer that is no yes, and after how many ``seconds`` it came.

    ``way``: declined, cancelled, not-ticked, no-answer, ended with the server; or unread, where
    nobody can have given it.
    """

    way: str
    question: Question
    seconds: float


def returned(ctx: Context, params: types.CallToolRequestParams) -> Approval | No | None:
    """The answer that a 2026-07-28 client brought with its second call; None if it is none.

    The boundary has verified the state; without a state an answer is worth nothing.
    """
    if not is_modern(ctx) or params.request_state is None:
        return None
    answer = (params.input_responses or {}).get(KEY)
    if not isinstance(answer, types.ElicitResult):
        return None
    carried = json.loads(params.request_state).items()
    # Of a replica of another version, which may know more.
    question = Question("", **{name: value for name, value in carried if name in _CARRIED})
    return _judge(answer, question, time.time() - question.asked)


def required(question: Question) -> types.InputRequiredResult:
    """The question for a 2026-07-28 client."""
    state = {name: value for name, value in asdict(question).items() if name in _CARRIED}
    form = types.ElicitRequestFormParams(message=question.text, requested_schema=_form(question))
    return types.InputRequiredResult(
        input_requests={KEY: types.ElicitRequest(params=form)}, request_state=json.dumps(state)
    )


async def ask(ctx: Context, question: Question) -> Approval | No | None:
    """Ask a client of an older revision and wait for its answer, as long as it is valid.

    A server that is being stopped asks no longer.

    Returns:
        The answer; None if the client turns out not to be able to ask.
    """
    begun = time.monotonic()
    answer: types.ElicitResult | None = None
    cannot = False
    with anyio.move_on_after(LIFETIME) as late:
        async with anyio.create_task_group() as asking:
            asking.start_soon(_until, ctx.lifespan_context, asking.cancel_scope)
            try:
                answer = await ctx.session.elicit_form(
                    question.text, _form(question), related_request_id=ctx.request_id
                )
            except MCPError:
                cannot = True
            asking.cancel_scope.cancel()
    seconds = time.monotonic() - begun
    if cannot:
        return None
    if answer is not None:
        return _judge(answer, question, seconds)
    way = "no-answer" if late.cancelled_caught else "ended"
    passed("wait", seconds, channel="form", answer=way)
    return No(way, question, seconds)


def opened(ctx: Context, params: types.CallToolRequestParams) -> bool | None:
    """Whether a 2026-07-28 client says that a person opened the link; None if it was given none.

    That is all it says: whether they decided, and how, is in the store.
    """
    answer = (params.input_responses or {}).get(LINK) if is_modern(ctx) else None
    return answer.action == "accept" if isinstance(answer, types.ElicitResult) else None


def required_link(number: str, link: str) -> types.InputRequiredResult:
    """The link for a 2026-07-28 client, which calls again when a person has opened it."""
    request = types.ElicitRequestURLParams(message=_decides(number), url=link)
    return types.InputRequiredResult(
        input_requests={LINK: types.ElicitRequest(params=request)},
        request_state=json.dumps({"request": number}),
    )


async def show_link(ctx: Context, number: str, link: str, name: str) -> bool:
    """Give a client of an older revision the link, by the `name` of the elicitation.

    Returns:
        Whether it says that a person opened it, which is no word for anything.
    """
    try:
        answer = await ctx.session.elicit_url(
            _decides(number), link, name, related_request_id=ctx.request_id
        )
    except MCPError:
        return False
    return answer.action == "accept"


def _decides(number: str) -> str:
    return (
        f"Request {number} needs a person's decision. The page shows all that it does; nothing "
        "runs before somebody decides there."
    )


async def _until(ending: anyio.Event, asking: anyio.CancelScope) -> None:
    await ending.wait()
    asking.cancel()


def _judge(answer: types.ElicitResult, question: Question, seconds: float) -> Approval | No:
    judged = _said(answer, question, seconds)
    passed("wait", seconds, channel="form", answer=getattr(judged, "way", "accepted"))
    return judged


def _said(answer: types.ElicitResult, question: Question, seconds: float) -> Approval | No:
    content = answer.content or {}
    ticked = bool(question.typed) or content.get("confirm") is True
    if answer.action == "accept" and ticked:
        said = {name: v for name in ("name", "code") if isinstance(v := content.get(name), str)}
        return accept(question, said.get("name", ""), said.get("code", ""))
    if said_no.unread(question, seconds):
        return No("unread", question, seconds)
    way = {"decline": "declined", "cancel": "cancelled"}.get(answer.action, "not-ticked")
    return No(way, question, seconds)


def _form(question: Question) -> types.ElicitRequestedSchema:
    """A form with required fields, so that no client can answer it without a person."""
    fields: dict[str, Any] = {}
    if question.typed:
        title = f"Type this to confirm: {question.typed}"
        fields["name"] = {"type": "string", "title": title, "minLength": 1}
    else:
        fields["confirm"] = {"type": "boolean", "title": f"Yes: {question.label}"}
    if question.code:
        title = "The six digits that your authenticator shows"
        fields["code"] = {"type": "string", "title": title, "minLength": 6, "maxLength": 6}
    return {"type": "object", "properties": fields, "required": list(fields)}

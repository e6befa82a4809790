"""Asking a person through the client, in both eras of the protocol.

On 2026-07-28 a tool returns `InputRequiredResult` and the client calls again with the answer and
the state; the state is sealed by the SDK's boundary (bound to tool, arguments, caller and time)
and its single use is the ledger's. On older revisions the server asks with ``elicitation/create``
while the call is open. A client that offers neither cannot be asked, and the call is refused.
"""

from __future__ import annotations

import json
from typing import Any

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from descope_mcp.guard.confirmation import LIFETIME, Approval, Question, accept
from descope_mcp.invoke import Refused
from descope_mcp.store.ledger import Ledger

#: The key of our request in an `InputRequiredResult`.
KEY = "confirm"

Context = ServerRequestContext[Any, Any]


def is_modern(ctx: Context) -> bool:
    """Whether the request is of the revision that asks by `InputRequiredResult`."""
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


def can_be_asked(ctx: Context) -> bool:
    """Whether a form can be shown to a person through this client."""
    capabilities = ctx.session.client_capabilities
    offered = capabilities.elicitation if capabilities else None
    # An empty object means forms (MCP 2025-11-25, Elicitation, Capabilities).
    form = offered is not None and (offered.form is not None or offered.url is None)
    return form and (is_modern(ctx) or ctx.session.can_send_request)


def returned(
    ctx: Context, params: types.CallToolRequestParams, ledger: Ledger
) -> Approval | Refused | None:
    """The answer that a 2026-07-28 client brought with its second call; None if it is none.

    The boundary has verified the state; without a state an answer is worth nothing. A no uses
    the question up like a yes: the same state cannot bring another answer later.
    """
    if not is_modern(ctx) or params.request_state is None:
        return None
    answer = (params.input_responses or {}).get(KEY)
    if not isinstance(answer, types.ElicitResult):
        return None
    question = Question("", "", **json.loads(params.request_state))
    judged = _judge(answer, question)
    if isinstance(judged, Refused):
        ledger.consume(question.nonce, question.expires)
    return judged


def required(question: Question) -> types.InputRequiredResult:
    """The question for a 2026-07-28 client."""
    state = {
        "typed": question.typed,
        "binding": question.binding,
        "nonce": question.nonce,
        "expires": question.expires,
    }
    form = types.ElicitRequestFormParams(message=question.text, requested_schema=_form(question))
    return types.InputRequiredResult(
        input_requests={KEY: types.ElicitRequest(params=form)}, request_state=json.dumps(state)
    )


async def ask(ctx: Context, question: Question) -> Approval | Refused:
    """Ask a client of an older revision and wait for its answer, as long as it is valid."""
    try:
        with anyio.fail_after(LIFETIME):
            answer = await ctx.session.elicit_form(
                question.text, _form(question), related_request_id=ctx.request_id
            )
    except TimeoutError:
        return Refused("no-answer", "Nobody answered in time.", _NOT_SENT)
    except MCPError:
        return unasked()
    return _judge(answer, question)


def unasked() -> Refused:
    """The refusal where nobody can be asked."""
    return Refused(
        "cannot-ask",
        "This call needs a person's yes, and this client cannot show a form (elicitation).",
        "Nothing was sent, and repeating the call changes nothing. A person can run it with "
        "`descope-mcp call`, in the Descope console, or from a client that supports elicitation.",
    )


def _judge(answer: types.ElicitResult, question: Question) -> Approval | Refused:
    content = answer.content or {}
    if answer.action != "accept":
        return Refused("declined", "The person said no.", _NOT_SENT)
    if question.typed:
        name = content.get("name")
        return accept(question, name if isinstance(name, str) else "")
    if content.get("confirm") is True:
        return accept(question)
    return Refused("declined", "The person did not tick the box.", _NOT_SENT)


def _form(question: Question) -> types.ElicitRequestedSchema:
    """A form with one required field, so that no client can answer it without a person."""
    if question.typed:
        field: dict[str, Any] = {
            "type": "string",
            "title": f"Type this to confirm: {question.typed}",
            "minLength": 1,
        }
        return {"type": "object", "properties": {"name": field}, "required": ["name"]}
    field = {"type": "boolean", "title": f"Yes: {question.label}"}
    return {"type": "object", "properties": {"confirm": field}, "required": ["confirm"]}


_NOT_SENT = "Nothing was sent. Ask the person what they want instead."

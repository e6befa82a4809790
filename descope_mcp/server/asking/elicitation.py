"""Asking a person through the client, in both eras of the protocol.

On 2026-07-28 a tool returns `InputRequiredResult` and the client calls again with the answer and
the state; the state is sealed by the SDK's boundary (bound to tool, arguments, caller and time)
and its single use is the store's. On older revisions the server asks with ``elicitation/create``
while the call is open. Where a client offers neither, the question waits in the store for a
person with a terminal, and the call is refused until then.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import anyio
import mcp_types as types
from anyio.to_thread import run_sync
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from descope_mcp.call.outcome import NeedsConfirmation, Refused
from descope_mcp.call.services import Services
from descope_mcp.guard.consent.confirmation import LIFETIME, Approval, Question, accept
from descope_mcp.guard.question import pasted

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
    ctx: Context, params: types.CallToolRequestParams, services: Services
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
        from descope_mcp.store.consent import used_confirmations

        used_confirmations.consume(services.store, question.nonce, question.expires)
    return judged


def required(question: Question) -> types.InputRequiredResult:
    """The question for a 2026-07-28 client."""
    state = {
        "typed": question.typed,
        "binding": question.binding,
        "nonce": question.nonce,
        "expires": question.expires,
        "code": question.code,
    }
    form = types.ElicitRequestFormParams(message=question.text, requested_schema=_form(question))
    return types.InputRequiredResult(
        input_requests={KEY: types.ElicitRequest(params=form)}, request_state=json.dumps(state)
    )


async def ask(ctx: Context, question: Question) -> Approval | Refused | None:
    """Ask a client of an older revision and wait for its answer, as long as it is valid.

    Returns:
        The answer; None if the client turns out not to be able to ask.
    """
    try:
        with anyio.fail_after(LIFETIME):
            answer = await ctx.session.elicit_form(
                question.text, _form(question), related_request_id=ctx.request_id
            )
    except TimeoutError:
        return Refused("no-answer", "Nobody answered in time.", _NOT_SENT)
    except MCPError:
        return None
    return _judge(answer, question)


async def outside(needed: NeedsConfirmation, caller: str, services: Services) -> Refused:
    """Where this client cannot ask: a request that a person answers outside of it.

    Raises:
        StoreError: the request cannot be kept.
    """
    from descope_mcp.store.consent import approvals

    question = needed.question
    file = partial(
        approvals.file,
        services.store,
        project=services.project,
        caller=caller,
        operation=needed.operation.name,
        binding=question.binding,
        question=question.text,
        typed=question.typed,
    )
    request = await run_sync(file)
    if request is None:
        return Refused(
            "approval",
            "This call needs a person's yes, this client cannot show a form, and too many requests "
            "wait for a person already.",
            "Nothing was sent. Ask the person to answer them: `descope-mcp approvals list`.",
        )
    number = request.number
    approve = pasted.command("approvals", "approve", number)
    return Refused(
        "approval",
        f"This call needs a person's yes, and this client cannot show a form. Request {number} "
        "waits for it.",
        f"Nothing was sent. Ask the person to run `{approve}` in a terminal, and make the same "
        "call again after that; until then repeating changes nothing.",
    )


def _judge(answer: types.ElicitResult, question: Question) -> Approval | Refused:
    content = answer.content or {}
    if answer.action != "accept":
        return Refused("declined", "The person said no.", _NOT_SENT)
    if not question.typed and content.get("confirm") is not True:
        return Refused("declined", "The person did not tick the box.", _NOT_SENT)
    said = {name: v for name in ("name", "code") if isinstance(v := content.get(name), str)}
    return accept(question, said.get("name", ""), said.get("code", ""))


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


_NOT_SENT = "Nothing was sent. Ask the person what they want instead."

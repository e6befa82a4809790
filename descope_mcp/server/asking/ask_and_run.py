"""One call or undo run to its end, with a person asked where it says so."""

from __future__ import annotations

from dataclasses import replace

import mcp_types as types

from descope_mcp.call.outcome import Call, NeedsConfirmation, Outcome, Refused, Undo
from descope_mcp.call.services import Services
from descope_mcp.server.asking import elicitation
from descope_mcp.server.asking.elicitation import Context
from descope_mcp.store.errors import StoreError


async def run(
    ctx: Context, params: types.CallToolRequestParams, services: Services, request: Call | Undo
) -> Outcome | types.InputRequiredResult:
    """Run a call or an undo, asking a person where it says so."""
    steps = 0

    async def progress(message: str) -> None:
        nonlocal steps
        steps += 1
        await ctx.session.report_progress(steps, None, message)

    try:
        answer = elicitation.returned(ctx, params, services)
        if isinstance(answer, Refused):
            return answer
        request = replace(request, approval=answer, progress=progress)
        outcome = await _perform(request, services)
        if not isinstance(outcome, NeedsConfirmation):
            return outcome
        can_ask = elicitation.can_be_asked(ctx)
        if can_ask and elicitation.is_modern(ctx):
            return elicitation.required(outcome.question)
        answer = await elicitation.ask(ctx, outcome.question) if can_ask else None
        if answer is None:
            answer = await elicitation.outside(outcome, request.caller, services)
        if isinstance(answer, Refused):
            return answer
        return await _perform(replace(request, approval=answer), services)
    except StoreError as error:
        message = f"Nothing was sent, since {error}."
        return Refused("store", message, "Check the state directory.")


async def _perform(request: Call | Undo, services: Services) -> Outcome:
    # The path of a call is loaded by the first call, and undo, with the store, by the first undo.
    if isinstance(request, Call):
        from descope_mcp.call.invoke import invoke

        return await invoke(request, services)
    from descope_mcp.call.undo import undo

    return await undo(request, services)

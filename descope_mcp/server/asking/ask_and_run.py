"""One call, undo or plan run to its end, with a person asked where it says so."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import mcp_types as types
from anyio.to_thread import run_sync

from descope_mcp.call.outcome import Call, NeedsConfirmation, Outcome, Undo, Waiting
from descope_mcp.call.plan.outcome import PlanChecked, PlanEnded, PlanRequest
from descope_mcp.call.services import Services
from descope_mcp.server.asking import elicitation, outside
from descope_mcp.server.asking.elicitation import Context, No
from descope_mcp.server.asking.waiting_calls import WaitingCalls
from descope_mcp.store.errors import StoreError

if TYPE_CHECKING:
    from descope_mcp.guard.consent.confirmation import Approval

#: What a person may have to be asked about.
Request = Call | Undo | PlanRequest
#: What comes of it.
Ended = Outcome | Waiting | PlanEnded | PlanChecked
Answered = Ended | types.InputRequiredResult


async def run(
    ctx: Context,
    params: types.CallToolRequestParams,
    services: Services,
    request: Request,
    waiting: WaitingCalls,
) -> Answered:
    """Run a call, an undo or a plan, asking a person where it says so."""
    steps = 0

    async def progress(message: str) -> None:
        nonlocal steps
        steps += 1
        await ctx.session.report_progress(steps, None, message)

    request = replace(request, progress=progress)
    try:
        outcome = await _answered(ctx, params, request, services)
        if isinstance(outcome, Waiting):
            again = partial(_perform, request, services)
            outcome = await outside.followed(
                ctx, params, outcome, request, services, waiting, again
            )
    except StoreError as error:
        from descope_mcp.call.store_warnings import unusable

        return unusable(error, services.store)
    return outcome


async def _answered(
    ctx: Context, params: types.CallToolRequestParams, request: Request, services: Services
) -> Answered:
    """Run it with the answer that the client brings, if any; ask a person where it says so."""
    answer = elicitation.returned(ctx, params)
    if isinstance(answer, No):
        return await _declined(answer, None, request, services)
    answered = request if answer is None else replace(request, approval=answer)
    outcome = await _perform(answered, services)
    if isinstance(outcome, NeedsConfirmation):
        return await _asked(ctx, outcome, request, services)
    return outcome


async def _asked(
    ctx: Context, needed: NeedsConfirmation, request: Request, services: Services
) -> Answered:
    """Put the question, in the way that this client offers, unless a person said no already."""
    from descope_mcp.guard.consent import said_no
    from descope_mcp.server.asking import declined

    if denied := await declined.before(needed, services):
        return denied
    if await run_sync(said_no.stands, services.store, needed.question):
        return await declined.outside(needed, request.caller, services, declined.STANDS)
    answer: Approval | No | None = None
    if elicitation.can_be_asked(ctx):
        if not needed.question.text:
            because = declined.too_long(needed, services)
            return await declined.outside(needed, request.caller, services, because)
        if elicitation.is_modern(ctx):
            return elicitation.required(needed.question)
        answer = await elicitation.ask(ctx, needed.question)
    if answer is None:
        because = declined.cannot_show(ctx)
        return await declined.outside(needed, request.caller, services, because)
    if isinstance(answer, No):
        return await _declined(answer, needed, request, services)
    return await _perform(replace(request, approval=answer), services)


async def _declined(
    no: No, needed: NeedsConfirmation | None, request: Request, services: Services
) -> Ended:
    """What becomes of a call after a no; one that nobody can have given is asked for outside.

    `needed` is None where the question is not at hand any more, and has to be made again.
    """
    from descope_mcp.server.asking import declined

    await declined.keep(no, request, services)
    if no.way != "unread":
        return declined.refused(no, request, services)
    again = needed or await _perform(request, services)
    if not isinstance(again, NeedsConfirmation):
        return again
    return await declined.outside(again, request.caller, services, declined.unread(no))


async def _perform(request: Request, services: Services) -> Ended:
    # The path of a call is loaded by the first call, and undo, with the store, by the first undo.
    if isinstance(request, Call):
        from descope_mcp.call.invoke import invoke

        return await invoke(request, services)
    if isinstance(request, PlanRequest):
        from descope_mcp.call.plan.plan import plan

        return await plan(request, services)
    from descope_mcp.call.undo.undo import undo

    return await undo(request, services)

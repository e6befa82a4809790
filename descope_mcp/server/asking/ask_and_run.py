"""One call, undo or plan run to its end, with a person asked where it says so.

Where they are asked outside of the client, the call waits a while for their word and goes on by
itself, if they can have heard of it: from the client, from the console or a notice, or from the
agent, which was told the number of the request before.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import mcp_types as types
from anyio.to_thread import run_sync

from descope_mcp.call.outcome import Call, NeedsConfirmation, Outcome, Undo, Waiting
from descope_mcp.call.plan.outcome import PlanChecked, PlanEnded, PlanRequest
from descope_mcp.call.services import Services
from descope_mcp.server.asking import elicitation
from descope_mcp.server.asking.elicitation import Context, No
from descope_mcp.server.asking.waiting_calls import WaitingCalls, status_of
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
            outcome = await _waited_for(ctx, outcome, request, services, waiting)
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
    outcome = await _perform(replace(request, approval=answer), services)
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


async def _waited_for(
    ctx: Context, filed: Waiting, request: Request, services: Services, waiting: WaitingCalls
) -> Ended:
    """What becomes of a call whose request a person answers outside of the client.

    The word of that person lies in the store, and the call finds it there, on whichever replica it
    was given. A client that hangs up, or cancels the call, ends the waiting and not the request.
    """
    from descope_mcp.server.asking import declined

    if not declined.may_wait(ctx, filed, services):
        return filed
    until, alone = time.monotonic() + services.patience, services.principal.scopes is None
    while True:
        with waiting.place(ctx, request.caller, alone=alone) as there_is_room:
            if not there_is_room:
                return filed
            number, tell = int(filed.number), partial(request.progress, declined.waits(filed))
            status = await waiting.answer(ctx, services.store, number, until, tell)
        if status == "pending":
            return declined.unanswered(filed, services)
        if status == "used":
            return declined.used(filed)
        outcome = await _perform(request, services)
        if not isinstance(outcome, NeedsConfirmation):
            return outcome
        if denied := await declined.before(outcome, services):
            return denied
        if await run_sync(status_of, services.store, number) == "used":
            return declined.used(filed)
        # What the call hits has changed since the person was asked.
        now = await declined.outside(outcome, request.caller, services, declined.CANNOT_SHOW)
        if not isinstance(now, Waiting) or now.number == filed.number:
            return now
        filed = now


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

"""What becomes of a call whose request a person answers outside of the client.

Their word lies in the store, and the call finds it there, on whichever replica it was given. A
client that can show a link is given that of the request in the console; what it says of the link
is no word for anything. Then the call waits for a while and goes on by itself, if the person can
have heard of the request: from the client, or from the agent, which was told its number before.
Who hangs up, or cancels the call, ends the waiting and not the request.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import mcp_types as types
from anyio.to_thread import run_sync

from descope_mcp.call.outcome import Call, NeedsConfirmation, Outcome, Refused, Undo, Waiting
from descope_mcp.call.plan.outcome import PlanChecked, PlanEnded, PlanRequest
from descope_mcp.call.services import Services
from descope_mcp.guard.consent.confirmation import LIFETIME
from descope_mcp.server.asking import elicitation
from descope_mcp.server.asking.elicitation import Context
from descope_mcp.server.asking.waiting_calls import WaitingCalls, status_of

Ended = Outcome | Waiting | PlanEnded | PlanChecked


async def followed(
    ctx: Context,
    params: types.CallToolRequestParams,
    filed: Waiting,
    request: Call | Undo | PlanRequest,
    services: Services,
    waiting: WaitingCalls,
    again: Callable[[], Awaitable[Ended]],
) -> Ended | types.InputRequiredResult:
    """What a call comes to whose request is filed.

    Args:
        ctx: of the call.
        params: with what the client brings.
        filed: the request.
        request: what a person is asked about.
        services: what it needs.
        waiting: the calls of this process that wait.
        again: performs it once more, now that the request was answered.

    Raises:
        StoreError: the answer cannot be read.
    """
    from descope_mcp.server.asking import declined

    opened = elicitation.opened(ctx, params)
    if opened is False:
        return declined.unopened(filed)
    leads = False
    if opened is None and declined.may_be_led(filed) and elicitation.opens_links(ctx):
        leads = await run_sync(_shown_first, filed, services)
    if leads and elicitation.is_modern(ctx):
        return elicitation.required_link(filed.number, filed.link)
    if not (opened or leads or declined.may_wait(ctx, filed, services)):
        return filed
    begun = time.monotonic()
    while True:
        seconds = LIFETIME if leads else services.patience
        with waiting.place(ctx, request.caller, services.principal.scopes is None) as has_room:
            if not has_room:
                return filed
            tell = partial(request.progress, declined.waits(filed))
            number, until = int(filed.number), begun + seconds
            answer = partial(waiting.answer, ctx, services.store, number, until, tell)
            status = await (_led(ctx, filed, answer) if leads else answer())
        match status:
            case "unopened":
                return declined.unopened(filed)
            case "pending":
                return declined.unanswered(filed, seconds)
            case "used":
                return declined.used(filed)
        outcome = await again()
        if not isinstance(outcome, NeedsConfirmation):
            return outcome
        now = await _asked_anew(filed, outcome, request, services)
        if not isinstance(now, Waiting) or now.number == filed.number:
            return now
        filed, leads = now, False


async def _asked_anew(
    filed: Waiting,
    needed: NeedsConfirmation,
    request: Call | Undo | PlanRequest,
    services: Services,
) -> Refused | Waiting:
    """What becomes of a call that its answered request did not let through."""
    from descope_mcp.server.asking import declined

    if denied := await declined.before(needed, services):
        return denied
    # Of the same call, sent twice, the other one has run.
    if await run_sync(status_of, services.store, int(filed.number)) == "used":
        return declined.used(filed)
    # What it hits has changed since the person was asked.
    return await declined.outside(needed, request.caller, services, declined.CANNOT_SHOW)


async def _led(ctx: Context, filed: Waiting, answer: Callable[[], Awaitable[str]]) -> str:
    """What a request came to while a client of an older revision shows its link, or "unopened"."""
    name, status, opened = str(uuid.uuid4()), "pending", True
    async with anyio.create_task_group() as showing:

        async def show() -> None:
            nonlocal opened
            opened = await elicitation.show_link(ctx, filed.number, filed.link, name)
            if not opened:
                showing.cancel_scope.cancel()

        showing.start_soon(show)
        status = await answer()
        showing.cancel_scope.cancel()
    if status == "pending":
        return status if opened else "unopened"
    await ctx.session.send_elicit_complete(name, ctx.request_id)
    return status


def _shown_first(filed: Waiting, services: Services) -> bool:
    """Whether no client was given this link within the last minutes; from now on one was."""
    from descope_mcp.store.consent import used_confirmations

    shown = hashlib.sha256(f"link\0{filed.number}".encode()).hexdigest()
    return used_confirmations.consume(services.store, shown, time.time() + LIFETIME)

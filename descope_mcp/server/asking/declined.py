"""What an agent is told where there was no yes: which no it was, and what a person can still do."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from descope_mcp.call.outcome import Call, NeedsConfirmation, Refused, Undo, Waiting
from descope_mcp.call.plan import outcome as plan
from descope_mcp.call.plan.outcome import PlanRequest
from descope_mcp.call.services import Services
from descope_mcp.guard.consent import said_no
from descope_mcp.guard.consent.confirmation import OF_CALL
from descope_mcp.guard.question import shell_quoting
from descope_mcp.guard.question.quoting import quoted
from descope_mcp.server.asking.elicitation import Context, No, hindrance

if TYPE_CHECKING:
    from descope_mcp.guard.question.question_data import Disclosure

#: Why a person is asked outside of the client, and the rule of that refusal.
CANNOT_SHOW = ("approval", "This call needs a person's yes, and this client cannot show a form.")
TOO_LONG = ("too-long", "What this call changes is longer than a form can show whole.")
IN_A_TERMINAL = (
    "too-long",
    "What this call changes is longer than a screen, and the policy has people asked about such in "
    "a terminal.",
)
UNREAD = "declined-unread"
OTHERS = ("others", "The policy has others approve this than whoever sits at the client.")
STANDS = (
    "declined-before",
    "A person denied this, or a part of it, less than a minute ago, and nobody is asked the same "
    "again so soon.",
)


def cannot_show(ctx: Context) -> tuple[str, str]:
    """Why no form was shown: the client has none, or the server does not reach it."""
    setting = hindrance(ctx)
    if not setting:
        return CANNOT_SHOW
    return (
        "approval",
        f"This call needs a person's yes. This server was started with {setting}, so that it "
        "cannot ask through a client of a protocol revision before 2026-07-28.",
    )


def unread(no: No) -> tuple[str, str]:
    """Why a person is asked outside of a client that has answered for them."""
    return (
        UNREAD,
        f"The client said no {no.seconds:.1f} s after the question, sooner than a person could "
        "have read it: it probably answered by itself and showed nothing.",
    )


def too_long(needed: NeedsConfirmation, services: Services) -> tuple[str, str]:
    """Why a form has no text."""
    from descope_mcp.guard.question.renderers.layout import is_long

    if needed.disclosure.is_for_others:
        return OTHERS
    elsewhere = services.policy.long_documents != "form" and is_long(needed.disclosure)
    return IN_A_TERMINAL if elsewhere else TOO_LONG


async def keep(no: No, request: Call | Undo | PlanRequest, services: Services) -> None:
    """Write a no down, and let it count for a while, if it is one.

    Raises:
        StoreError: it cannot be recorded.
    """
    from descope_mcp.store.journal import acts

    match request:
        case Call():
            operation = request.operation
        case Undo():
            operation = f"undo {request.call}"
        case PlanRequest():
            operation = plan.NAME
    said = partial(
        acts.record,
        services.store,
        "declined",
        by=request.caller,
        way="form",
        project=services.project,
        operation=operation[:_LONGEST],
        about=no.way,
    )
    await run_sync(said)
    if no.way in _IS_A_NO:
        await run_sync(said_no.keep, services.store, no.question, time.time())


def refused(no: No, request: Call | Undo | PlanRequest, services: Services) -> Refused:
    """The refusal of a call whose question a person has answered without a yes, or not at all."""
    did, remedy = _SAID[no.way]
    asked = f"They were asked: {quoted(no.question.label)}." if no.question.label else ""
    operation = services.catalog.find(request.operation) if isinstance(request, Call) else None
    safer = operation.safer if operation else None
    softer = f"Softer: {safer.operation}, {safer.why.rstrip('.')}." if safer else ""
    return Refused(no.way, f"{did} {asked}".strip(), f"{remedy} {softer}".strip())


async def before(needed: NeedsConfirmation, services: Services) -> Refused | None:
    """The refusal of a call that a person said no to outside of the client, if one did.

    Raises:
        StoreError: it cannot be told.
    """
    denied = await run_sync(said_no.denied, services.store, needed.question, time.time())
    if denied is None:
        return None
    did = "revoked their approval of" if denied.status == "revoked" else "denied"
    what = "this" if said_no.is_whole(needed.question, denied) else "a part of this"
    why = f" They say: {quoted(denied.reason)}." if denied.reason else ""
    return Refused("denied", f"A person {did} {what} (request {denied.number}).{why}", _ASK)


def may_wait(ctx: Context, filed: Waiting, services: Services) -> bool:
    """Whether a call waits for a word outside of the client: if the person can have heard of it.

    The client tells them where it takes notice of progress, a notice where some are sent, and the
    agent once it has the number.
    """
    shows_progress = (ctx.meta or {}).get("progress_token") is not None
    hears = filed.again or shows_progress or bool(services.channels)
    return services.patience > 0 and filed.rule != STANDS[0] and hears


def waits(filed: Waiting) -> str:
    """What a client may show while a call waits."""
    return f"Request {filed.number} waits for a person: {filed.link or filed.approve}"


def may_be_led(filed: Waiting) -> bool:
    """Whether the client is given the link: not one that answers for its person, nor after a no."""
    return bool(filed.link) and filed.rule not in (STANDS[0], UNREAD)


def unopened(filed: Waiting) -> Waiting:
    """What an agent is told whose client has not opened the link."""
    return replace(filed, message=f"{filed.message} The client did not open its page.")


def unanswered(filed: Waiting, seconds: float) -> Waiting:
    """What an agent is told when nobody has answered in time."""
    return replace(filed, message=f"{filed.message} Nobody answered it within {seconds:.0f} s.")


def used(filed: Waiting) -> Refused:
    """The refusal of a call that was sent twice, and of which one used the approval up."""
    return Refused(
        "used",
        f"Request {filed.number} was approved, and the same call, sent twice, has used that.",
        "Nothing was sent for this one. Read the target before you call again.",
    )


async def outside(
    needed: NeedsConfirmation, caller: str, services: Services, because: tuple[str, str]
) -> Refused | Waiting:
    """A request that a person answers outside of the client.

    Args:
        needed: what has to be confirmed.
        caller: who calls.
        services: with the store.
        because: the rule and the sentence that say why not in the client.

    Raises:
        StoreError: the request cannot be kept.
    """
    from descope_mcp.guard.question.question_data import to_json
    from descope_mcp.guard.question.renderers.layout import is_long
    from descope_mcp.store.consent import approvals, earlier_answers

    question, (rule, why) = needed.question, because
    acting = services.principal
    said = replace(
        needed.disclosure,
        agent=acting.client and quoted(acting.client),
        people=acting.claims.get("email", ()),
    )
    stale = partial(earlier_answers.outdated, services.store, question.binding, OF_CALL)
    if outdated := await run_sync(stale):
        rule, why = "changed", _differs(outdated.number, outdated.question, needed.disclosure)
    file = partial(
        approvals.file,
        services.store,
        project=services.project,
        caller=caller,
        operation=needed.disclosure.operation,
        binding=question.binding,
        question=to_json(said),
        typed=question.typed,
        tell=services.channels,
    )
    begun = time.time()
    request = await run_sync(file)
    if request is None:
        many = "Too many requests wait for a person already."
        return Refused(
            rule,
            f"{why} {many}",
            "Nothing was sent. Ask the person to answer them: `descope-mcp approvals list`.",
        )
    approve = shell_quoting.command("approvals", "approve", request.number)
    diff = shell_quoting.command("approvals", "diff", request.number)
    whole = f" `{diff}` shows all that becomes different." if is_long(needed.disclosure) else ""
    # The person's terminal may have another environment than this process.
    state = shell_quoting.setting(*services.store.setting)
    link = f"{services.console}/requests/{request.number}" if services.console else ""
    page, end = (f"open {link}, or to ", "link") if link else ("", "command")
    repeated = _WAITS.format(services.patience) if services.patience else _WAITS_NOT
    return Waiting(
        rule,
        f"{why} Request {request.number} waits for the person's own word.",
        f"Nothing was sent yet. Tell the person to {page}run `{approve}` in a terminal, where the "
        f"state of this server is: {state}.{whole} {repeated}, and an answer that ends here should "
        f"end with that {end}.",
        str(request.number),
        approve,
        state,
        link,
        again=request.created < begun,
        said=said,
    )


def _differs(number: int, approved: str, now: Disclosure) -> str:
    """What has changed since a request was approved, by what its question said."""
    from descope_mcp.guard.question.question_data import from_json
    from descope_mcp.guard.question.renderers import mcp_form

    said = from_json(approved)
    before = mcp_form.text(said).splitlines() if said else []
    after = mcp_form.text(now).splitlines()
    gone = [line.strip() for line in before if line not in after][:_MOST_LINES]
    come = [line.strip() for line in after if line not in before][:_MOST_LINES]
    was = f" It said: {quoted(' / '.join(gone))}; now: {quoted(' / '.join(come))}." if gone else ""
    return f"Request {number} was approved, and the call or what it hits is another by now.{was}"


#: What repeating a call does whose request waits.
_WAITS = "Make the same call again then, or at once: it waits for {:.0f} s; nobody is asked again"
_WAITS_NOT = "Make the same call again when they have; until then repeating changes nothing"
#: So many lines of a question are told that are no longer as they were.
_MOST_LINES = 4
#: An operation as a caller may name it has any length.
_LONGEST = 64
_ASK = "Nothing was sent. Report that, and leave it to the person what to do instead."
#: What counts as a no of the person, and stands for a while.
_IS_A_NO = ("declined", "not-ticked", "unread")
#: By the way of a no that a person can have given: what happened, and what to do.
_SAID = {
    "declined": ("The person said no.", f"{_ASK} The same call is not put to them for a minute."),
    "not-ticked": (
        "The person sent the form without ticking the box, which is a no.",
        f"{_ASK} The same call is not put to them for a minute.",
    ),
    "cancelled": (
        "The person closed the question without an answer.",
        "Nothing was sent. Call again only if they want to be asked again.",
    ),
    "no-answer": (
        "Nobody answered within five minutes, and the question has expired.",
        "Nothing was sent. Call again when the person is there.",
    ),
    "ended": (
        "This server was stopped before the person answered.",
        "Nothing was sent. Call again, and they are asked again.",
    ),
}

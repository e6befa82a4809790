"""A journalled call is taken back: the same path as the command's, its question on a page.

What was asked is kept as a ticket until it is answered, so that an answer is to what was shown. The
call that takes back is sent once, whatever a browser repeats.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio.to_thread import run_sync
from starlette.responses import Response
from starlette.routing import Route

from descope_mcp.call.outcome import Completed, Failed, NeedsConfirmation, Refused, Undo
from descope_mcp.call.plan.outcome import PlanEnded
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.console.pages import journal
from descope_mcp.console.visit import Visit
from descope_mcp.guard.consent.confirmation import Approval
from descope_mcp.guard.question.question_data import from_json, to_json
from descope_mcp.guard.question.renderers.layout import is_long
from descope_mcp.store import tickets
from descope_mcp.store.consent import approvals
from descope_mcp.store.journal import acts

if TYPE_CHECKING:
    from descope_mcp.console.console import Console

#: Refusals that a person may pass over.
_ANYWAY = ("changed-since", "unknown", "undone")


def routes(console: Console) -> list[Route]:
    """The pages."""
    return [
        Route("/journal/{call}/undo", console.page(_asked, "decide"), methods=["POST"]),
        Route("/journal/{call}/undo/answer", console.page(_answered, "decide"), methods=["POST"]),
    ]


async def _asked(visit: Visit) -> Response:
    """Take the call back, or ask first."""
    entry = await journal.one(visit)
    if entry is None:
        return await visit.refused("error.nothing", 404)
    anyway = visit.form.get("anyway") == "yes"
    return await _run(visit, Undo(entry.call, visit.person.name, anyway))


async def _run(visit: Visit, request: Undo) -> Response:
    outcome = await undo(request, _services(visit))
    if isinstance(outcome, NeedsConfirmation):
        if outcome.disclosure.is_for_others:
            return await _filed(visit, outcome)
        return await _question(visit, request, outcome)
    return await visit.render(
        "undone.html",
        200 if isinstance(outcome, Completed | PlanEnded) else 409,
        here="journal",
        still=True,
        call=request.call,
        outcome=outcome,
        done=isinstance(outcome, Completed),
        ended=isinstance(outcome, PlanEnded),
        refused=isinstance(outcome, Failed | Refused),
        anyway=isinstance(outcome, Refused) and outcome.rule in _ANYWAY,
    )


async def _question(visit: Visit, request: Undo, needed: NeedsConfirmation) -> Response:
    question, said = needed.question, needed.disclosure
    kept = {
        "by": visit.person.name,
        "call": request.call,
        "anyway": request.anyway,
        "binding": question.binding,
        "nonce": question.nonce,
        "expires": question.expires,
        "typed": question.typed,
        "code": question.code,
        "said": to_json(said),
    }
    issuing = partial(tickets.issue, visit.console.store, "undo", kept, question.expires)
    return await _page(visit, await run_sync(issuing), kept)


async def _page(
    visit: Visit, secret: str, kept: dict[str, Any], problem: str = "", status: int = 200
) -> Response:
    said = from_json(kept["said"])
    return await visit.render(
        "undo.html",
        status,
        here="journal",
        still=True,
        call=kept["call"],
        question=secret,
        said=said,
        long=said is not None and is_long(said),
        typed=kept["typed"],
        code=kept["code"],
        expires=kept["expires"],
        problem=problem,
    )


async def _filed(visit: Visit, needed: NeedsConfirmation) -> Response:
    """On to a request that others answer; the same is asked for again when they have."""
    said = needed.disclosure
    filing = partial(
        approvals.file,
        visit.console.store,
        project=visit.console.services.project,
        caller=visit.person.name,
        operation=said.operation,
        binding=needed.question.binding,
        question=to_json(said),
        typed=said.typed,
    )
    request = await run_sync(filing)
    if request is None:
        return await visit.refused("undo.too-many", 409)
    return visit.go(f"requests/{request.number}")


async def _answered(visit: Visit) -> Response:
    """Let the answer to a question count."""
    store, form = visit.console.store, visit.form
    secret, call = form.get("question", ""), visit.request.path_params["call"]
    kept = await run_sync(tickets.find, store, "undo", secret)
    if kept is None or (kept["by"], kept["call"]) != (visit.person.name, call):
        return await visit.refused("undo.over", 409)
    yes, typed = form.get("act") == "approve", form.get("typed", "")
    if yes and kept["typed"] and typed.strip() != kept["typed"]:
        return await _page(visit, secret, kept, "typed", 409)
    if await run_sync(tickets.take, store, "undo", secret) is None:
        return await visit.refused("undo.over", 409)
    if not yes:
        said = from_json(kept["said"])
        declining = partial(
            acts.record,
            store,
            "declined",
            by=visit.person.name,
            way="console",
            project=visit.console.services.project,
            operation=said.operation if said else "",
        )
        await run_sync(declining)
        return visit.go(f"journal/{call}")
    word = Approval(kept["binding"], kept["nonce"], kept["expires"], typed, form.get("code", ""))
    return await _run(visit, Undo(call, visit.person.name, kept["anyway"], word))


def _services(visit: Visit) -> Services:
    """What calls need, with the person as the one who calls."""
    services = visit.console.services
    return replace(services, principal=services.calling(visit.person.name))

"""The requests that wait for a person: all of them, one of them whole, and the answer to it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from anyio.to_thread import run_sync
from starlette.responses import Response
from starlette.routing import Route

from descope_mcp.console.visit import Visit
from descope_mcp.guard.decide import Act, NotDecided, decide, is_own, told
from descope_mcp.guard.question.question_data import Disclosure
from descope_mcp.guard.question.renderers.layout import is_long
from descope_mcp.store.consent import approvals, second_factor
from descope_mcp.store.consent.approvals import Request
from descope_mcp.store.store import Store

if TYPE_CHECKING:
    from descope_mcp.console.console import Console

#: So many that were answered are listed below those that wait.
_MOST_ANSWERED = 50
_ACTS: dict[str, Act] = {"approve": "approve", "deny": "deny", "revoke": "revoke"}


class Shown(NamedTuple):
    """A request, and what a person is told of it."""

    request: Request
    said: Disclosure


def routes(console: Console) -> list[Route]:
    """The pages."""
    one = "/requests/{number:int}"
    return [
        Route("/", console.page(_listed), methods=["GET"]),
        Route(one, console.page(_one), methods=["GET"]),
        Route(f"{one}/answer", console.page(_answered, "decide"), methods=["POST"]),
    ]


async def _listed(visit: Visit) -> Response:
    """All that waits, and below it what was answered last."""
    waiting, answered = await run_sync(_all, visit.console.store)
    done = visit.request.query_params.get("done", "")
    just = next((one.request for one in answered if str(one.request.number) == done), None)
    return await visit.render("requests.html", waiting=waiting, answered=answered, just=just)


async def _one(visit: Visit) -> Response:
    return await _page(visit, visit.request.path_params["number"])


async def _page(visit: Visit, number: int, problem: str = "", status: int = 200) -> Response:
    """One request whole; `problem` says why an answer to it did not count."""
    store = visit.console.store
    request = await run_sync(approvals.request, store, number)
    if request is None:
        return await visit.refused("error.nothing", 404)
    said = told(request)
    voters = await run_sync(approvals.voters, store, number)
    enrolled = await run_sync(second_factor.enrolled, store)
    done = visit.request.query_params.get("done", "")
    before = await run_sync(approvals.request, store, int(done)) if done.isdecimal() else None
    return await visit.render(
        "request.html",
        status,
        itself=f"requests/{number}",
        request=request,
        said=said,
        long=is_long(said),
        voters=voters,
        needed=approvals.needed(request.question),
        own=said.four_eyes and is_own(request, said, visit.person.decider),
        voted=visit.person.name in voters,
        code=enrolled,
        may=visit.person.may("decide"),
        problem=problem,
        typed=visit.form.get("typed", ""),
        reason=visit.form.get("reason", ""),
        just=before,
    )


async def _answered(visit: Visit) -> Response:
    """Let an answer count, and show the next request of the same group."""
    number, act = visit.request.path_params["number"], _ACTS.get(visit.form.get("act", ""))
    if act is None:
        return await visit.refused("error.form", 400)
    answer = partial(
        decide,
        visit.console.store,
        number,
        act,
        visit.person.decider,
        typed=visit.form.get("typed", ""),
        code=visit.form.get("code", ""),
        reason=visit.form.get("reason", ""),
    )
    try:
        decided = await run_sync(answer)
    except NotDecided as error:
        if error.why == "gone":
            return await visit.refused("error.nothing", 404)
        return await _page(visit, number, error.why, 409)
    following = await run_sync(_next, visit.console.store, decided.answer.request)
    where = f"requests/{following}" if following else ""
    return visit.go(f"{where}?done={number}")


def _all(store: Store) -> tuple[list[Shown], list[Shown]]:
    found = [Shown(one, told(one)) for one in approvals.requests(store)]
    waiting = [one for one in found if one.request.status == "pending"]
    answered = [one for one in found if one.request.status != "pending"]
    return waiting, answered[:_MOST_ANSWERED]


def _next(store: Store, after: Request) -> int:
    """The number of the next request like one that was answered, 0 if there is none.

    Like it are those for the same operation, by the same caller, in the same project. The oldest
    comes first, and one that has waited longer than the other after those that have not.
    """
    alike = [
        one.number
        for one in approvals.requests(store, pending=True)
        if (one.project, one.caller, one.operation)
        == (after.project, after.caller, after.operation)
        and one.number != after.number
    ]
    later = [number for number in alike if number > after.number]
    return min(later or alike, default=0)

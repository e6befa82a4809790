"""The requests that wait for a person: all of them, one of them whole, and the answer to it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from anyio.to_thread import run_sync
from starlette.responses import Response
from starlette.routing import Route

from descope_mcp.console.numbers import number_of
from descope_mcp.console.visit import Visit
from descope_mcp.guard.decide import Act, NotDecided, decide, is_own, told
from descope_mcp.guard.question.question_data import Disclosure
from descope_mcp.guard.question.renderers.layout import is_long
from descope_mcp.store.consent import approvals, listings
from descope_mcp.store.consent.request import Request, needed
from descope_mcp.store.store import Store

if TYPE_CHECKING:
    from descope_mcp.console.console import Console

#: So many that wait, and that are over, are listed at a time.
_MOST_WAITING, _MOST_ANSWERED = 40, 20
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
    """All that waits, and below it what is over, the newest first."""
    return await visit.render("requests.html", **await run_sync(_listing, visit))


async def _one(visit: Visit) -> Response:
    return await _page(visit, visit.request.path_params["number"])


async def _page(visit: Visit, number: int, problem: str = "", status: int = 200) -> Response:
    """One request whole; `problem` says why an answer to it did not count."""
    done = _done(visit)
    seen = await run_sync(listings.overview, visit.console.store, *filter(None, (number, done)))
    request = seen.requests.get(number)
    if request is None:
        return await visit.refused("error.nothing", 404)
    said, voters, decider = told(request), seen.voters[number], visit.person.decider
    return await visit.render(
        "request.html",
        status,
        itself=f"requests/{number}",
        request=request,
        said=said,
        long=is_long(said),
        voters=voters,
        needed=needed(request.question),
        own=said.four_eyes and is_own(request, said, decider),
        voted=decider.name in voters or bool(decider.marks & seen.marks[number]),
        code=seen.code,
        may=visit.person.may("decide"),
        problem=problem,
        typed=visit.form.get("typed", ""),
        reason=visit.form.get("reason", ""),
        just=seen.requests.get(done),
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


def _listing(visit: Visit) -> dict[str, Any]:
    """What is listed: what waits, and below it what is over; of each a page, the newest first.

    A page further on has one of them, from the number on that its address names.
    """
    store, asked = visit.console.store, visit.request.query_params
    older, before = (number_of(asked.get(name, "")) for name in ("older", "before"))
    waits = [] if before else approvals.requests(store, pending=True)
    left = [one for one in waits if not older or one.number < older]
    done = _done(visit)
    over = None if older else listings.over(store, _MOST_ANSWERED, before)
    return {
        "number": len(waits),
        "waiting": _shown(left[:_MOST_WAITING]),
        "more_wait": len(left) > _MOST_WAITING,
        "answered": _shown(over.requests) if over else [],
        "more": over is not None and over.more,
        "first": not (older or before),
        "before": before,
        "just": listings.overview(store, done).requests.get(done) if done else None,
    }


def _shown(requests: Sequence[Request]) -> list[Shown]:
    return [Shown(one, told(one)) for one in requests]


def _done(visit: Visit) -> int:
    """The number of the request that was answered on the page before, 0 if none was."""
    return number_of(visit.request.query_params.get("done", ""))


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

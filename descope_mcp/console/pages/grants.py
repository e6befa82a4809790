"""Calls that people have allowed ahead: all of them, one of them, and a new one from a request."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync
from starlette.responses import Response
from starlette.routing import Route

from descope_mcp.console.numbers import number_of
from descope_mcp.console.visit import Visit
from descope_mcp.guard import grant
from descope_mcp.guard.consent import grant_limits
from descope_mcp.guard.decide import NotDecided, told
from descope_mcp.guard.grant import NotGranted
from descope_mcp.store.consent import approvals, grants, second_factor
from descope_mcp.store.consent.grants import Grant
from descope_mcp.store.consent.request import Request

if TYPE_CHECKING:
    from descope_mcp.console.console import Console

#: So many that count are listed, and so many that have ended below them.
_MOST_LISTED = 50
_HOUR = 3600.0


def routes(console: Console) -> list[Route]:
    """The pages. Whoever decides may take away what an administrator has given."""
    new, one = "/requests/{number:int}/grant", "/grants/{number:int}"
    return [
        Route("/grants", console.page(_listed), methods=["GET"]),
        Route(new, console.page(_offered, "administer"), methods=["GET"]),
        Route(new, console.page(_given, "administer"), methods=["POST"]),
        Route(one, console.page(_one), methods=["GET"]),
        Route(f"{one}/narrow", console.page(_narrowed, "decide"), methods=["POST"]),
        Route(f"{one}/end", console.page(_ended, "decide"), methods=["POST"]),
    ]


async def _listed(visit: Visit) -> Response:
    found = await run_sync(grants.listed, visit.console.store)
    usable = [one for one in found if one.usable]
    ended = [one for one in found if not one.usable]
    return await visit.render(
        "grants.html",
        here="grants",
        number=len(usable),
        usable=usable[:_MOST_LISTED],
        ended=ended[:_MOST_LISTED],
    )


async def _offered(visit: Visit) -> Response:
    request = await _request(visit)
    if request is None:
        return await visit.refused("error.nothing", 404)
    patterns = {one.label: one.value for one in told(request).patterns}
    return await _form(visit, request, patterns, caller=grant_limits.exact(request.caller))


async def _given(visit: Visit) -> Response:
    """Give a grant for the operation of a request, with patterns for its arguments."""
    request, form = await _request(visit), visit.form
    if request is None:
        return await visit.refused("error.nothing", 404)
    paths = [one.label for one in told(request).patterns]
    if not paths:
        return await visit.refused("grant.none", 409)
    patterns = {path: form.get(f"p{place}", "") for place, path in enumerate(paths)}
    store, caller = visit.console.store, form.get("caller", "").strip()
    items, hours = number_of(form.get("items", "")), number_of(form.get("hours", ""))
    again = partial(_form, visit, request, patterns, caller=caller)
    try:
        asked = grant.wanted(
            visit.console.services.catalog,
            request.operation,
            patterns,
            items,
            hours * _HOUR,
            caller,
        )
        giving = partial(
            grant.give,
            store,
            request.project,
            asked,
            visit.person.decider,
            typed=form.get("typed", ""),
            code=form.get("code", ""),
            request=request,
        )
        made = (await run_sync(giving)).grant
    except NotGranted as error:
        every = asked.every if error.why == "typed" else []
        return await again(problem=error.why, every=every, status=409)
    except NotDecided as error:
        return await again(problem=error.why, every=asked.every, status=409)
    return visit.go(f"grants/{made.id}?done=granted")


async def _form(
    visit: Visit,
    request: Request,
    patterns: dict[str, str],
    *,
    caller: str,
    problem: str = "",
    every: list[str] | None = None,
    status: int = 200,
) -> Response:
    """The form of a new grant; `every` are the arguments of which it leaves no value out."""
    return await visit.render(
        "grant_new.html",
        status,
        here="grants",
        still=True,
        request=request,
        said=told(request),
        patterns=patterns,
        caller=caller,
        items=visit.form.get("items", "1"),
        hours=visit.form.get("hours", "1"),
        every=every or [],
        problem=problem,
        code=await run_sync(second_factor.enrolled, visit.console.store),
        most_items=grant_limits.MOST_ITEMS,
        most_hours=int(grant_limits.LONGEST // _HOUR),
    )


async def _one(visit: Visit) -> Response:
    return await _page(visit)


async def _page(visit: Visit, problem: str = "", status: int = 200) -> Response:
    found = await _grant(visit)
    if found is None:
        return await visit.refused("error.nothing", 404)
    operation = visit.console.services.catalog.find(found.operation)
    return await visit.render(
        "grant.html",
        status,
        here="grants",
        itself=f"grants/{found.id}",
        grant=found,
        title=operation.title if operation else "",
        may=found.usable and visit.person.may("decide"),
        done=visit.request.query_params.get("done", ""),
        problem=problem,
        hours=max(1, int((found.expires - time.time()) // _HOUR)),
    )


async def _narrowed(visit: Visit) -> Response:
    found, form = await _grant(visit), visit.form
    if found is None:
        return await visit.refused("error.nothing", 404)
    hours = form.get("hours", "").strip()
    ends = time.time() + number_of(hours) * _HOUR if hours else found.expires
    narrowing = partial(
        grant.narrow,
        visit.console.store,
        found,
        visit.person.decider,
        left=number_of(form.get("items", "")),
        expires=min(ends, found.expires),
        patterns={path: form.get(f"p{n}", "") for n, path in enumerate(found.arguments)},
    )
    try:
        await run_sync(narrowing)
    except NotGranted as error:
        return await _page(visit, error.why, 409)
    return visit.go(f"grants/{found.id}?done=narrowed")


async def _ended(visit: Visit) -> Response:
    number = visit.request.path_params["number"]
    ending = partial(grant.end, visit.console.store, number, visit.person.decider)
    try:
        await run_sync(ending)
    except NotGranted as error:
        return await _page(visit, error.why, 409)
    return visit.go(f"grants/{number}?done=ended")


async def _request(visit: Visit) -> Request | None:
    number = visit.request.path_params["number"]
    return await run_sync(approvals.request, visit.console.store, number)


async def _grant(visit: Visit) -> Grant | None:
    number, found = visit.request.path_params["number"], visit.console.store
    return next((one for one in await run_sync(grants.listed, found) if one.id == number), None)

"""What was done, by whom, and whether the record is whole: a search, one entry, the chain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from anyio.to_thread import run_sync
from starlette.responses import Response
from starlette.routing import Route

from descope_mcp.call import settling_read
from descope_mcp.call.plan.outcome import NAME as PLAN
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.json_path import leaves
from descope_mcp.console.numbers import number_of
from descope_mcp.console.visit import Visit
from descope_mcp.guard.question.quoting import quoted, visible
from descope_mcp.store.consent import listings
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.journal.entry import Entry
from descope_mcp.store.store import Store

if TYPE_CHECKING:
    from descope_mcp.console.console import Console

#: So many entries are on a page; for one, no more than so many are looked through.
_PAGE, _BATCH, _MOST = 50, 200, 2000
#: So many values of a call or of its before-state are shown.
_MOST_VALUES = 150
#: The results that a search can be for; the last stands for what people did.
RESULTS = ("done", "failed", "not_sent", "unknown", "act")
_CALLS = RESULTS[:-1]


class Value(NamedTuple):
    """A value of a call with its path, both ready to be shown."""

    path: str
    value: str


class Told(NamedTuple):
    """What is known of an entry besides what the list says.

    ``more`` values are not shown. ``steps`` would take it back, ``missing`` says what not.
    """

    given: list[Value]
    before: list[Value]
    more: int
    steps: list[tuple[str, list[Value]]]
    missing: list[str]
    settle: str
    voters: list[str]
    forgotten: bool


def routes(console: Console) -> list[Route]:
    """The pages. What is searched for may be personal, and so is in no address."""
    return [
        Route("/journal", console.page(_listed), methods=["GET", "POST"]),
        Route("/journal/chain", console.page(_chain), methods=["GET"]),
        Route("/journal/{call}", console.page(_one), methods=["GET"]),
    ]


async def _listed(visit: Visit) -> Response:
    names = ("operation", "caller", "target", "result", "since", "until", "plan")
    asked = {name: visit.form.get(name, "").strip() for name in names}
    before = number_of(visit.form.get("before", ""))
    searching = partial(found, visit.console.store, asked, before)
    some, following = await run_sync(searching)
    searched = any(asked.values()) or bool(before)
    return await visit.render(
        "journal.html",
        here="journal",
        still=searched,
        listed=some,
        following=following,
        asked=asked,
        searched=searched,
        results=RESULTS,
    )


def found(store: Store, asked: dict[str, str], before: int) -> tuple[list[Entry], int]:
    """The entries of one page, newest first, and before which the next page begins (0: none)."""
    result, found, read = asked["result"], list[Entry](), 0
    since, until = _day(asked["since"]), _day(asked["until"])
    while read < _MOST:
        batch = journal.entries(
            store,
            operation=asked["operation"],
            caller=asked["caller"],
            target=asked["target"],
            plan=asked["plan"],
            since=since.timestamp() if since else 0.0,
            until=(until + timedelta(days=1)).timestamp() if until else 0.0,
            before=before,
            limit=_BATCH,
            acts=not result or result == "act",
        )
        for entry in batch:
            if len(found) == _PAGE:
                return found, before
            before, is_act = entry.seq, entry.result not in _CALLS
            if not result or (result == "act" if is_act else result == entry.result):
                found.append(entry)
        read += len(batch)
        if len(batch) < _BATCH:
            return found, 0
    return found, before


def _day(text: str) -> datetime | None:
    """The beginning of a day in UTC, as a browser sends it; None for everything else."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


async def _one(visit: Visit) -> Response:
    entry = await one(visit)
    if entry is None:
        return await visit.refused("error.nothing", 404)
    services = visit.console.services
    told = await run_sync(_told, visit.console.store, services.catalog, entry)
    is_call = entry.result in _CALLS
    stands = is_call and entry.result in ("done", "unknown") and not entry.undone_by
    can = stands and entry.project == services.project and (told.steps or entry.operation == PLAN)
    return await visit.render(
        "entry.html",
        here="journal",
        itself=f"journal/{entry.call}",
        entry=entry,
        told=told,
        is_call=is_call,
        can=can,
        may=visit.person.may("decide"),
        who=_who(entry),
    )


async def one(visit: Visit) -> Entry | None:
    """The entry that an address names."""
    call = visit.request.path_params["call"]
    looking = partial(journal.entries, visit.console.store, call=call, limit=2, acts=True)
    return next((e for e in await run_sync(looking) if e.call == call), None)


def _told(store: Store, catalog: Catalog, entry: Entry) -> Told:
    details, undo = journal.detail(store, entry.call)
    given, before = details.get("arguments"), details.get("before")
    shown, seen = list(_values(given)), list(_values(before))
    unknown = entry.result == "unknown"
    kind, _, number = entry.consent.partition(" ")
    return Told(
        shown[:_MOST_VALUES],
        seen[: max(0, _MOST_VALUES - len(shown))],
        max(0, len(shown) + len(seen) - _MOST_VALUES),
        [
            (step["operation"], [*_values(step["arguments"])][:20])
            for step in (undo or {}).get("steps", [])
        ][:30],
        list((undo or {}).get("missing", ())),
        settling_read.command(catalog, entry, details) if unknown else "",
        listings.voters(store, number_of(number)) if kind == "approval" else [],
        not details,
    )


def _values(data: Any) -> Iterator[Value]:
    for path, value in leaves(data):
        plain = "".join(c if visible(c) else "·" for c in path)
        yield Value(plain, quoted(value))


def _who(entry: Entry) -> tuple[str, int]:
    """What allowed a call: the name of a text, and the number in it."""
    kind, _, number = entry.consent.partition(" ")
    known = ("policy", "person", "approval", "grant")
    return (kind, number_of(number)) if kind in known else ("other", 0)


async def _chain(visit: Visit) -> Response:
    count, head, problems = await run_sync(hash_chain.problems, visit.console.store)
    return await visit.render(
        "chain.html", here="journal", still=True, count=count, head=head, problems=problems
    )

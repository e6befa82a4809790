"""The reads of a report: what can be made at once is, all pages of each, each by the whole path.

What one keeps of an answer are the values of its columns, so that thousands of users take little.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio

from descope_mcp.call.outcome import Completed, Failed, NeedsConfirmation, Outcome, Refused
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.json_path import values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.recipe_reference import all_in
from descope_mcp.catalog.reports.record import Source
from descope_mcp.catalog.reports.report import Report
from descope_mcp.guard.preview.ordered_gather import gather
from descope_mcp.guard.preview.recipe_values import ABSENT, Scope, resolve

#: So many pages of one read are read, and so many reads go at once.
MOST_PAGES = 100
_AT_ONCE = 8

#: Runs one read by the path of a call: ``(operation, arguments) -> outcome``.
Run = Callable[[str, Mapping[str, Any]], Awaitable[Outcome]]


class Ended(Exception):
    """A read without which there is no report did not succeed. Never leaves this package."""

    def __init__(self, outcome: Failed | Refused) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the reads found, by their names, and what is to be said of those that did not.

    ``rows`` are the values of the columns of each element; ``missing`` says of a read why it could
    not be made, ``short`` of one how many elements were read of how many, ``cut`` has those of
    which an answer was larger than what is read of one.
    """

    rows: dict[str, list[list[Any]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    short: dict[str, tuple[int, int]] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)


async def gathered(
    report: Report, arguments: Mapping[str, Any], project: str, catalog: Catalog, run: Run
) -> Gathered:
    """Make the reads of a report, each as soon as what it refers to is known.

    Raises:
        Ended: one that is not optional was denied or failed.
    """
    out = Gathered()
    limit = anyio.CapacityLimiter(_AT_ONCE)
    waiting = dict(report.reads)
    while waiting:
        ready = {n: s for n, s in waiting.items() if not _before(s) & waiting.keys()}
        scope = Scope(args=arguments, project=project, found=_as_found(report, out))
        jobs = [
            partial(_read, name, s, scope, catalog, run, limit, out) for name, s in ready.items()
        ]
        await gather(jobs)
        for name in ready:
            del waiting[name]
    return out


def _before(source: Source) -> set[str]:
    """The reads that one refers to."""
    references = all_in([source.arguments, source.given])
    found = (one for one in references if one.root == "found")
    return {one.path.partition(".")[0].partition("[")[0] for one in found}


def _as_found(report: Report, out: Gathered) -> dict[str, Any]:
    """What has been found, as references see it: by read the elements, by column the values."""
    return {
        name: [dict(zip(report.reads[name].columns, row, strict=True)) for row in rows]
        for name, rows in out.rows.items()
    }


async def _read(
    name: str,
    source: Source,
    scope: Scope,
    catalog: Catalog,
    run: Run,
    limit: anyio.CapacityLimiter,
    out: Gathered,
) -> None:
    """Make one read, all of its pages."""
    if any(resolve(reference, scope) is ABSENT for reference in source.given):
        return
    operation = catalog[source.operation]
    resolved = resolve(source.arguments, scope)
    arguments = {} if resolved is ABSENT else resolved

    async def page(number: int) -> dict[str, Any]:
        async with limit:
            outcome = await run(source.operation, {**_paged(operation, number), **arguments})
        if isinstance(outcome, Completed):
            if outcome.cut:
                out.cut.add(name)
            return outcome.data
        raise Ended(_ending(outcome, source.operation))

    try:
        first = await page(0)
        rows = _rows(source, first)
        total = _total(operation, arguments, first)
        pages = range(1, min(-(-total // len(rows)), MOST_PAGES) if rows else 0)
        for data in await gather([partial(page, number) for number in pages]):
            rows += _rows(source, data)
    except Ended as ended:
        if not source.optional:
            raise
        out.missing[name] = _why(ended.outcome)
        return
    out.rows[name] = rows
    if len(rows) < total:
        out.short[name] = (len(rows), total)


def _paged(operation: Operation, number: int) -> dict[str, int]:
    """The arguments that ask for a page, the largest that there is."""
    paging = operation.paging
    if paging is None or not paging.page or (not number and not paging.maximum):
        return {}
    size = {paging.size: paging.maximum} if paging.maximum else {}
    return {**size, **({paging.page: number} if number else {})}


def _total(operation: Operation, arguments: Mapping[str, Any], data: Mapping[str, Any]) -> int:
    """How many elements there are to read; 0 where the first answer is meant to be all."""
    paging = operation.paging
    if paging is None or not paging.page or paging.size in arguments:
        return 0
    total = data.get(paging.total)
    return total if isinstance(total, int) else 0


def _rows(source: Source, data: Mapping[str, Any]) -> list[list[Any]]:
    """The values of the columns of every element in an answer."""
    (places, *_) = values_at(data, source.rows) or [[]]
    elements = places if isinstance(places, list) else [places]
    return [
        [element.get(column) for column in source.columns]
        if isinstance(element, Mapping)
        else [element, *([None] * (len(source.columns) - 1))]
        for element in elements
        if element is not None
    ]


def _why(outcome: Failed | Refused) -> str:
    """Why a read did not succeed, without what others may have written."""
    if isinstance(outcome, Refused):
        return outcome.message
    return " ".join(str(part) for part in (outcome.kind, outcome.status or "") if part)


def _ending(outcome: Outcome, operation: str) -> Failed | Refused:
    """What a read that did not succeed ends a report with."""
    if isinstance(outcome, (Failed, Refused)):
        return outcome
    assert isinstance(outcome, NeedsConfirmation)  # noqa: S101 - there is no other
    message = f"The policy asks a person about {operation}, and a report asks nobody."
    return Refused("asks-in-report", message, f"Call {operation} by itself.")

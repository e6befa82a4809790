"""A report from beginning to end: its reads, its tables, its answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from anyio.to_thread import run_sync

from descope_mcp.call.checked import Checked
from descope_mcp.call.outcome import Completed, Failed, Instead, Refused
from descope_mcp.call.reports.source_reads import Ended, Gathered, Run, gathered
from descope_mcp.call.services import Services
from descope_mcp.catalog.reports.report import Report


async def made(
    report: Report, checked: Checked, services: Services, run: Run
) -> Completed | Failed:
    """The answer of a report. `run` makes its reads, each by the whole path of a call.

    Raises:
        Instead: a read that the report cannot do without was refused.
    """
    try:
        found = await gathered(report, checked.arguments, services.project, services.catalog, run)
    except Ended as ended:
        why = (
            f"{report.name} cannot do without a read that did not succeed. {ended.outcome.message}"
        )
        outcome = replace(ended.outcome, message=why)
        if isinstance(outcome, Refused):
            raise Instead(outcome) from None
        return outcome
    try:
        data = await run_sync(_answer, report, checked.arguments, found)
    except sqlite3.Error:
        message = f"{report.name} could not be made of what was answered."
        return Failed("api_error", message, f"Its parts: {', '.join(report.needed)}.")
    return Completed(report, data, checked.id, notes=_notes(report, found))


def _answer(report: Report, arguments: Mapping[str, Any], found: Gathered) -> dict[str, Any]:
    from descope_mcp.catalog.reports import tables as report_tables

    return report_tables.answer(report, arguments, found.rows, found.missing)


def _notes(report: Report, found: Gathered) -> tuple[str, ...]:
    """What is not in the report."""
    holes = [
        f"{name} are not in it: {report.reads[name].operation} did not succeed ({why.rstrip('.')})"
        for name, why in found.missing.items()
    ]
    short = [
        f"incomplete: {read} of {total} {name} were read"
        for name, (read, total) in found.short.items()
    ]
    cut = [
        f"incomplete: an answer with {name} was larger than this server reads"
        for name in sorted(found.cut)
    ]
    return (*short, *cut, *holes)

"""The tables of ``docs/sandbox-sdks.md``, from the kept results."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from benchmarks.sdk_suites.results import Results, Row, Suite

PAGE = Path(__file__).parents[2] / "docs" / "sandbox-sdks.md"
BEGIN, END = "<!-- begin: python -m benchmarks.sdk_suites -->", "<!-- end -->"
_REASONS = Path(__file__).with_name("reasons.yaml")
#: The fates of requests, as the heads of their columns.
_FATES = {
    "answered": "answered",
    "data": "known, but what it names is not there, or is already",
    "arguments": "arguments refused",
    "credential": "credential refused",
    "route": "no such route",
    "broken": "sandbox broken",
}


def written(page: str, results: Results) -> str:
    """The page with what is between its markers written anew.

    Raises:
        ValueError: the markers are missing, or something failed for which no reason is given.
    """
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} lacks its markers")
    return f"{head}{BEGIN}\n\n" + "\n".join(_lines(results)) + f"\n\n{END}{tail}"


def summary(results: Results) -> str:
    """The two tables of figures."""
    return "\n".join((*_tests(results), "", *_requests(results)))


def _lines(results: Results) -> Iterator[str]:
    yield f"Found on {results.date}."
    yield ""
    yield from _tests(results)
    yield from ("", "## Tests that fail", "", "| suite | test | why |", "| --- | --- | --- |")
    for suite in results.suites:
        for test in suite.failed:
            yield f"| {suite.title} | `{test.replace('|', ' ')}` | {_why_test(test)} |"
    yield from ("", "## Requests", "")
    yield from _requests(results)
    yield from ("", "## Requests that were refused, and why", "")
    yield from _refused([suite for suite in results.suites if not suite.whole])
    yield from ("", "## Arguments that the contract does not have", "")
    yield from ("| argument | sent with | by |", "| --- | --- | --- |")
    senders: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for name, (operations, titles) in _undeclared(results.suites).items():
        senders[name, operations] = titles
    for (name, operations), titles in senders.items():
        yield f"| `{name}` | {', '.join(operations)} | {'; '.join(titles)} |"


def _tests(results: Results) -> Iterator[str]:
    yield "| suite | version | commit | how | tests | passed |"
    yield "| --- | --- | --- | --- | ---: | ---: |"
    for suite in results.suites:
        how = "run against the sandbox" if suite.whole else "requests noted, then sent"
        number = suite.passed + len(suite.failed)
        yield (
            f"| {suite.title} | {suite.version} | {suite.commit} | {how} | {number:,} "
            f"| {suite.passed:,} |"
        )


def _requests(results: Results) -> Iterator[str]:
    noted = [suite for suite in results.suites if not suite.whole]
    fates = [f for f in _FATES if any(suite.fates.get(f) for suite in noted)]
    yield "| suite | tests that send | requests | " + " | ".join(_FATES[f] for f in fates) + " |"
    yield "| --- " + "| ---: " * (len(fates) + 2) + "|"
    for suite in noted:
        figures = [
            suite.sending,
            sum(suite.fates.values()),
            *(suite.fates.get(f, 0) for f in fates),
        ]
        yield f"| {suite.title} | " + " | ".join(f"{n:,}" for n in figures) + " |"


def _refused(suites: list[Suite]) -> Iterator[str]:
    """One line for each reason, with what was called and how often by which suite."""
    by_reason: dict[tuple[str, str], dict[str, dict[str, int]]] = {}
    for suite in suites:
        for row in suite.rows:
            calls = by_reason.setdefault((row.fate, _why(row)), {})
            times = calls.setdefault(row.calls, {})
            times[suite.title] = times.get(suite.title, 0) + row.requests
    yield "| | why | " + " | ".join(suite.title for suite in suites) + " | what is called |"
    yield "| --- | --- " + "| ---: " * len(suites) + "| --- |"
    order = list(_FATES)
    for (fate, why), calls in sorted(by_reason.items(), key=lambda item: order.index(item[0][0])):
        sums = [sum(times.get(suite.title, 0) for times in calls.values()) for suite in suites]
        figures = " | ".join(f"{n:,}" if n else "" for n in sums)
        named = ", ".join(f"`{name}`" for name in sorted(calls))
        yield f"| {_FATES[fate]} | {why} | {figures} | {named} |"


def _undeclared(suites: list[Suite]) -> dict[str, tuple[tuple[str, ...], list[str]]]:
    out: dict[str, tuple[set[str], list[str]]] = {}
    for suite in suites:
        for name, operations in suite.undeclared.items():
            known = out.setdefault(name, (set(), []))
            known[0].update(operations)
            known[1].append(suite.title)
    return {name: (tuple(sorted(ops)), titles) for name, (ops, titles) in sorted(out.items())}


def _why(row: Row) -> str:
    for reason in _reasons()["requests"]:
        if (
            reason["fate"] == row.fate
            and re.fullmatch(reason.get("calls", ".*"), row.calls)
            and re.fullmatch(reason.get("said", ".*"), row.said)
        ):
            return str(reason["why"])
    raise ValueError(f"no reason in {_REASONS.name} for {row}")


def _why_test(test: str) -> str:
    for reason in _reasons()["tests"]:
        if re.fullmatch(reason["test"], test):
            return str(reason["why"])
    raise ValueError(f"no reason in {_REASONS.name} for the failure of {test}")


@cache
def _reasons() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = yaml.safe_load(_REASONS.read_text(encoding="utf-8"))
    return found

"""What a run found, as it is kept beside the code and shown on the page."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.sdk_suites.delivery import Delivered
from benchmarks.sdk_suites.suites import Ran

#: The last run that the page shows.
KEPT = Path(__file__).with_name("results.json")
_UNDECLARED = re.compile(r"(?:(?P<place>[^:]+): )?(?P<names>[^:]+): not an argument")
_OTHER_TYPE = re.compile(r"(?P<place>[^:]+): expected")


@dataclass(frozen=True, slots=True)
class Row:
    """Requests that were not answered: what they call, their fate, and what was said."""

    calls: str
    fate: str
    said: str
    requests: int


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite: its tests, and what became of its requests.

    Attributes:
        whole: its tests were run against the sandbox, so that nothing was noted of it.
        failed: the tests that failed.
        sending: tests of which requests were noted.
        fates: how many requests had which fate.
        undeclared: what requests have that the contract does not, each with the operations.
    """

    title: str
    version: str
    commit: str
    whole: bool
    passed: int
    failed: list[str]
    sending: int = 0
    fates: dict[str, int] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    undeclared: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Results:
    """A run: when, and the suites."""

    date: str
    suites: list[Suite]


def whole(title: str, ran: Ran) -> Suite:
    """A suite that was run against the sandbox."""
    return Suite(title, ran.version, ran.commit, True, len(ran.passed), sorted(ran.failed))


def noted(title: str, ran: Ran, delivered: Iterable[Delivered]) -> Suite:
    """A suite whose requests were sent to the sandbox."""
    all_of_it = list(delivered)
    refused = Counter(
        (_called(one), one.fate, one.said if one.fate in ("arguments", "credential") else "")
        for one in all_of_it
        if one.fate not in ("answered", "data")
    )
    undeclared: dict[str, set[str]] = {}
    for one in all_of_it:
        for problem in one.undeclared:
            for name in _names(problem):
                undeclared.setdefault(name, set()).add(one.operation)
    return Suite(
        title,
        ran.version,
        ran.commit,
        False,
        len(ran.passed),
        sorted(ran.failed),
        len({one.sent.test for one in all_of_it}),
        dict(Counter(one.fate for one in all_of_it)),
        [Row(*key, number) for key, number in sorted(refused.items())],
        {name: sorted(operations) for name, operations in sorted(undeclared.items())},
    )


def _called(one: Delivered) -> str:
    return one.operation or f"{one.sent.method} {one.sent.target.partition('?')[0]}"


def _names(problem: str) -> list[str]:
    """The arguments that a problem is about, without the positions in lists."""
    problem = re.sub(r"\[\d+\]", "[]", problem)
    if found := _UNDECLARED.match(problem):
        place = f"{found['place']}." if found["place"] else ""
        return [place + name for name in found["names"].split(", ")]
    found = _OTHER_TYPE.match(problem)
    return [f"{found['place']} (type)"] if found else []


def read(path: Path = KEPT) -> Results:
    """The run that is kept.

    Raises:
        OSError, ValueError: there is none, or it is of another form.
    """
    kept = json.loads(path.read_text(encoding="utf-8"))
    suites = [
        Suite(**{**suite, "rows": [Row(**row) for row in suite["rows"]]})
        for suite in kept.pop("suites")
    ]
    return Results(**kept, suites=suites)


def write(results: Results, path: Path = KEPT) -> None:
    """Keep a run in the place of the last one."""
    path.write_text(json.dumps(asdict(results), indent=1) + "\n", encoding="utf-8")


def together(new: Results, old: Results) -> Results:
    """The new run, with the suites of the old one that it left out."""
    known = {suite.title: suite for suite in old.suites} | {s.title: s for s in new.suites}
    return Results(new.date, [known[title] for title in sorted(known)])

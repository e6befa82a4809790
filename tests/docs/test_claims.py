"""Every number with a unit in README and documentation has a row in the table, and is true.

What comes from a constant of the program, or can be counted, is compared here; what was measured
names the benchmark and the day; what others say names where.
"""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache, reduce
from typing import Any

import yaml

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.cli.policy_trials.verification.all_promises import GROUPS
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.notices.delivery import PAUSES
from descope_mcp.sandbox.engine.tables import TABLES
from descope_mcp.sandbox.http import rate_limits
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.server.surface import tool_list
from descope_mcp.server.surface.token_cost import exact, listed

from .pages import prose, written
from .site import ROOT

CLAIMS = ROOT / "docs" / "claims.toml"
#: What a unit is worth in seconds, or in bytes.
_UNITS = {"ms": 0.001, "s": 1, "second": 1, "minute": 60, "hour": 3600, "day": 24 * 3600}
_UNITS |= {"kB": 1000, "MB": 1000**2, "KiB": 1024, "MiB": 1024**2}
#: What is counted.
_KINDS = (
    "%|answer|byte|call|change|character|connection|element|everyday task|item|level|line|operation"
    "|page|promise|querie|query|read|request|session|tenant|token|tool|user"
)
_WORDS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
_WORDS |= {"ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30}
_WORDS |= {"seventy": 70, "hundred": 100, "thousand": 1000}
NUMBER = re.compile(
    rf"(?<![\w.,-])(?P<number>\d[\d,]*(?:\.\d+)?|{'|'.join(_WORDS)}|half an) ?"
    rf"(?P<unit>{'|'.join(_UNITS)}|{_KINDS})s?(?!\w)"
)
#: Whose figures are no claims about the program: what was new, and how to work on it; and a page
#: that is compared as a whole with what was measured (tests/benchmarks/test_peers.py).
_NOT_CLAIMS = ("CHANGELOG.md", "CONTRIBUTING.md", "docs/comparison.md")


def text_of(page: str) -> str:
    """A page's prose as one line; what stands in code or is an address is blotted out."""
    text = re.sub(r"`[^`]+`|\]\([^)]*\)", lambda found: "\0" * len(found[0]), prose(page))
    return re.sub(r"[ \n]+", " ", text)


def as_said(text: str) -> str:
    """The words of a claim as they stand in `text_of`."""
    text = re.sub(r"`[^`]+`|\]\([^)]*\)", lambda found: "\0" * len(found[0]), text)
    return re.sub(r"[ \n]+", " ", text)


def worth(said: str) -> float:
    """The first number of `said`, in the base of its unit."""
    found = NUMBER.search(said)
    assert found, f"no number with a unit: {said}"
    number = found["number"].replace(",", "")
    amount = 0.5 if number == "half an" else float(_WORDS.get(number, 0) or number)
    return amount * _UNITS.get(found["unit"], 1)


@cache
def claims() -> list[dict[str, Any]]:
    """The rows of the table."""
    rows: list[dict[str, Any]] = tomllib.loads(CLAIMS.read_text(encoding="utf-8"))["claim"]
    return rows


def rows(kind: str) -> Iterator[dict[str, Any]]:
    return (row for row in claims() if kind in row)


def test_every_number_in_the_prose_has_a_row() -> None:
    without = []
    for page in written():
        if page in _NOT_CLAIMS:
            continue
        text = text_of(page)
        covered = [
            found.span()
            for row in claims()
            if page in row["pages"]
            for found in re.finditer(re.escape(as_said(row["says"])), text)
        ]
        for number in NUMBER.finditer(text):
            if not any(start <= number.start() and number.end() <= end for start, end in covered):
                around = text[max(0, number.start() - 40) : number.end() + 20].replace("\0", "")
                without.append(f"{page}: {around.strip()}")
    assert without == [], f"no row in {CLAIMS.name}:\n" + "\n".join(without)


def test_every_row_is_said_on_its_pages_and_has_one_source() -> None:
    sources = {"constant", "counted", "measured", "test", "stated"}
    for row in claims():
        assert len(sources & row.keys()) == 1, row
        assert row.keys() <= {"pages", "says", "date", "figure", "unit", *sources}, row
        for page in row["pages"]:
            assert as_said(row["says"]) in text_of(page), row


def test_what_is_a_constant_of_the_program_has_its_value() -> None:
    for row in rows("constant"):
        module, names = row["constant"].split(":")
        if not module.startswith("tests."):
            module = f"descope_mcp.{module}"
        value = reduce(_part, names.split("."), importlib.import_module(module))
        assert worth(row["says"]) == value * _UNITS.get(row.get("unit"), 1), (row, value)


def _part(whole: Any, name: str) -> Any:
    return whole[int(name)] if name.isdecimal() else getattr(whole, name)


def test_some_seventy_everyday_tasks_are_about_that_many() -> None:
    file = ROOT / "tests" / "guard" / "policy" / "everyday.yaml"
    assert 65 <= len(yaml.safe_load(file.read_text(encoding="utf-8"))) < 75


def test_some_twenty_promises_are_about_that_many() -> None:
    assert 18 <= sum(map(len, GROUPS)) + 1 <= 24


def test_the_sandbox_limits_as_descope_documents() -> None:
    named = ("_CREATING_USERS", "_USERS", "_AUDIT", "_BACKEND", "_FRONT_END")
    limits = [getattr(rate_limits, name)[1:] for name in named]
    assert limits == [(100, 60), (500, 60), (10, 60), (1000, 10), (100, 60)]


def test_notices_are_tried_again_when_the_page_says() -> None:
    assert PAUSES == (5, 30, 2 * 60, 10 * 60, 30 * 60, 3600)


def seeded(seed: str, table: str) -> int:
    """How many records of a kind there are in an organisation that a sandbox can begin with."""
    return len(organisations.SEEDS[seed]().all(TABLES[table]))


COUNTS: dict[str, Callable[[Catalog], float]] = {
    "operations": len,
    "tools of the hub": lambda _: len(tool_list.hub(Policy())),
    "tokens of the hub": lambda _: listed(tool_list.hub(Policy())),
    "tools of the hub that only reads": lambda _: len(tool_list.hub(Policy(read_only=True))),
    "tokens of the hub that only reads": lambda _: listed(tool_list.hub(Policy(read_only=True))),
    "tools for users": lambda catalog: len(_endpoints(catalog, "users")),
    "tokens of the tools for users": lambda catalog: listed(_endpoints(catalog, "users")),
    "tools of all operations": lambda catalog: len(_endpoints(catalog, "all")),
    "tokens of all operations": lambda catalog: listed(_endpoints(catalog, "all")),
    "tenants of acme": lambda _: seeded("acme", "tenants"),
    "tenants of b2b": lambda _: seeded("b2b", "tenants"),
    "users of b2b": lambda _: seeded("b2b", "users"),
}


def _endpoints(catalog: Catalog, *toolsets: str) -> Any:
    return tool_list.endpoints(catalog, list(toolsets), Policy())


def test_what_can_be_counted_is_counted(catalog: Catalog) -> None:
    assert exact(), "without the tokenizer, tokens are estimates"
    counts = {name: count(catalog) for name, count in COUNTS.items()}
    for row in rows("counted"):
        assert worth(row["says"]) == counts[row["counted"]], row
    assert {row["counted"] for row in rows("counted")} == counts.keys()


def test_what_was_measured_names_the_benchmark_the_figure_and_the_day() -> None:
    for row in rows("measured"):
        found = re.fullmatch(
            r"python -m ((?:benchmarks|tests)\.[\w.]+)( [\w/ ]+)?", row["measured"]
        )
        assert found, row
        place = ROOT / found[1].replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), row
        assert date(2026, 1, 1) < row["date"] <= date.today(), row
        assert all(figure in row["says"] for figure in row["figure"].split()), row


def test_what_a_test_holds_names_one_that_is_there() -> None:
    for row in rows("test"):
        file, _, name = row["test"].partition("::")
        source = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^(?:async )?def {name}\(", source, re.M), row


def test_what_others_state_names_where() -> None:
    for row in rows("stated"):
        assert re.match(r"https://|tool_specs/|deploy/", row["stated"]), row
        assert row["stated"].startswith("https://") or (ROOT / row["stated"]).exists(), row

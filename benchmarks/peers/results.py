"""The figures of a run, as they are kept beside the code and printed on the page."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

#: The last run that the page shows.
KEPT = Path(__file__).with_name("results.json")


@dataclass(frozen=True, slots=True)
class Column:
    """One server: its figures by row; None where it has no such thing."""

    title: str
    version: str
    own: bool
    figures: dict[str, float | list[int] | None]


@dataclass(frozen=True, slots=True)
class Results:
    """A run: when, on what, over how much."""

    date: str
    machine: str
    contract: str
    queries: int
    columns: list[Column]


def read(path: Path = KEPT) -> Results:
    """The figures that are kept.

    Raises:
        OSError, ValueError: there are none, or they are of another form.
    """
    kept = json.loads(path.read_text(encoding="utf-8"))
    return Results(**{**kept, "columns": [Column(**column) for column in kept["columns"]]})


def together(new: Results, kept: Results) -> Results:
    """The figures of a new run, and those of an older one that it did not measure."""
    old = {column.title: column.figures for column in kept.columns}
    columns = [
        replace(column, figures=old.get(column.title, {}) | column.figures)
        for column in new.columns
    ]
    searched = any("first" in column.figures for column in new.columns)
    return replace(new, queries=(new if searched else kept).queries, columns=columns)


def write(results: Results, path: Path = KEPT) -> None:
    """Keep them."""
    path.write_text(json.dumps(asdict(results), indent=1) + "\n", encoding="utf-8")

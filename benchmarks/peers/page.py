"""The table and the plots of ``docs/comparison.md``, from the kept results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.peers.plot import bars
from benchmarks.peers.results import Column, Results
from benchmarks.peers.rows import ROWS, Row, value

PAGE = Path(__file__).parents[2] / "docs" / "comparison.md"
IMAGES = PAGE.parent / "images"
BEGIN, END = "<!-- begin: python -m benchmarks.peers -->", "<!-- end -->"
#: The plots: name, title, row, and whether the axis is logarithmic.
_PLOTS = (
    ("comparison-tokens", "Tokens of the list that a model reads", "list tokens", True),
    ("comparison-start", "Start to first list, milliseconds", "start", True),
    ("comparison-unasked", "Deletions and the like sent without a question", "unasked", False),
)


def written(page: str, results: Results) -> str:
    """The page with what is between its markers written anew.

    Raises:
        ValueError: the markers are missing, or a peer is ahead in a row that does not say why.
    """
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} lacks its markers")
    return f"{head}{BEGIN}\n\n" + "\n".join(_lines(results)) + f"\n\n{END}{tail}"


def plots(results: Results) -> dict[str, str]:
    """The plots as SVG, by the names of their files."""
    rows = {row.name: row for row in ROWS}
    out = {}
    for name, title, row, logarithmic in _PLOTS:
        shown = [
            (column.title, value(figure), rows[row].shown(figure), column.own)
            for column in results.columns
            if (figure := column.figures.get(row)) is not None
        ]
        if shown:
            out[f"{name}.svg"] = bars(title, shown, logarithmic=logarithmic)
    return out


def write(results: Results) -> None:
    """Write the page and the plots."""
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    for name, text in plots(results).items():
        (IMAGES / name).write_text(text, encoding="utf-8")


def _lines(results: Results) -> Iterator[str]:
    yield (
        f"Measured on {results.date} ({results.machine}); contract {results.contract}; "
        f"{results.queries} queries that the search was not tuned on. Of each row the best figure "
        "is bold."
    )
    yield ""
    columns = results.columns
    yield "| | " + " | ".join(f"{column.title} {column.version}" for column in columns) + " |"
    yield "| --- |" + " ---: |" * len(columns)
    for row in ROWS:
        if all(column.figures.get(row.name) is None for column in columns):
            continue
        best = _best(row, columns)
        cells = [_cell(row, column, best) for column in columns]
        yield f"| {row.label} | " + " | ".join(cells) + " |"
    yield ""
    yield "Where another one is ahead of both our surfaces:"
    yield ""
    yield from _explained(columns)
    drawn = plots(results)
    for name, title, *_ in _PLOTS:
        if f"{name}.svg" in drawn:
            yield from ("", f"![{title}](images/{name}.svg)")


def _cell(row: Row, column: Column, best: float | None) -> str:
    figure = column.figures.get(row.name)
    if figure is None:
        return "none"
    said = row.shown(figure)
    return f"**{said}**" if value(figure) == best else said


def _best(row: Row, columns: list[Column]) -> float | None:
    if row.least is None:
        return None
    figures = [
        value(figure) for column in columns if (figure := column.figures.get(row.name)) is not None
    ]
    return (min if row.least else max)(figures, default=None)


def _explained(columns: list[Column]) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for row in ROWS:
        best = _best(row, columns)
        ours = [column for column in columns if column.own]
        if best is None or best == _best(row, ours):
            continue
        if not row.why:
            raise ValueError(f"a peer is ahead in {row.label}: say why in benchmarks/peers/rows.py")
        reasons.setdefault(row.why, []).append(row.label)
    for why, labels in reasons.items():
        yield f"- *{'; '.join(labels)}*: {why}"
    if not reasons:
        yield "- in no row."

"""What a person reads before saying yes: which call, what it hits, what is lost.

Names and values come from strangers. Each is quoted, on one line, cut, and without control or
direction characters, so that none can pretend to be a part of the question. Arguments are shown
one value a line, however deep they lie, so that none hides behind a long neighbour.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from descope_mcp.catalog import moments
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.policy.decision import WHY, Decision
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.preview.difference import Change, is_unset
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.preview import Preview, target_name
from descope_mcp.guard.question.quoting import (
    MOST_ITEMS,
    MOST_VALUES,
    Obscured,
    TooMuchToShow,
    identity,
    quoted,
)
from descope_mcp.guard.question.shown_changes import becomes_different
from descope_mcp.guard.secrets.redaction import masked, misread

_MAX_VALUE = 120
_MAX_FIELDS = 20
_MAX_LINES = 200
_INDEX = re.compile(r"\[\d+\]")


def text(
    operation: Operation,
    arguments: Mapping[str, Any],
    *,
    risk: Risk,
    decision: Decision,
    preview: Preview,
    where: str,
    changes: Sequence[Change] | None = None,
    counts: Sequence[Tally] = (),
) -> str:
    """The question for one call.

    Args:
        operation: what would run.
        arguments: as the caller gave them; secrets among them are not shown.
        risk: of this call.
        decision: why a person is asked.
        preview: the before-state.
        where: the project that it would run in.
        changes: what becomes different, None where that is not known.
        counts: how much hangs on the target.

    Raises:
        NotShown: the arguments that a person has to see are too many for one question, or one of
            them cannot be shown.
    """
    name = target_name(operation, preview)
    title = f"{operation.title}: {quoted(name)}" if name else operation.title
    lines = [f"{title}?", f"{operation.name} in project {quoted(where or 'not set')}."]
    reasons = [WHY[key] for key in (risk.effect, *risk.hazards) if key in WHY]
    lines += dict.fromkeys([*reasons, decision.reason, *risk.say])
    lines += _section("Arguments", _shown(operation, arguments, risk), MOST_VALUES)
    if changes is not None:
        lines += becomes_different(operation, changes)
    for index, seen in enumerate(preview.found):
        if seen is not None and not (index == 0 and changes is not None):
            read = operation.preview[index].operation if index else ""
            lines += _before(f"Now, {read}" if read else "Now", seen)
    if preview.missing:
        lines.append(f"Not found: {', '.join(map(quoted, preview.missing))}.")
    lines += [f"Only a part was read: {name}." for name in preview.incomplete]
    lines += [_counted(tally) for tally in counts]
    if operation.lost:
        lines.append(f"Not coming back: {operation.lost}")
    if operation.undone_by:
        verb = "rebuilt" if risk.effect == "destructive" else "undone"
        lines.append(f"Can be {verb} with: {', '.join(operation.undone_by)}.")
    if operation.safer:
        lines.append(f"Softer: {operation.safer.operation} ({operation.safer.why}).")
    return "\n".join(lines)


class UndoStep(NamedTuple):
    """One call of an undo: what it hits, as far as that is there, and how much hangs on it."""

    operation: Operation
    arguments: Mapping[str, Any]
    preview: Preview | None = None
    counts: Sequence[Tally] = ()


def undo_text(
    operation: Operation,
    target: str,
    steps: Sequence[UndoStep],
    missing: Sequence[str],
    where: str,
    *,
    ran: str,
    anyway: bool,
) -> str:
    """The question for an undo.

    Args:
        operation: what is taken back.
        target: what it was about, as the journal has it (quoted).
        steps: the calls that run.
        missing: sentences on what does not come back.
        where: the project that it would run in.
        ran: when the call ran that is taken back.
        anyway: whether changes since then are overwritten unseen.

    Raises:
        NotShown: the steps are too many for one question, or cannot be shown.
    """
    lines = [f"Undo: {operation.title}: {target}?", f"In project {quoted(where or 'not set')}."]
    lines.append(f"It takes back a call of {ran}.")
    if anyway:
        lines.append("It overwrites whatever has changed since; nobody has looked.")
    for number, step in enumerate(steps, 1):
        _readable(step.operation, step.arguments)
        values = _all_leaves(masked(step.operation, step.arguments), step.operation)
        # What a creation leaves as it is by default is not worth a line.
        values = [v for v in values if step.operation.update or not is_unset(v[1])]
        title = f"{number}. {step.operation.name} ({step.operation.title})"
        lines += _section(title, values, MOST_VALUES) or [f"{title}."]
        if step.preview and step.preview.target is not None:
            lines += _before("Now", step.preview.target)
        lines += [_counted(tally) for tally in step.counts]
        if len(lines) > _MAX_LINES:
            raise TooMuchToShow(operation.name)
    lines += [f"Not coming back: {sentence}" for sentence in missing]
    return "\n".join(lines)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The values inside nested arguments, each with its path."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            name = str(key)[:_MAX_VALUE]
            yield from _leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and not _fits_a_line(value):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    elif path:
        yield path, value


def _fits_a_line(values: list[Any]) -> bool:
    plain = len(values) <= _MAX_VALUE and not any(isinstance(v, (Mapping, list)) for v in values)
    return plain and len(json.dumps(values, ensure_ascii=False)) <= _MAX_VALUE


def _shown(operation: Operation, arguments: Mapping[str, Any], risk: Risk) -> list[tuple[str, Any]]:
    """Every value of the arguments, those that raised the risk first, documents by their size.

    Raises:
        NotShown: there are more than a person can be shown, or one cannot be shown; none may hide.
    """
    _readable(operation, arguments)
    values = masked(operation, arguments)
    sizes = {
        name: f"{len(json.dumps(arguments[name]))} characters"
        for name in operation.content
        if name in values
    }
    leaves = _all_leaves({**values, **sizes}, operation)
    raised = tuple(path.removesuffix("[]") for path in risk.paths)
    return sorted(leaves, key=lambda leaf: not _INDEX.sub("[]", leaf[0]).startswith(raised))


def _readable(operation: Operation, arguments: Mapping[str, Any]) -> None:
    """Make sure that no mask hides what a person decides by.

    Raises:
        Obscured: one does.
    """
    path = misread(operation, arguments)
    if path:
        raise Obscured(operation.name, path)


def _all_leaves(values: Mapping[str, Any], operation: Operation) -> list[tuple[str, Any]]:
    """The values inside nested arguments, each with its path.

    Raises:
        TooMuchToShow: there are more than a person can be shown.
    """
    leaves = list(islice(_leaves(values), MOST_VALUES + 1))
    if len(leaves) > MOST_VALUES:
        raise TooMuchToShow(operation.name)
    return [(path, _readable_moment(operation, path, value)) for path, value in leaves]


def _readable_moment(operation: Operation, path: str, value: Any) -> Any:
    """A point in time as a date; nobody reads seconds since 1970."""
    unit = operation.moments.get(_INDEX.sub("[]", path))
    return (unit and moments.shown(value, unit)) or value


def _counted(tally: Tally) -> str:
    return f"{tally.label}: {'at least ' if tally.at_least else ''}{tally.number}"


def _section(title: str, values: Iterable[tuple[str, Any]], most: int) -> list[str]:
    pairs = list(values)
    more = len(pairs) - most
    lines = [_line(key, value) for key, value in pairs[:most]]
    return [f"{title}:", *lines, *([f"  and {more} more"] if more > 0 else [])] if lines else []


def _line(key: str, value: Any) -> str:
    many = f" ({len(value)})" if isinstance(value, list) and len(value) > 1 else ""
    return f"  {quoted(key)[1:-1]}{many}: {quoted(value)}"


def _before(title: str, target: Any) -> list[str]:
    if isinstance(target, list):
        shown = [f"  {quoted(identity(item))}" for item in target[:MOST_ITEMS]]
        more = len(target) - MOST_ITEMS
        return [f"{title} ({len(target)}):", *shown, *([f"  and {more} more"] if more > 0 else [])]
    if not isinstance(target, Mapping):
        return [f"{title}: {quoted(target)}"]
    said = [(k, v) for k, v in target.items() if v not in (None, "", [], {}, False, 0)]
    return _section(title, said, _MAX_FIELDS)

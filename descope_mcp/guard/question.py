"""What a person reads before saying yes: which call, what it hits, what is lost.

Names and values come from strangers. Each is quoted, on one line, cut, and without control or
direction characters, so that none can pretend to be a part of the question. Arguments are shown
one value a line, however deep they lie, so that none hides behind a long neighbour.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.policy import WHY, Decision
from descope_mcp.guard.preview import Preview, target_name
from descope_mcp.guard.risk import Risk
from descope_mcp.guard.secrets import masked

_MAX_VALUE = 120
#: No more of a value is looked at: it is cut anyway.
_MAX_READ = 400
_MAX_ARGUMENTS = 120
_MAX_FIELDS = 20
_MAX_ITEMS = 5
_MAX_TYPED = 80
#: Letters, marks and symbols by their category, and yet nothing to see.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)

_INDEX = re.compile(r"\[\d+\]")


class TooMuchToShow(Exception):
    """A call has more values than a person can be shown at once."""


def text(
    operation: Operation,
    arguments: Mapping[str, Any],
    risk: Risk,
    decision: Decision,
    preview: Preview,
    where: str,
) -> str:
    """The question for one call.

    Args:
        operation: what would run.
        arguments: checked arguments; secrets among them are not shown.
        risk: of this call.
        decision: why a person is asked.
        preview: the before-state and the counts.
        where: the project that it would run in.

    Raises:
        TooMuchToShow: the arguments that a person has to see are too many for one question.
    """
    name = target_name(operation, preview)
    title = f"{operation.title}: {quoted(name)}" if name else operation.title
    lines = [f"{title}?", f"{operation.name} in project {quoted(where or 'not set')}."]
    reasons = [WHY[key] for key in (risk.effect, *risk.hazards) if key in WHY]
    lines += dict.fromkeys([*reasons, decision.reason, *risk.say])
    lines += _section("Arguments", _shown(operation, arguments, risk), _MAX_ARGUMENTS)
    for index, seen in enumerate(preview.found):
        if seen is not None:
            read = operation.preview[index].operation if index else ""
            lines += _before(f"Now, {read}" if read else "Now", seen)
    if operation.update == "replace":
        lines += _cleared(operation, arguments, preview.target)
    lines += [f"{label}: {number}" for label, number in preview.counts]
    if operation.lost:
        lines.append(f"Not coming back: {operation.lost}")
    if operation.restore:
        verb = "rebuilt" if risk.effect == "destructive" else "undone"
        lines.append(f"Can be {verb} with: {', '.join(operation.restore)}.")
    if operation.safer:
        lines.append(f"Softer: {operation.safer.operation} ({operation.safer.why}).")
    return "\n".join(lines)


def quoted(value: Any) -> str:
    """A foreign value on one line: JSON, without invisible characters, at most 120 characters."""
    text = value[:_MAX_READ] if isinstance(value, str) else value
    shown = json.dumps(text, ensure_ascii=False)[:_MAX_READ]
    shown = "".join(c if _visible(c) else "·" for c in shown)
    end = '…"' if isinstance(value, str) else "…"
    return shown if len(shown) <= _MAX_VALUE else shown[: _MAX_VALUE - len(end)] + end


def typeable(name: str) -> bool:
    """Whether a person who reads `name` can type it: short, visible, no blanks that look alike."""
    return (
        0 < len(name) <= _MAX_TYPED and name == " ".join(name.split()) and all(map(_visible, name))
    )


def _visible(character: str) -> bool:
    # Cc and Cf are control and format characters, Z* blanks and breaks, Co, Cs and Cn undefined.
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Zs", "Co", "Cs", "Cn")
    return character == " " or not (hidden or _BLANK.match(character))


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


def _cleared(operation: Operation, arguments: Mapping[str, Any], before: Any) -> list[str]:
    """What a wholesale replacement takes away: what it could set, is set and is not given."""
    named = {name for group in operation.one_of for name in group}
    lost = _missing(operation.input_schema, arguments, before)
    said = ((path, value) for path, value in lost if path not in named)
    return _section("Will be cleared", said, _MAX_FIELDS)


def _missing(
    wanted: Mapping[str, Any], arguments: Any, before: Any, path: str = ""
) -> Iterator[tuple[str, Any]]:
    if not (isinstance(arguments, Mapping) and isinstance(before, Mapping)):
        return
    for name, inner in wanted.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        if name in arguments:
            yield from _missing(inner, arguments[name], before.get(name), here)
        elif before.get(name):
            yield here, before[name]


def _shown(operation: Operation, arguments: Mapping[str, Any], risk: Risk) -> list[tuple[str, Any]]:
    """Every value of the arguments, those that raised the risk first, documents by their size.

    Raises:
        TooMuchToShow: there are more than a person can be shown; none may hide among them.
    """
    values = masked(operation, arguments)
    sizes = {
        name: f"{len(json.dumps(arguments[name]))} characters"
        for name in operation.content
        if name in values
    }
    leaves = list(islice(_leaves({**values, **sizes}), _MAX_ARGUMENTS + 1))
    if len(leaves) > _MAX_ARGUMENTS:
        raise TooMuchToShow(operation.name)
    raised = tuple(path.removesuffix("[]") for path in risk.paths)
    return sorted(leaves, key=lambda leaf: not _INDEX.sub("[]", leaf[0]).startswith(raised))


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
        shown = [f"  {quoted(_identity(item))}" for item in target[:_MAX_ITEMS]]
        more = len(target) - _MAX_ITEMS
        return [f"{title} ({len(target)}):", *shown, *([f"  and {more} more"] if more > 0 else [])]
    if not isinstance(target, Mapping):
        return [f"{title}: {quoted(target)}"]
    said = [(k, v) for k, v in target.items() if v not in (None, "", [], {}, False, 0)]
    return _section(title, said, _MAX_FIELDS)


def _identity(item: Any) -> Any:
    """What tells one element of a list from another."""
    if not isinstance(item, Mapping):
        return item
    keys = ("name", "loginIds", "displayName", "id", "userId", "appId", "email")
    return {key: item[key] for key in keys if item.get(key)} or item

"""The evidence of a change as JSON data, in short; what is left out of it is said in its place.

Whoever reports from it must not take a part for the whole: a list that is cut ends in how many more
there are, and a text in how long it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from descope_mcp.call.evidence.evidence import Changed, Evidence, Hit
from descope_mcp.guard.preview.comparison.difference import UNKNOWN
from descope_mcp.guard.preview.rights.permission_change import Shift
from descope_mcp.guard.secrets.untrusted_text import clean

#: How many differences, how many names of whom each is true, and how many characters of a text are
#: told, best first. That something became different for some counts for more than all their names.
_ROOMS = ((20, 20, 200), (20, 8, 200), (20, 3, 120), (8, 3, 80), (3, 1, 80), (1, 1, 80))
_SEEN = {"answer": "the answer", "read": "a read after it", "sent": "nothing: it was sent"}
_WRITTEN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)


def to_data(evidence: Evidence, largest: int | None = None) -> dict[str, Any]:
    """The evidence as JSON data; what there is nothing to say of is left out.

    Args:
        evidence: of a change, or of several that are told as one.
        largest: in characters of JSON. Less is told of every list and text until it fits, or
            there is no less to tell.
    """
    told: dict[str, Any] = {}
    for room in _ROOMS:
        told = _Summary(*room).of(evidence)
        if largest is None or len(_WRITTEN.encode(told)) <= largest:
            break
    return told


class _Summary:
    """The evidence with so many differences, names and characters of a text at most."""

    def __init__(self, differences: int, names: int, characters: int) -> None:
        self._differences, self._most, self._longest = differences, names, characters

    def of(self, evidence: Evidence) -> dict[str, Any]:
        failed = len(evidence.spoiled)
        told: dict[str, Any] = {
            "did": self._cut(evidence.did, 2 * self._longest),
            "changed": [self._changed(one) for one in evidence.changed[: self._differences]],
            "moreChanged": _beyond(evidence.changed, self._differences),
            "stillAsBefore": self._names(evidence.as_before),
            "made": [
                {k: v for k, v in one._asdict().items() if v} for one in evidence.made[: self._most]
            ],
            "moreMade": _beyond(evidence.made, self._most),
            "gone": self._names(evidence.gone),
            "hit": {
                hit.title: {"number": hit.number, "names": self._some(hit.names, hit.number)}
                for hit in evidence.hits
                if not _is_said(hit, evidence.gone)
            },
            "counts": {
                tally.label: f"at least {tally.number}" if tally.at_least else tally.number
                for tally in evidence.counts
            },
            "rights": [self._shift(one) for one in evidence.rights[: self._differences]],
            "moreRights": _beyond(evidence.rights, self._differences),
            "items": f"{evidence.items - failed} of {evidence.items}" if evidence.items > 1 else "",
            "failed": [one._asdict() for one in evidence.spoiled[: self._most]],
            "moreFailed": _beyond(evidence.spoiled, self._most),
            "sent": self._short(evidence.sent),
        }
        if evidence.changed or evidence.as_before:
            told["seenIn"] = _SEEN[evidence.seen]
        kept: dict[str, Any]
        kept, _ = clean({key: value for key, value in told.items() if value})
        return kept

    def _changed(self, one: Changed) -> dict[str, Any]:
        told: dict[str, Any] = {"field": one.field}
        if one.gained or one.lost:
            told |= {"gained": self._names(one.gained), "lost": self._names(one.lost)}
        else:
            told |= {"from": "(not known)" if one.before is UNKNOWN else self._short(one.before)}
            told |= {"to": self._short(one.after)}
        told |= {"of": self._names(one.of)}
        return {k: v for k, v in told.items() if v or k in ("from", "to")}

    def _shift(self, one: Shift) -> dict[str, Any]:
        told: dict[str, Any] = {"who": one.who, "tenant": one.tenant}
        told |= {"gained": self._names(one.gained), "lost": self._names(one.lost)}
        return {key: value for key, value in told.items() if value}

    def _names(self, values: Sequence[Any]) -> list[Any]:
        """Values, but for those that would be too many: then the last says how many."""
        return self._some(values, len(values))

    def _some(self, values: Sequence[Any], of: int) -> list[Any]:
        """Some of so many values; the last says how many more there are. Nothing of none."""
        shown = [self._short(value) for value in values[: self._most]]
        more = of - len(shown)
        return [*shown, f"and {more} more"] if shown and more > 0 else shown

    def _short(self, value: Any) -> Any:
        """A value without what takes too much room."""
        if isinstance(value, str):
            return self._cut(value, self._longest)
        if isinstance(value, Mapping):
            shown = {k: self._short(v) for k, v in list(value.items())[: self._most]}
            more = len(value) - self._most
            return {**shown, "...": f"and {more} more"} if more > 0 else shown
        if isinstance(value, (list, tuple)):
            return self._names(value)
        return value

    @staticmethod
    def _cut(text: str, most: int) -> str:
        return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def _beyond(listed: Sequence[Any], most: int) -> int:
    """How many there are beyond those that are told."""
    return max(0, len(listed) - most)


def _is_said(hit: Hit, gone: Sequence[str]) -> bool:
    """Whether all who were hit are among what is told to be gone."""
    return bool(hit.names) and hit.number <= len(gone) and set(hit.names) <= set(gone)

"""Points in time: their unit is a fact of the record, never guessed from the size of a number.

A caller may also write ISO 8601. What cannot be meant is refused with what probably was: the years
1990 to 2100 in seconds and in milliseconds have no number in common.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Literal

Unit = Literal["seconds", "milliseconds"]

_PER_SECOND: dict[str, int] = {"seconds": 1, "milliseconds": 1_000}
_OTHER = {**_PER_SECOND, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}
_FIRST, _LAST = 631_152_000, 4_102_444_800
_DIGITS = re.compile(r"-?[0-9]{1,20}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_AND_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)


class Implausible(ValueError):
    """It is no moment that can be meant; the message says what is wanted or probably was meant."""


def number(value: Any, unit: Unit) -> int | None:
    """A moment that a caller wrote, as a number in `unit`; None of what is no scalar at all.

    0 is taken: it stands for never, or for the beginning. A date alone is its midnight in UTC.

    Raises:
        Implausible: it cannot be meant.
    """
    if isinstance(value, str):
        if not _DIGITS.fullmatch(value):
            return int(_written(value, unit) * _PER_SECOND[unit])
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int:
        return None
    if value and not _plausible(value, unit):
        raise Implausible(_explained(value, unit))
    return value


def shown(value: Any, unit: str) -> str:
    """A number in `unit` as ISO 8601 in UTC; "" of what is no moment since 1990.

    The unit ``either`` is seconds, or milliseconds if it is too large for them.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return ""
    if unit == "either":
        unit = "seconds" if value < _LAST else "milliseconds"
    seconds = value / _PER_SECOND[unit]
    if seconds < _FIRST:
        return ""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        # Somebody took one unit for another: nobody should read a date nearby.
        return f"in the year {1970 + int(seconds / 31_556_952)}"
    spec = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=spec).replace("+00:00", "Z")


def _plausible(value: float, unit: str) -> bool:
    return _FIRST <= value / _OTHER[unit] < _LAST


def _explained(value: int, unit: Unit) -> str:
    wanted = f"wanted are {unit} since 1970"
    for other in _OTHER:
        if other != unit and _plausible(value, other):
            right = value * _PER_SECOND[unit] // _OTHER[other]
            return f"{wanted}, this looks like {other}; {shown(right, unit)} is {right}"
    if 0 < value < _FIRST:
        return f"{wanted}, not those from now; a moment may also be written as {_EXAMPLE}"
    return f"{wanted}, between 1990 and 2100"


def _written(text: str, unit: Unit) -> float:
    """Epoch seconds of ISO 8601.

    Raises:
        Implausible: it is something else, or does not say in which time zone.
    """
    found = _DATE_AND_TIME.fullmatch(text)
    try:
        if _DATE.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
        if found and found["zone"]:
            return datetime.fromisoformat(text.upper()).timestamp()
    except ValueError:
        found = None
    if found:
        raise Implausible("says no time zone; write Z behind it for UTC")
    raise Implausible(f"wanted are {unit} since 1970, or a moment as {_EXAMPLE}")


_EXAMPLE = "2026-12-31T09:00:00Z"

"""Times as a person types and reads them."""

from __future__ import annotations

import re
import time
from datetime import datetime

import click

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> float:
    """Seconds of ``90s``, ``30m``, ``2h`` or ``7d``.

    Raises:
        click.BadParameter: it is none of these.
    """
    found = _DURATION.fullmatch(text.strip())
    if not found:
        raise click.BadParameter(f"{text!r} is not a duration; write 90s, 30m, 2h or 7d")
    return float(found[1]) * _SECONDS[found[2]]


def moment(text: str) -> float:
    """Epoch seconds of an ISO date or time, of a time today, or of so long ago; 0 of "".

    Raises:
        click.BadParameter: it is none of these.
    """
    if not text:
        return 0.0
    if _DURATION.fullmatch(text):
        return time.time() - duration(text)
    if re.fullmatch(r"\d{1,2}:\d{2}", text):
        text = f"{datetime.now():%Y-%m-%d}T{text:0>5}"
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        message = f"{text!r} is not a time; write 2026-11-22, 2026-11-22T14:30, 14:30 or 2h"
        raise click.BadParameter(message) from None


def shown(at: float) -> str:
    """A time in the local zone, to the second."""
    return datetime.fromtimestamp(at).astimezone().isoformat(" ", "seconds")

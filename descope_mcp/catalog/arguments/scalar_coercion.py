"""Scalars that a client spelled in another type than the schema names, such as digits in quotes.

A spelling is read where it can mean one thing only and nothing is lost. What could mean two things
(``"1"`` for true, ``1e3`` for a number, a number so long that it may have lost digits on its way)
stays as it is, so that the schema refuses it, and `meant` says how to write it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

_TRUTH = {"true": True, "True": True, "false": False, "False": False}
#: Leading zeros and exponents are spellings of something else, such as a code.
_INTEGER = re.compile(r"(-?(?:0|[1-9][0-9]{0,17}))(?:\.0+)?")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")
#: The largest integer that survives a client that has floats alone (RFC 8259, section 6).
_EXACT = 2**53 - 1


def read(value: Any, kinds: Collection[str | None]) -> Any:
    """`value` in one of the types that are wanted, itself if it is ambiguous or fits already."""
    if isinstance(value, str) and "string" not in kinds:
        return _of_text(value, kinds)
    if isinstance(value, float) and "integer" in kinds and value.is_integer():
        return int(value) if abs(value) <= _EXACT else value
    if type(value) is int and set(kinds) == {"string"} and abs(value) <= _EXACT:
        return str(value)
    return value


def _of_text(text: str, kinds: Collection[str | None]) -> Any:
    if "boolean" in kinds and text in _TRUTH:
        return _TRUTH[text]
    if "integer" in kinds and (found := _INTEGER.fullmatch(text)):
        return int(found[1])
    if "number" in kinds and _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return text


def meant(value: Any, kinds: set[str]) -> str:
    """How to write a scalar of the wrong type, "" if there is no telling. Never repeats it."""
    if kinds == {"boolean"}:
        return "write true or false" if isinstance(value, (str, int)) else ""
    if kinds <= {"integer", "number"} and isinstance(value, (str, float)):
        return "write a whole number in digits" if "number" not in kinds else "write a number"
    if kinds == {"string"} and isinstance(value, (bool, int, float)):
        return "write it in quotes"
    return ""

"""What the claims of a token may say to whoever reads them, whatever they are called."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from descope_mcp.catalog.arguments.validation import MAX_DEPTH

#: What a claim separates rights by, in one text; blanks only where the text is the whole claim.
_SEPARATORS = re.compile(r"[,;|]+")
_BLANKS = re.compile(r"\s+")
#: Claims themselves are no deeper (`validation.MAX_DEPTH`); a text that spells JSON may be.
_DEEPEST = 2 * MAX_DEPTH
#: What ends the namespace in the name of a claim.
_NAMESPACE = re.compile(r"[/:#.]+")


def texts(value: Any) -> list[str]:
    """Every name and value in claims, as it is and as an application may take it apart."""
    return list(dict.fromkeys(_texts(value, _DEEPEST, alone=True)))


def holds_more(value: Any, names: tuple[str, ...]) -> bool:
    """Whether claims hold anything that is not called exactly one of `names`."""
    if isinstance(value, Mapping):
        return any(name not in names and holds_more(inner, names) for name, inner in value.items())
    if isinstance(value, list):
        return any(holds_more(item, names) for item in value)
    return value is not None


def _texts(value: Any, room: int, *, alone: bool) -> Iterator[str]:
    """`alone` is a value that is no element of a list, `room` how many levels are looked at."""
    if not room:
        return
    room -= 1
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from (name, *_NAMESPACE.split(name))
            yield from _texts(inner, room, alone=True)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, room, alone=False)
    elif isinstance(value, str):
        yield value
        inner = _read(value)
        if inner is not None:
            yield from _texts(inner, room, alone=alone)
            return
        parts = _SEPARATORS.split(value)
        yield from (part.strip() for part in parts)
        if alone:
            yield from (word for part in parts for word in _BLANKS.split(part))
    elif value is not None:
        yield str(value)


def _read(text: str) -> Any:
    """What a text spells that is JSON itself, None if it is not."""
    if text.lstrip()[:1] not in ("[", "{", '"'):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None

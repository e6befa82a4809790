"""The operations that are easily taken for another one, with a word why one would be meant instead.

They are what a record itself points to: the softer operation (``safer``), and the names in its
description, which says when a neighbour is the right one (*Several keys: DeleteAccessKeys.*).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from descope_mcp.catalog.operation import Operation

_MOST = 2
_SENTENCE = re.compile(r"(?<=[.;])\s+")
_NAME = re.compile(r"\b[A-Z]\w+")
#: What a description says before a name: ``Several keys: `` or ``To block somebody: ``.
_LEAD = re.compile(r"([^:;]{3,70}):\s*$")


class Neighbour(NamedTuple):
    """Another operation and when it is the right one."""

    name: str
    why: str


def neighbours(
    operation: Operation, catalog: Mapping[str, Operation], *, besides: Collection[str] = ()
) -> list[Neighbour]:
    """At most two neighbours that `operation` points to, besides those that are known already.

    The softer operation comes first, then those with a reason, then what is only mentioned.
    """
    softer = operation.safer
    found: dict[str, str] = {softer.operation: softer.why} if softer else {}
    mentioned: dict[str, str] = {}
    for sentence in _SENTENCE.split(operation.description):
        for match in _NAME.finditer(sentence):
            name, lead = match[0], _LEAD.search(sentence[: match.start()])
            if name not in catalog or name == operation.name:
                continue
            if lead:
                found.setdefault(name, lead[1].strip())
            else:
                mentioned.setdefault(name, catalog[name].title)
    ordered = {**mentioned, **found}
    first = [*found, *(name for name in mentioned if name not in found)]
    return [Neighbour(name, _plain(ordered[name])) for name in first if name not in besides][:_MOST]


def _plain(why: str) -> str:
    """A reason as it stands in brackets: no capital at the start, no full stop."""
    begins_with_word = why[:2].istitle() or len(why) == 1
    return (why[0].lower() + why[1:] if begins_with_word else why).rstrip(".")

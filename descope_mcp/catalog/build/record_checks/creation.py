"""Whether every operation that creates says what becomes of what exists, and undo heeds it.

What is given the name or id of something that exists may replace it; a way back that then deletes
"what was made" would delete what was there before.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

from descope_mcp.catalog.build.openapi import Endpoint
from descope_mcp.catalog.operation_record.recipe import Restore
from descope_mcp.catalog.operation_record.record import Record
from descope_mcp.catalog.recipe_reference import all_in

#: A word of a path or an operation's name that says that something is made.
_MAKING = frozenset(
    ("create", "import", "register", "clone", "signup", "new", "apply", "upsert", "insert")
)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def problems(
    endpoint: Endpoint, record: Record, records: Mapping[str, Record]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong with `existing` of a record and with the deletions of its undo.

    An update says by itself that it changes what exists; of what is added to something that the
    preview has to find, the undo subtracts what was there.
    """
    if record.worst_effect == "read" or record.update:
        if record.existing:
            yield ("existing",), "only an operation that creates says what becomes of what exists"
        return
    if not record.existing:
        if _creates(endpoint):
            yield (), "does not say what becomes of what exists under its name or id (existing)"
        return
    if record.may_overwrite and not record.preview:
        yield ("preview",), "it may overwrite what exists and does not look for it"
    for index, step in enumerate(record.restore):
        roots = {reference.root for reference in all_in(step.model_dump())}
        if not _deletes(step, records):
            continue
        if record.existing == "another" and "answer" not in roots:
            yield ("restore", index), "it must delete what the answer names, and nothing older"
        elif record.existing in _STAYS and roots.isdisjoint(("before", "found")):
            yield ("restore", index), "it would delete what was there before"


#: What exists is still there after the call, in one way or another.
_STAYS = ("kept", "replaced", "unknown")


def _creates(endpoint: Endpoint) -> bool:
    """Whether an operation is called like one that makes something."""
    name = [word.lower() for word in _WORDS.findall(endpoint.operation_id)]
    words = {*name, *map("".join, itertools.pairwise(name))}
    words |= {*re.split(r"[/-]", endpoint.path.lower())}
    return not words.isdisjoint(_MAKING)


def _deletes(step: Restore, records: Mapping[str, Record]) -> bool:
    """Whether a call of an undo takes something away."""
    record = records.get(step.operation)
    return bool(
        record and record.effect == "destructive" and not (record.update or record.existing)
    )

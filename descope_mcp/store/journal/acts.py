"""What people do that is no call: they say no, see a secret, accept a store that was changed.

Each is an entry of the journal's chain. Nothing personal is in it but who did it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any, Literal

from descope_mcp.store.integrity.witness import advance
from descope_mcp.store.journal.hash_chain import append, canonical
from descope_mcp.store.store import Store

#: What happened, in the word that the journal lists.
Kind = Literal[
    "accepted",
    "approved",
    "declined",
    "denied",
    "enrolled",
    "forgotten",
    "granted",
    "kept",
    "narrowed",
    "passed on",
    "revealed",
    "revoked",
    "rotated",
    "saved",
    "unenrolled",
]


def record(
    store: Store,
    kind: Kind,
    *,
    by: str,
    way: str,
    project: str = "",
    operation: str = "",
    about: str = "",
) -> None:
    """Write down an act, before what follows from it. It is on disk when this returns.

    Args:
        store: where.
        kind: what happened.
        by: who did it: a caller, or an account of this machine.
        way: how: in the client's form, or in a terminal.
        project: that it is about.
        operation: that it is about.
        about: what it is about: a request, a grant, a handle, the way of a no.

    Raises:
        NotAsLeft: something is missing from the store.
        StoreError: it cannot be recorded.
    """
    with store.begin() as connection:
        head = append(
            connection,
            store,
            entry(kind, by=by, project=project, operation=operation, way=way, about=about),
        )
    advance(store, journal=head)


def entry(
    kind: Kind,
    *,
    by: str,
    way: str,
    project: str = "",
    operation: str = "",
    about: str = "",
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The row of an act."""
    body = {"consent": way, "effect": "", "rule": "", "reason": about, **(more or {})}
    return {
        "call": str(uuid.uuid4()),
        "kind": kind,
        "at": time.time(),
        "project": project,
        "caller": by,
        "operation": operation,
        "undoes": "",
        "target": "",
        "body": canonical(body),
    }

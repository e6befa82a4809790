"""What the targets of a call were called before, by the journal.

What was read of it is kept, so that of many calls each only reads what the others have added.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import NamedTuple
from weakref import WeakKeyDictionary

from anyio.to_thread import run_sync

from descope_mcp.call.services import Services
from descope_mcp.guard.preview.former_names import Called, called, former_names
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.target_identity import own_ids
from descope_mcp.store.store import Store

#: So many calls are remembered; of what came before it is not known any more.
_MOST = 10_000


class _Met(NamedTuple):
    """What a call met: how its targets were called."""

    at: float
    operation: str
    caller: str
    targets: tuple[Called, ...]


class _Memory(NamedTuple):
    """What the calls of a project met, newest first, up to an entry; whether that is all."""

    newest: int
    whole: bool
    met: tuple[_Met, ...]


_MEMORIES: WeakKeyDictionary[Store, dict[str, _Memory]] = WeakKeyDictionary()


async def remembering(preview: Preview, services: Services) -> Preview:
    """The preview with the names that its targets had before.

    Raises:
        StoreError: the journal cannot be read.
    """
    if not own_ids(preview.target):
        return preview
    memory = await run_sync(_remembered, services.store, services.project)
    earlier = ((one.operation, one.caller, one.targets) for one in memory.met)
    former = tuple(former_names(preview.target, earlier))
    return replace(preview, former=former, remembered=memory.whole)


def _remembered(store: Store, project: str) -> _Memory:
    """What is remembered, with what has come since; nothing that the journal has to forget."""
    # The store's library takes a third of a second to load, which no read has to pay for.
    from descope_mcp.store.journal.earlier_states import earlier_states

    known = _MEMORIES.setdefault(store, {}).get(project, _Memory(0, True, ()))
    found, whole = earlier_states(store, project, known.newest)
    new = [_Met(one.at, one.operation, one.caller, tuple(called(one.before))) for one in found]
    since = time.time() - store.retention
    met = tuple(one for one in (*new, *known.met) if one.at > since and one.targets)
    newest = found[0].seq if found else known.newest
    memory = _Memory(newest, known.whole and whole and len(met) <= _MOST, met[:_MOST])
    _MEMORIES[store][project] = memory
    return memory

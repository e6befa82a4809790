"""A call's turn at its targets: changes of one target run one after the other.

Within a process they queue in the order in which they came; across processes the store says who
is at it (`store.target_leases`). Nobody waits for a person: a call that has to be asked about ends,
and its turn with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import anyio
from anyio.to_thread import run_sync

from descope_mcp.call.outcome import Instead, Refused
from descope_mcp.call.services import Services
from descope_mcp.telemetry.stages import stage

if TYPE_CHECKING:
    from descope_mcp.store.target_leases import Section

#: For so many seconds a call waits for its turn.
LONGEST_WAIT = 60.0
#: How often it looks whether another process is done, in seconds, and how often later on.
_SOON, _LATER = 0.005, 0.05
#: Locks by store and name, as long as somebody waits for one or has it.
_QUEUES: WeakValueDictionary[tuple[Path, str], anyio.Lock] = WeakValueDictionary()


class Turn:
    """A turn, while it lasts. What was looked at after entry `since` has to be so still."""

    def __init__(self, services: Services, section: Section, since: int) -> None:
        self.section = section
        self.since = since
        self._services = services
        self._taken = False

    async def still(self) -> bool:
        """Whether nobody has changed the targets since they were looked at.

        If somebody has, or is about to, the turn is taken ahead of the call: then look again.

        Raises:
            Instead: it would take too long.
        """
        from descope_mcp.store import target_leases

        store = self._services.store
        if self._taken or await run_sync(target_leases.current, store, self.section, self.since):
            return True
        pause = _SOON
        end = anyio.current_time() + LONGEST_WAIT
        while not await run_sync(target_leases.acquire, store, self.section):
            if anyio.current_time() > end:
                raise Instead(Refused("busy", _BUSY, _LATER_ON))
            await anyio.sleep(pause)
            pause = min(2 * pause, _LATER)
        self._taken = True
        return False

    async def end(self) -> None:
        """Let go of what was taken ahead and has not been used."""
        from descope_mcp.store import target_leases

        if self._taken:
            with anyio.CancelScope(shield=True):
                await run_sync(target_leases.release, self._services.store, self.section)


async def newest(services: Services) -> int:
    """The entry of the journal that is the newest now, outcomes that were late among them."""
    from descope_mcp.store import target_leases
    from descope_mcp.store.journal import late_outcomes

    if services.store.late:
        await run_sync(late_outcomes.write, services.store)
    return await run_sync(target_leases.latest, services.store)


@asynccontextmanager
async def turn(
    services: Services, call: str, targets: Iterable[str], since: int
) -> AsyncIterator[Turn]:
    """Wait until no other call of this process is at one of the targets.

    Args:
        services: with the store.
        call: the id of the call.
        targets: what it is about to change (`guard.preview.target_identity`).
        since: the newest entry of the journal when they were looked at.

    Raises:
        Instead: it would take too long.
    """
    from descope_mcp.store.target_leases import Section, named

    store = services.store
    names = await run_sync(partial(named, store, services.project, targets))
    taken = Turn(services, Section(call, names, 60 + 4 * services.client.timeout), since)
    async with AsyncExitStack() as stack:
        try:
            with stage("turn"), anyio.fail_after(LONGEST_WAIT):
                # Always in the same order, so that no two wait for each other.
                for name in names:
                    lock = _QUEUES.setdefault((store.directory, name), anyio.Lock())
                    await stack.enter_async_context(lock)
        except TimeoutError:
            raise Instead(Refused("busy", _BUSY, _LATER_ON)) from None
        try:
            yield taken
        finally:
            await taken.end()


_BUSY = "Other changes of the same target are under way for a long time."
_LATER_ON = "Nothing was sent. Call again later."

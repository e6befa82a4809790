"""A person sees a sealed secret, once, or deletes it unseen: in a terminal and in a browser.

That they do is written into the journal before they see anything; where it fails, so is that the
secret is still kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal, NamedTuple

from descope_mcp.guard.decide import Decider, proven
from descope_mcp.store.errors import StoreError
from descope_mcp.store.journal import acts
from descope_mcp.store.secrets import sealed
from descope_mcp.store.secrets.sealed import Kept
from descope_mcp.store.store import Store


class Revealed(NamedTuple):
    """A secret; ``recovery`` is how many recovery codes are left, if one was used."""

    value: str
    recovery: int | None


def find(store: Store, handle: str) -> Kept | None:
    """The secret of a handle that is still there; brackets and name may be left out.

    Raises:
        StoreError: the store cannot be read.
    """
    wanted = f"[sealed:{handle.strip('[]').removeprefix('sealed:')}]"
    return next((s for s in sealed.kept(store) if s.handle == wanted and s.revealed is None), None)


@contextmanager
def revealed(
    store: Store,
    secret: Kept,
    decider: Decider,
    code: str = "",
    *,
    act: Literal["revealed", "saved", "passed on"] = "revealed",
    place: str = "",
) -> Iterator[Revealed]:
    """The value of a secret, to be shown inside the context; it is gone when that ends.

    Args:
        store: where it is kept.
        secret: which.
        decider: who is to see it. That they may is known to whoever calls.
        code: six digits or a recovery code, where a second factor is enrolled.
        act: what becomes of it.
        place: where it goes, if nobody sees it.

    Raises:
        NotDecided: the code does not count.
        LookupError: it was revealed meanwhile.
        StoreError: it cannot be recorded, or the store cannot be used; nothing is shown.
    """
    recovery = proven(store, code)
    _record(store, act, secret, decider, place)
    try:
        with sealed.revealing(store, secret.handle) as value:
            yield Revealed(value, recovery)
    except BaseException:
        with suppress(StoreError):
            if find(store, secret.handle):
                _record(store, "kept", secret, decider)
        raise


def forget(store: Store, secret: Kept, decider: Decider) -> bool:
    """Delete a secret unseen; False if it is gone already.

    Raises:
        StoreError: it cannot be recorded or deleted.
    """
    _record(store, "forgotten", secret, decider)
    return sealed.forget(store, secret.handle)


def _record(store: Store, kind: acts.Kind, secret: Kept, decider: Decider, place: str = "") -> None:
    acts.record(
        store,
        kind,
        by=decider.name,
        way=decider.way,
        project=secret.project,
        operation=secret.operation,
        about=f"{secret.handle} to {place}" if place else secret.handle,
    )

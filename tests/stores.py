"""Stores for tests: opened again, by another process, or by another machine."""

from __future__ import annotations

import shutil
from pathlib import Path

from descope_mcp.store.databases.postgres_url import parsed
from descope_mcp.store.store import Store


def at(directory: str, key_file: str, url: str = "") -> Store:
    """The store at places that came over a command line."""
    return Store(Path(directory), Path(key_file), url=parsed(url) if url else None)


def places(store: Store) -> list[str]:
    """Where a store is, for the command line of another process."""
    return [str(store.directory), str(store.key_file), store.url.text if store.url else ""]


def reopened(store: Store) -> Store:
    """The same store, as another process of this machine opens it."""
    return _noted(Store(store.directory, store.key_file, store.retention, url=store.url))


def replica(store: Store, place: Path) -> Store:
    """The same store, as another machine opens it that was given the key."""
    _ = store.key
    config = place / "config"
    config.mkdir(parents=True, mode=0o700)
    shutil.copy2(store.key_file, config / "key")
    return _noted(Store(place / "state", config / "key", store.retention, url=store.url))


_opened: list[Store] = []


def _noted(store: Store) -> Store:
    _opened.append(store)
    return store


def close_all() -> None:
    """Let go of what was opened here; connections to a server have to be closed."""
    while _opened:
        _opened.pop().close()

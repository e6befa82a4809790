"""What is remembered of the store beside its key, where whoever can write the database cannot.

The witness names the newest entry of the journal, the newest ledger of the signed rows, and the
second factor. It is written after the transaction that it tells of, so a process that dies in
between leaves it behind, never ahead. What is older than the witness was put back from a copy.

A new key gets its witness before it is there itself, so that one that is missing was removed. A
key of an older version, or one that somebody made by hand, has none until it is first used.

Several stores may have one key. Each has a witness: the first that of the key, the next ones beside
it. Which is whose, the witnesses say: where the store was, so that one whose database is gone is
missed there; and the id that the store has in its ledger, so that one that was moved is known.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from descope_mcp.store.errors import NotAsLeft, StoreError
from descope_mcp.store.private_files import appear, private_file, read_private, replace

if TYPE_CHECKING:
    from descope_mcp.store.store import Store

_NAME = "journal-witness"
#: What a key file is called that nobody gave a name.
_UNNAMED = "key"
#: The number and the signature of the newest of something.
Head = tuple[int, str]
#: The head before there is anything.
BEGINNING: Head = (0, "")


@dataclass(frozen=True, slots=True)
class Witness:
    """What is remembered. ``factor`` is the row of the second factor, None if none is enrolled.

    ``state`` is where the store was, ``store`` its id: "" as older versions left them.
    """

    journal: Head = BEGINNING
    ledger: Head = BEGINNING
    factor: Mapping[str, Any] | None = None
    state: str = ""
    store: str = ""


def own_place(key_file: Path) -> Path:
    """Where the witness of a key lies: it is named after the key, unless that has no own name."""
    name, next_ = key_file.name.removesuffix(".next"), key_file.suffix == ".next"
    witness = _NAME if name == _UNNAMED else f"{_NAME}-{name}"
    return key_file.with_name(f"{witness}.next" if next_ else witness)


def place(key_file: Path) -> Path:
    """The same, or where the first version put that of any key, as long as nobody else's is there.

    A key that is not there yet, or comes next, has its own.
    """
    own, shared = own_place(key_file), key_file.with_name(_NAME)
    its_own = own.exists() or not key_file.exists() or key_file.suffix == ".next"
    if its_own or key_file.with_name(_UNNAMED).exists() or not shared.exists():
        return own
    return shared


def apart(directory: Path, key: str) -> Path:
    """Where the witness of a database on a server lies, for the key with this id.

    Each replica has one, in a directory of its own: those who can write the database cannot get
    there, and a key is often mounted where nothing can be written.
    """
    return directory / f"{_NAME}-{key}"


def of_state(first: Path, state: str, store: str) -> Path:
    """Where the witness of one of the stores with a key lies, or is to be made.

    Args:
        first: the witness of the first of them.
        state: where the store is.
        store: the id in its ledger, "" if it has none.
    """
    said = {first: _said(first)} | {path: _said(path) for path in _beside(first)}
    here = [path for path, seen in said.items() if seen.state == state]
    moved = [path for path, seen in said.items() if store and seen.store == store]
    if found := here or moved:
        return found[0]
    # One that names no place is taken for this store's, so that what is missing is missed.
    if not said[first].state:
        return first
    name = f"{first.name}@{hashlib.sha256(state.encode()).hexdigest()[:16]}"
    # One of that name may be the witness of a store that was here and was moved.
    while (own := first.with_name(name)) in said:
        name += "-"
    return own


def others(first: Path, state: str) -> list[str]:
    """Where else stores are, or were, whose witnesses are beside this one."""
    states = [_said(path).state for path in (first, *_beside(first))]
    return sorted({one for one in states if one not in ("", state)})


def _beside(first: Path) -> list[Path]:
    if not first.parent.is_dir():
        return []
    named = re.compile(rf"{re.escape(first.name)}@[0-9a-f]{{16}}-*")
    return sorted(path for path in first.parent.iterdir() if named.fullmatch(path.name))


def _said(path: Path) -> Witness:
    """What a witness says, nothing if it is not there or garbled."""
    try:
        return read(path) or Witness()
    except NotAsLeft:
        return Witness()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let no other process of this machine write a witness meanwhile; not on Windows.

    Raises:
        StoreError: the lock cannot be had.
    """
    import fcntl

    lock = private_file(path.with_name(f"{_NAME}.lock"))
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise StoreError(f"the file {lock} cannot be used: {error.strerror}") from None


def begin(path: Path, first: Witness | None = None) -> None:
    """Make the witness of a store, in which nothing is yet or this; one that is there stays.

    Raises:
        StoreError: it cannot be made.
    """
    appear(path, _text(first or Witness()))


def read(path: Path) -> Witness | None:
    """What is remembered, None if there is no witness.

    Raises:
        NotAsLeft: it does not say anything.
        StoreError: it cannot be read.
    """
    if not path.exists():
        return None
    try:
        text = read_private(path).decode("ascii").strip()
        if text.startswith("{"):
            found = json.loads(text)
            return Witness(
                _head(found["journal"]),
                _head(found["ledger"]),
                found["factor"],
                str(found.get("state", "")),
                str(found.get("store", "")),
            )
        # As the first version wrote it: the journal's end alone.
        seq, _, signature = text.partition(" ")
        return Witness(_head((seq, signature)))
    except OSError as error:
        raise StoreError(f"the file {path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise NotAsLeft(f"its witness {path} cannot be read") from None


def write(path: Path, remembered: Witness) -> None:
    """Remember this and nothing else, on disk when it returns.

    Raises:
        StoreError: it cannot be written.
    """
    replace(path, _text(remembered))


def advance(
    store: Store,
    *,
    journal: Head | None = None,
    ledger: tuple[Head, Mapping[str, Any] | None] | None = None,
) -> None:
    """Remember beside the key what has been written; what is newer already stays.

    Raises:
        StoreError: it cannot be written.
    """
    with store.witnessing() as file:
        seen = read(file)
        if seen is None:
            return  # it was removed, which no later entry covers up
        ends, book, enrolled = seen.journal, seen.ledger, seen.factor
        if journal and journal[0] > ends[0]:
            ends = journal
        if ledger and ledger[0][0] > book[0]:
            book, enrolled = ledger
        remembered = dataclasses.replace(seen, journal=ends, ledger=book, factor=enrolled)
        if remembered != seen:
            write(file, remembered)


def _text(remembered: Witness) -> bytes:
    return json.dumps(asdict(remembered)).encode("ascii") + b"\n"


def _head(value: Any) -> Head:
    number, signature = value
    return int(number), str(signature)

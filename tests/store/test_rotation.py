"""A key is replaced as a whole or not at all, also while others use the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyotp
import pytest

from descope_mcp.store import rotation
from descope_mcp.store.consent import approvals, grants, second_factor
from descope_mcp.store.errors import KeyChanged, NotAsLeft
from descope_mcp.store.integrity import witness
from descope_mcp.store.journal import export, hash_chain
from descope_mcp.store.journal.entries import detail, entries
from descope_mcp.store.journal.write_ahead import intend, settle
from descope_mcp.store.secrets import sealed
from descope_mcp.store.secrets.handle import Owner, Secret
from descope_mcp.store.store import Store
from tests.store.journal.test_journal import ADA, BOB, UNDO, written
from tests.stores import reopened

OWNER = Owner("P", "c")
HANDLE = f"[sealed:{'a' * 22}]"
SECRET = {HANDLE: Secret("O", "f", "k", "hunter2", lasting=True)}


def filled(own: Store) -> tuple[pyotp.TOTP, tuple[str, ...]]:
    """A store with something of everything; the codes of its second factor."""
    written(own)
    sealed.keep(own, OWNER, SECRET)
    grants.create(own, project="P", operation="O", arguments={}, items=2, seconds=60.0)
    secret = second_factor.new_secret()
    codes = second_factor.confirm(own, secret, pyotp.TOTP(secret).at(time.time() - 30))
    assert codes
    return pyotp.TOTP(secret), codes


def whole(store: Store, codes: tuple[pyotp.TOTP, tuple[str, ...]]) -> None:
    """Everything is there, with whatever key."""
    totp, recovery = codes
    assert hash_chain.problems(store)[2] == []
    assert detail(store, ADA.call) == (ADA.details, UNDO)
    assert sealed.opened(store, OWNER, [HANDLE])[HANDLE].value == "hunter2"
    assert grants.listed(store)[0].usable
    assert second_factor.check(store, totp.now()).result == "right"
    assert second_factor.check(store, recovery[0]).result == "right"
    assert second_factor.check(store, recovery[0]).result == "wrong"


def test_everything_is_there_under_another_key(own: Store) -> None:
    codes = filled(own)
    before, exported = own.key.material, list(export.lines(own))
    rotation.rotate(own, "root")
    assert own.key.material != before
    again = reopened(own)
    assert again.key.material == own.key.material
    whole(again, codes)
    assert entries(again, acts=True)[0].result == "rotated"
    later = list(export.lines(again))
    assert export.verify(later, export.public_key(again).encode()).entries == 5
    assert later[:3] == exported[:3]
    assert nothing_is_left_over(own)
    again.close()


def nothing_is_left_over(store: Store) -> bool:
    beside = {path.name for path in store.key_file.parent.iterdir()}
    return beside == ({"key"} if store.is_shared else {"key", "journal-witness"})


class _Killed(BaseException):
    """Stands for the end of the process."""


def _killed(*_: object, **__: object) -> None:
    raise _Killed


KILLED_AT: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "sealing": lambda patch: patch.setattr(rotation, "_seal_anew", _killed),
    "the witness": lambda patch: patch.setattr(witness, "write", _killed),
    "the key": lambda patch: patch.setattr(rotation, "replace", _killed),
    "before the files moved": lambda patch: patch.setattr(Store, "reopen", _killed),
}


@pytest.mark.parametrize("where", KILLED_AT)
def test_what_is_interrupted_is_finished_or_undone(
    own: Store, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = filled(own)
    with monkeypatch.context() as patch:
        KILLED_AT[where](patch)
        with pytest.raises(_Killed):
            rotation.rotate(own, "root")
    again = reopened(own)
    whole(again, codes)
    assert (entries(again, acts=True)[0].result == "rotated") == (where.startswith("before"))
    assert nothing_is_left_over(own)
    again.close()


def test_between_the_two_files_it_is_finished_too(
    own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = filled(own)
    moved = Path.replace

    def once(self: Path, target: Path) -> Path:
        if self.name == "key.next":
            raise _Killed
        return moved(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", once)
        with pytest.raises(_Killed):
            rotation.rotate(own, "root")
    assert own.key_file.with_name("key.next").exists()
    again = reopened(own)
    whole(again, codes)
    again.close()


def test_a_process_that_has_the_old_key_writes_nothing_with_it(own: Store) -> None:
    """What was sent is settled all the same, and a secret that came with it is kept."""
    running = reopened(own)
    intend(running, ADA)
    rotation.rotate(own, "root")
    settle(running, ADA, "done", undo=UNDO)
    rotation.rotate(own, "root")
    sealed.keep(running, OWNER, SECRET)
    assert sealed.opened(own, OWNER, [HANDLE])[HANDLE].value == "hunter2"
    rotation.rotate(own, "root")
    with pytest.raises(KeyChanged):
        intend(running, BOB)
    intend(running, replace(BOB, call=f"5{BOB.call[1:]}"))
    assert hash_chain.problems(own)[2] == []
    assert detail(own, ADA.call) == (ADA.details, UNDO)
    running.close()


def test_a_new_key_covers_nothing_up(own: Store) -> None:
    written(own)
    with own.begin() as connection:
        connection.exec_driver_sql("DELETE FROM journal WHERE seq = 2")
    with pytest.raises(NotAsLeft):
        rotation.rotate(own, "root")


def test_an_open_approval_stays_one(own: Store) -> None:
    request = approvals.file(
        own, project="P", caller="c", operation="O", binding="b", question="?", typed=""
    )
    assert request
    approvals.answer(own, request.number, approved=True)
    rotation.rotate(own, "root")
    assert approvals.consume(own, "b") == request.number
    assert approvals.consume(own, "b") == 0

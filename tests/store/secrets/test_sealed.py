"""Kept secrets: in the files, between processes, and when the store fails at the worst moment."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from starlette.responses import JSONResponse, Response

from descope_mcp.call.invoke import Services, invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Outcome, Refused
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.store.errors import StoreError
from descope_mcp.store.key import written
from descope_mcp.store.secrets import sealed
from descope_mcp.store.secrets.handle import LIFETIME, Owner, Secret, handle
from descope_mcp.store.store import Store
from tests.on_disk import on_disk
from tests.recorder import PROJECT, Recorded, recording

VALUE = "hunter2-canary-value"
OWNER = Owner(PROJECT, "somebody")
# Without roles: what they bring would be read first.
ONCE = Call("CreateAccessKey", {"name": "n"}, "somebody")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "state", tmp_path / "key")
    yield store
    store.close()


def keep(store: Store, value: str = VALUE, *, lasting: bool = False) -> str:
    name = handle(store.key, OWNER, "session", value)
    sealed.keep(store, OWNER, {name: Secret("Made", "up", "session", value, lasting)})
    return name


def raw(store: Store) -> bytes:
    return on_disk(store.directory)


def encrypted(store: Store, name: str) -> bytes:
    with sqlite3.connect(store.directory / "state.db") as connection:
        query = "SELECT value FROM sealed WHERE handle = ?"
        (found,) = connection.execute(query, (name,)).fetchone()
    connection.close()
    return str(found).encode()


def test_the_same_value_has_one_handle_and_another_owner_s_is_another(own: Store) -> None:
    assert keep(own) == keep(own)
    assert len(sealed.kept(own)) == 1
    names = {
        handle(own.key, Owner(project, caller), kind, VALUE)
        for project in ("P1", "P2")
        for caller in ("a", "b")
        for kind in ("session", "")
    }
    assert len(names) == 8
    assert all(VALUE not in name for name in names)


@pytest.mark.parametrize("way", ["reveal", "forget", "expire"])
def test_what_is_gone_is_in_no_file(own: Store, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other, name = keep(own, "stays"), keep(own)
    text = encrypted(own, name)
    assert text in raw(own)
    assert VALUE.encode() not in raw(own)
    if way == "reveal":
        with sealed.revealing(own, name) as value:
            assert value == VALUE
    elif way == "forget":
        assert sealed.forget(own, name)
    else:
        later = time.time() + LIFETIME + 1
        monkeypatch.setattr(sealed.time, "time", lambda: later)
        other = keep(own, "newer")
        own.database.scrub()
    assert text not in raw(own)
    assert text[-40:] not in raw(own)
    assert sealed.opened(own, OWNER, [name]) == {}
    assert list(sealed.opened(own, OWNER, [name, other])) == [other]
    with pytest.raises(LookupError), sealed.revealing(own, name):
        pass


def test_a_value_that_could_not_be_shown_is_still_there(own: Store) -> None:
    name = keep(own, lasting=True)
    with pytest.raises(OSError, match="no screen"), sealed.revealing(own, name):
        raise OSError("no screen")
    with sealed.revealing(own, name) as value:
        assert value == VALUE
    (left,) = sealed.kept(own)
    assert left.revealed is not None


@pytest.mark.parametrize("way", ["reveal", "forget"])
def test_what_is_gone_is_gone_although_it_cannot_be_overwritten(
    own: Store, way: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error would say that it is still there, and whoever has shown it would take it back."""
    name = keep(own, lasting=True)

    def full() -> None:
        raise StoreError("the store cannot be used: database or disk is full")

    monkeypatch.setattr(own.database, "scrub", full)
    monkeypatch.setattr(logging.getLogger("descope_mcp"), "propagate", True)
    if way == "reveal":
        with sealed.revealing(own, name) as value:
            assert value == VALUE
    else:
        assert sealed.forget(own, name)
    assert sealed.opened(own, OWNER, [name]) == {}
    assert "disk is full" in caplog.text
    assert VALUE not in caplog.text


def test_a_lasting_secret_does_not_become_passing(own: Store) -> None:
    name = keep(own, lasting=True)
    assert keep(own) == name
    assert [secret.expires for secret in sealed.kept(own)] == [None]
    assert keep(own, "second") != name
    assert keep(own, "second", lasting=True)
    assert [secret.expires for secret in sealed.kept(own)] == [None, None]


def test_another_key_opens_nothing(own: Store, tmp_path: Path) -> None:
    name = keep(own)
    other = Store(own.directory, tmp_path / "other")
    other.key_file.write_bytes(written(bytes(32)))
    other.key_file.chmod(0o600)
    with pytest.raises(StoreError, match="does not belong"):
        sealed.opened(other, OWNER, [name])
    with pytest.raises(StoreError, match="does not belong"), sealed.revealing(other, name):
        pass
    other.close()
    assert sealed.opened(own, OWNER, [name])[name].value == VALUE


_KEEP_MANY = """
import sys
from pathlib import Path
from descope_mcp.store.secrets import sealed
from descope_mcp.store.secrets.handle import LIFETIME, Owner, Secret, handle
from descope_mcp.store.store import Store
store, owner = Store(Path(sys.argv[1]), Path(sys.argv[2])), Owner("P", "c")
for number in range(30):
    value = f"value {number}"
    name = handle(store.key, owner, "", value)
    sealed.keep(store, owner, {name: Secret("O", "f", "", value)})
    assert sealed.opened(store, owner, [name])[name].value == value
    print(name)
"""


def test_processes_share_a_store_from_its_first_moment(own: Store) -> None:
    command = [sys.executable, "-c", _KEEP_MANY, str(own.directory), str(own.key_file)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[0].split() for process in running]
    assert said[0] == said[1]
    assert len(sealed.kept(own)) == 30


async def approved(services: Services, call: Call = ONCE) -> Outcome:
    asked = await invoke(call, services)
    if not isinstance(asked, NeedsConfirmation):
        return asked
    word = accept(asked.question, asked.question.typed)
    return await invoke(Call(call.operation, call.arguments, call.caller, approval=word), services)


def _makes(request: Recorded) -> bool:
    """Whether it is the call itself, and no read for the question."""
    return request.path.endswith("/create")


def created(request: Recorded) -> Response:
    return JSONResponse({"cleartext": VALUE, "key": {"id": "K1"}})


@pytest.mark.anyio
async def test_a_secret_that_is_shown_once_is_kept_until_it_is_revealed(
    catalog: Catalog, own: Store
) -> None:
    async with recording(created) as recorder:
        services = recorder.services(catalog, store=own)
        outcome = await approved(services)
        assert isinstance(outcome, Completed)
        name = outcome.data["cleartext"]
        signed_in = await invoke(
            Call("ExchangeAccessKey", {"credential": name}, "somebody"), services
        )
    assert isinstance(signed_in, Completed)
    assert recorder.requests[-1].headers["authorization"] == f"Bearer {PROJECT}:{VALUE}"
    (kept,) = (secret for secret in sealed.kept(own) if secret.handle == name)
    assert (kept.operation, kept.field, kept.expires) == ("CreateAccessKey", "cleartext", None)
    with sealed.revealing(own, name) as value:
        assert value == VALUE


@pytest.mark.anyio
@pytest.mark.parametrize("broken", ["directory", "key", "database"])
async def test_what_is_shown_once_is_not_sent_while_it_could_not_be_kept(
    catalog: Catalog, own: Store, broken: str
) -> None:
    own.directory.mkdir()
    if broken == "directory":
        own.directory.rmdir()
        own.directory.write_text("")
    elif broken == "key":
        own.key_file.write_text("no key")
    else:
        (own.directory / "state.db").write_text("no database " * 1000)
    async with recording(created) as recorder:
        services = recorder.services(catalog, store=own)
        outcome = await approved(services)
    assert isinstance(outcome, Refused)
    assert outcome.rule == "store"
    assert recorder.requests == []


@pytest.mark.anyio
@pytest.mark.parametrize("broken", ["directory", "key"])
async def test_a_read_goes_on_without_handles(catalog: Catalog, own: Store, broken: str) -> None:
    (own.directory if broken == "directory" else own.key_file).write_text("in the way")
    answer = {"apps": [{"id": "A", "clientSecret": VALUE}], "cookies": {}}
    async with recording(lambda request: JSONResponse(answer)) as recorder:
        services = recorder.services(catalog, store=own)
        outcome = await invoke(Call("LoadOutboundApps", {}, "somebody"), services)
        refused = await invoke(
            Call("RefreshSession", {"credential": f"[sealed:{'a' * 22}]"}, "somebody"), services
        )
    assert isinstance(outcome, Completed)
    assert outcome.data["apps"] == [{"id": "A", "clientSecret": "[sealed]"}]
    (note,) = outcome.notes
    assert "could not be kept" in note
    assert isinstance(refused, Refused)
    assert len(recorder.requests) == 1


@pytest.mark.anyio
async def test_a_caller_that_hangs_up_does_not_lose_the_secret(
    catalog: Catalog, own: Store
) -> None:
    scope = anyio.CancelScope()

    async def answer(request: Recorded) -> Response:
        if not _makes(request):
            return created(request)
        scope.cancel()
        await anyio.sleep(0.05)
        return created(request)

    async with recording(answer) as recorder:
        services = recorder.services(catalog, store=own)
        with scope:
            await approved(services)
    assert sum(map(_makes, recorder.requests)) == 1
    (kept,) = sealed.kept(own)
    with sealed.revealing(own, kept.handle) as value:
        assert value == VALUE


def rename(store: Store, old: str, new: str) -> None:
    """Take the table away under the server, or give it back."""
    connection = sqlite3.connect(store.directory / "state.db")
    connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
    connection.close()


@pytest.mark.anyio
@pytest.mark.parametrize("also", ["", "spare used up"])
async def test_a_database_that_fails_after_the_answer_loses_nothing(
    catalog: Catalog, own: Store, also: str
) -> None:
    def fail(request: Recorded) -> Response:
        if not _makes(request):
            return created(request)
        rename(own, "sealed", "away")
        if also:
            (own.directory / "spare").unlink()
        return created(request)

    async with recording(fail) as recorder:
        services = recorder.services(catalog, store=own)
        outcome = await approved(services)
    assert isinstance(outcome, Completed)
    assert outcome.notes == ()
    name = outcome.data["cleartext"]
    assert list(own.directory.glob("rescued-*"))
    assert VALUE.encode() not in raw(own)
    rename(own, "away", "sealed")
    assert sealed.opened(own, OWNER, [name])[name].value == VALUE
    assert not list(own.directory.glob("rescued-*"))
    with sealed.revealing(own, name) as value:
        assert value == VALUE


@pytest.mark.anyio
async def test_a_secret_that_is_lost_all_the_same_is_said_to_be(
    catalog: Catalog, own: Store
) -> None:
    def fail(request: Recorded) -> Response:
        if not _makes(request):
            return created(request)
        rename(own, "sealed", "away")
        (own.directory / "spare").unlink()
        (own.directory / "spare").mkdir()
        return created(request)

    async with recording(fail) as recorder:
        services = recorder.services(catalog, store=own)
        outcome = await approved(services)
    assert isinstance(outcome, Completed)
    assert outcome.data == {"cleartext": "[sealed]", "key": {"id": "K1"}}
    (note,) = outcome.notes
    assert "lost" in note
    assert VALUE not in json.dumps(outcome.notes)

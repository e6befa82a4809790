"""Machines by their tokens: looked up once in a while, and as whom they call."""

from __future__ import annotations

import threading
from pathlib import Path

import anyio
import pytest
from sqlalchemy import delete

from descope_mcp.server.auth.machines import FRESH, KEPT, PAUSE, WAITING, Machines
from descope_mcp.server.auth.refusals import InvalidToken, NotVerifiable
from descope_mcp.store import machine_tokens
from descope_mcp.store.machine_tokens import MachineToken
from descope_mcp.store.store import Store
from descope_mcp.store.tables import tokens
from tests.postgres import new_cluster
from tests.recorder import shared_store

pytestmark = pytest.mark.anyio


async def test_a_machine_calls_in_its_own_name() -> None:
    store = shared_store()
    claims = {"roles": ["support"], "issuer": ["acme"]}
    made, token = machine_tokens.create(store, "nightly", ["descope:write"], 60, claims)
    caller = await Machines(store).verify(token)
    assert (caller.name, caller.client) == ("token:nightly", made.id)
    assert caller.scopes == {"descope:read", "descope:write"}
    assert caller.known("roles") == ("support",)
    # Who made the token does not make it one of somebody else's.
    assert caller.known("issuer") == ("token",)


async def test_a_token_that_was_ended_counts_no_more() -> None:
    store = shared_store()
    made, token = machine_tokens.create(store, "nightly", ["descope:read"], 60)
    machines = Machines(store)
    await machines.verify(token)
    machine_tokens.revoke(store, made.id)
    with pytest.raises(InvalidToken):
        await machines.verify(token)


async def test_who_was_known_goes_on_for_a_while_without_the_store(tmp_path: Path) -> None:
    at, server = [0.0], new_cluster()
    store = Store(tmp_path / "state", tmp_path / "config" / "key", url=server.database())
    _, token = machine_tokens.create(store, "nightly", ["descope:read"], 3600)
    _, other = machine_tokens.create(store, "weekly", ["descope:read"], 3600)
    machines = Machines(store, lambda: at[0])
    await machines.verify(token)
    server.stop()
    try:
        for at[0] in (1.0, FRESH + 1, KEPT - 1):
            assert (await machines.verify(token)).name == "token:nightly"
        with pytest.raises(NotVerifiable):
            await machines.verify(other)
        at[0] = KEPT
        with pytest.raises(NotVerifiable):
            await machines.verify(token)
    finally:
        server.start()
    at[0] += PAUSE
    await machines.verify(token)
    await machines.verify(other)
    store.close()


async def test_who_was_known_is_nobody_where_the_store_was_changed(tmp_path: Path) -> None:
    at = [0.0]
    store = Store(tmp_path / "state", tmp_path / "config" / "key")
    _, token = machine_tokens.create(store, "nightly", ["descope:read"], 3600)
    machine_tokens.create(store, "weekly", ["descope:read"], 3600)
    machines = Machines(store, lambda: at[0])
    await machines.verify(token)
    with store.begin() as connection:
        connection.execute(delete(tokens).where(tokens.c.name == "weekly"))
    at[0] = FRESH
    for _ in range(2):
        with pytest.raises(NotVerifiable):
            await machines.verify(token)
    store.close()


async def test_without_the_store_nobody_is_let_in(tmp_path: Path) -> None:
    places = (tmp_path / "state", tmp_path / "key")
    store = Store(*places)
    _, token = machine_tokens.create(store, "nightly", ["descope:read"], 60)
    store.close()
    store.key_file.unlink()
    with pytest.raises(NotVerifiable):
        await Machines(Store(*places)).verify(token)


async def test_who_is_known_does_not_wait_for_guesses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = [0.0]
    store = Store(tmp_path / "state", tmp_path / "config" / "key")
    _, token = machine_tokens.create(store, "nightly", ["descope:read"], 3600)
    machines, found, guess = Machines(store, lambda: at[0]), machine_tokens.find, "dmcp_guess"
    await machines.verify(token)
    at[0] = FRESH
    goes_on, refused = threading.Event(), list[type[BaseException]]()

    def slow(where: Store, asked: str) -> MachineToken | None:
        if asked == guess:
            goes_on.wait(30)
        return found(where, asked)

    async def guessed() -> None:
        try:
            await machines.verify(guess)
        except (InvalidToken, NotVerifiable) as error:
            refused.append(type(error))

    monkeypatch.setattr(machine_tokens, "find", slow)
    async with anyio.create_task_group() as tasks:
        for _ in range(WAITING + 5):
            tasks.start_soon(guessed)
        await anyio.wait_all_tasks_blocked()
        try:
            assert refused == [NotVerifiable] * 3
            assert (await machines.verify(token)).name == "token:nightly"
        finally:
            goes_on.set()
    assert refused == [NotVerifiable] * 3 + [InvalidToken] * (WAITING + 2)
    store.close()

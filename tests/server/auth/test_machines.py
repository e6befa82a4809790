"""Machines by their tokens: looked up once in a while, and as whom they call."""

from __future__ import annotations

from pathlib import Path

import pytest

from descope_mcp.server.auth.machines import FRESH, Machines
from descope_mcp.server.auth.refusals import InvalidToken, NotVerifiable
from descope_mcp.store import machine_tokens
from descope_mcp.store.store import Store
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


async def test_a_token_that_was_ended_counts_for_some_seconds_at_most() -> None:
    store, at = shared_store(), [0.0]
    made, token = machine_tokens.create(store, "nightly", ["descope:read"], 60)
    machines = Machines(store, lambda: at[0])
    await machines.verify(token)
    machine_tokens.revoke(store, made.id)
    at[0] = FRESH - 1
    await machines.verify(token)
    at[0] = FRESH
    with pytest.raises(InvalidToken):
        await machines.verify(token)


async def test_without_the_store_nobody_is_let_in(tmp_path: Path) -> None:
    places = (tmp_path / "state", tmp_path / "key")
    store = Store(*places)
    _, token = machine_tokens.create(store, "nightly", ["descope:read"], 60)
    store.close()
    store.key_file.unlink()
    with pytest.raises(NotVerifiable):
        await Machines(Store(*places)).verify(token)

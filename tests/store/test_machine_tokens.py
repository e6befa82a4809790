"""Tokens for machines: nothing but the token itself lets anybody in, and not after its end."""

from __future__ import annotations

import re
import time
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import insert, select

from descope_mcp.store import machine_tokens, rotation
from descope_mcp.store.errors import NotAsLeft
from descope_mcp.store.integrity import accept_damage, signed_rows
from descope_mcp.store.integrity.signed_rows import Book
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.journal.entries import entries
from descope_mcp.store.store import Store
from descope_mcp.store.tables import tokens
from tests.on_disk import on_disk


def _made(store: Store, name: str = "nightly", seconds: float = 60) -> tuple[str, str]:
    made, token = machine_tokens.create(
        store, name, ["descope:read"], seconds, {"roles": ["support"]}
    )
    return made.id, token


def test_a_token_is_found_by_itself_alone(own: Store) -> None:
    assert machine_tokens.find(own, f"dmcp_{'0' * 12}_{'0' * 64}") is None
    assert own.is_new  # a guess makes nothing
    identity, token = _made(own)
    found = machine_tokens.find(own, token)
    assert found is not None
    assert (found.id, found.name, found.scopes) == (identity, "nightly", ("descope:read",))
    assert found.claims == {"roles": ("support",)}
    assert re.fullmatch(r"dmcp_[0-9a-f]{12}_[0-9a-f]{64}", token)
    other = _made(own)[1]
    mixed = f"{token[:18]}{other[18:]}"
    for wrong in (mixed, token.upper(), f"{token}0", token[:-1], f" {token}", "dmcp_", ""):
        assert machine_tokens.find(own, wrong) is None


def test_what_cannot_be_handed_over_is_not_made(own: Store) -> None:
    def full(token: str) -> None:
        raise OSError(28, "No space left on device")

    _made(own)
    with pytest.raises(OSError, match="No space"):
        machine_tokens.create(own, "weekly", ["descope:read"], 60, give=full)
    assert [one.name for one in machine_tokens.listed(own)] == ["nightly"]
    given: list[str] = []
    _, token = machine_tokens.create(own, "weekly", ["descope:read"], 60, give=given.append)
    assert given == [token]
    assert [act.result for act in entries(own, acts=True)] == ["granted", "granted"]
    assert hash_chain.problems(own)[2] == []


def test_nothing_is_proven_for_somebody_who_guesses(
    own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = _made(own)
    proven: list[Store] = []
    book = signed_rows.book

    def seen(store: Store) -> AbstractContextManager[Book]:
        proven.append(store)
        return book(store)

    monkeypatch.setattr(signed_rows, "book", seen)
    assert machine_tokens.find(own, f"dmcp_{'0' * 12}_{token[-64:]}") is None
    assert proven == []
    assert machine_tokens.find(own, token) is not None
    assert proven == [own]


def test_the_token_is_nowhere_in_the_store(own: Store) -> None:
    secret = _made(own)[1].rpartition("_")[2]
    assert secret.encode() not in on_disk(own.directory)


def test_a_token_ends(own: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    identity, token = _made(own)
    assert machine_tokens.revoke(own, identity) is not None
    assert machine_tokens.revoke(own, identity) is None
    assert machine_tokens.find(own, token) is None
    _, token = _made(own)
    later = time.time() + 61
    monkeypatch.setattr(machine_tokens.time, "time", lambda: later)
    assert machine_tokens.find(own, token) is None
    assert [one.usable for one in machine_tokens.listed(own)] == [False, False]


def _written(store: Store, statement: str) -> None:
    """Write past the store, as whoever can write the database does."""
    with store.database.begin() as connection:
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "update tokens set scopes = 'descope:destructive'",
        "update tokens set expires = expires + 9999",
        "update tokens set name = 'admin'",
        "update tokens set digest = '{}'".format("0" * 64),
    ],
)
def test_who_can_write_the_database_gains_nothing(own: Store, statement: str) -> None:
    _, token = _made(own)
    _written(own, statement)
    with pytest.raises(NotAsLeft):
        machine_tokens.find(own, token)


def test_a_token_that_was_ended_cannot_be_put_back(own: Store) -> None:
    identity, token = _made(own)
    with own.database.begin() as connection:
        before = dict(connection.execute(select(tokens)).one()._mapping)
    machine_tokens.revoke(own, identity)
    _written(own, "delete from tokens")
    with own.database.begin() as connection:
        connection.execute(insert(tokens).values(before))
    with pytest.raises(NotAsLeft):
        machine_tokens.find(own, token)
    # A person who accepts the store as it is does not bring it back either.
    accept_damage.accept(own, "ada", ["rows of tokens"])
    assert machine_tokens.find(own, token) is None


def test_tokens_outlive_another_key(own: Store) -> None:
    _, token = _made(own)
    rotation.rotate(own, "ada")
    assert machine_tokens.find(own, token) is not None

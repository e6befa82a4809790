"""Many requests are kept: what is shown or answered is proven, and nothing else has to be."""

from __future__ import annotations

import json
import time

import pytest
from sqlalchemy import text

from descope_mcp.store.consent import approvals, earlier_answers, listings
from descope_mcp.store.errors import NotAsLeft
from descope_mcp.store.integrity import ledger, signed_rows, witness
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.store import Store
from descope_mcp.store.tables import approvals as table
from tests.store.consent.test_consent import asked

MANY = 400


@pytest.fixture
def kept(own: Store) -> Store:
    """A store in which so many requests are over, and one waits."""
    with signed_rows.book(own) as book:
        for number in range(MANY):
            book.insert(
                table,
                project="P1",
                caller="stdio",
                operation="DeleteUser",
                binding=f"old-{number}",
                question="Delete?",
                typed="",
                status="used",
                created=time.time(),
                expires=9e9,
                reason="",
            )
    assert asked(own, "new") == MANY + 1
    return own


def changed(store: Store, statement: str) -> None:
    """What somebody does who can write the database."""
    with store.begin() as connection:
        connection.execute(text(statement))


def test_what_is_read_is_bounded_however_many_are_kept(
    kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = signed_rows.signed

    def counting(key: object, of: object, values: object) -> str:
        read.append(getattr(of, "name", ""))
        return real(key, of, values)  # type: ignore[arg-type]

    monkeypatch.setattr(signed_rows, "signed", counting)
    for look in (
        lambda: approvals.request(kept, MANY + 1),
        lambda: approvals.requests(kept, pending=True),
        lambda: earlier_answers.denial(kept, ["old-7"], 60.0),
        lambda: listings.overview(kept, 3, MANY + 1),
        lambda: listings.over(kept, 20, before=200),
        lambda: listings.newest(kept, 50),
        lambda: asked(kept, "another"),
        lambda: approvals.answer(kept, MANY + 1, approved=True),
        lambda: approvals.consume(kept, "new"),
    ):
        read.clear()
        assert look() is not False
        assert 0 < len(read) < MANY / 3


def test_pages_of_what_is_over_meet_and_end(kept: Store) -> None:
    seen: list[int] = []
    page = listings.over(kept, 150)
    while True:
        seen += [request.number for request in page.requests]
        if not page.more:
            break
        page = listings.over(kept, 150, before=seen[-1])
    assert seen == list(range(MANY, 0, -1))
    assert [one.number for one in listings.newest(kept, 3)] == [MANY + 1, MANY, MANY - 1]


def test_a_row_put_back_stops_what_is_proven_with_it_and_is_told_of(kept: Store) -> None:
    assert approvals.answer(kept, MANY + 1, approved=True)
    changed(kept, "CREATE TABLE given AS SELECT * FROM approvals WHERE status = 'approved'")
    assert approvals.consume(kept, "new") == MANY + 1
    changed(kept, "DELETE FROM approvals WHERE binding = 'new'")
    changed(kept, "INSERT INTO approvals SELECT * FROM given")
    with pytest.raises(NotAsLeft):
        approvals.consume(kept, "new")
    with pytest.raises(NotAsLeft):
        approvals.request(kept, MANY + 1)
    # An old one is proven apart; the whole store is looked at by whoever verifies it.
    assert approvals.request(kept, 3)
    assert hash_chain.problems(kept)[2]


def test_a_part_that_is_gone_whole_is_noticed(kept: Store) -> None:
    changed(kept, "DELETE FROM approvals WHERE number < 50")
    with pytest.raises(NotAsLeft):
        approvals.request(kept, 3)
    with pytest.raises(NotAsLeft):
        approvals.requests(kept)
    assert hash_chain.problems(kept)[2]


def earlier(store: Store) -> None:
    """Make the ledger one of the version before, which summed up each table as a whole."""
    with store.begin() as connection:
        generation, content = ledger.unproven(connection)
        sums: dict[str, int] = {}
        for name, total in content["sums"].items():
            of, _, _ = name.partition(" ")
            whole = f"{of} []" if of in ("approvals", "votes") else name
            sums[whole] = (sums.get(whole, 0) + int(total, 16)) % 2**256
        content["sums"] = {name: f"{total:x}" for name, total in sums.items()}
        written = ledger.write(connection, store.key, generation + 1, content)
    witness.advance(store, ledger=(written, None))
    with store.database.begin() as connection:
        for index in ("approvals_by_status", "approvals_by_age", "votes_by_request"):
            connection.execute(text(f"DROP INDEX {index}"))
        connection.execute(text("DROP TABLE vote_marks"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0002.4'"))
    store.reopen()


def test_a_store_of_the_version_before_is_taken_over(kept: Store) -> None:
    assert approvals.answer(kept, MANY + 1, approved=True)
    earlier(kept)
    assert hash_chain.problems(kept)[2] == []
    assert listings.overview(kept, MANY + 1).voters == {MANY + 1: ["person"]}
    assert approvals.consume(kept, "new") == MANY + 1
    with kept.begin() as connection:
        names = ledger.unproven(connection)[1]["sums"]
    assert "approvals []" not in names
    assert {json.loads(n.partition(" ")[2])[0] for n in names if n.startswith("approvals")} == set(
        range(MANY // 50 + 1)
    )


def test_it_is_not_taken_over_as_somebody_has_made_it(kept: Store) -> None:
    earlier(kept)
    changed(kept, "DELETE FROM approvals WHERE number = 7")
    with pytest.raises(NotAsLeft):
        approvals.request(kept, 300)
    assert hash_chain.problems(kept)[2]

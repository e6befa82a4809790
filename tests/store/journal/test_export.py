"""A stranger proves an export with the public key alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import delete

from descope_mcp.store.integrity import accept_damage
from descope_mcp.store.journal import acts, export, hash_chain
from descope_mcp.store.journal.write_ahead import intend, settle
from descope_mcp.store.store import Store
from descope_mcp.store.tables import journal
from tests.store.journal.test_journal import ADA, BOB, written


def exported(own: Store, **options: object) -> tuple[list[str], bytes]:
    return list(export.lines(own, **options)), export.public_key(own).encode()  # type: ignore[arg-type]


def test_an_export_is_proven_without_the_store(own: Store) -> None:
    acts.record(written(own), "declined", by="agent", way="form", operation="DeleteUser")
    lines, key = exported(own)
    assert export.verify(lines, key).entries == 4
    rows = [json.loads(line) for line in lines[:-1]]
    assert [row["seq"] for row in rows] == [1, 2, 3, 4]
    assert rows[0]["target"] == "ada@acme.example"
    assert "details" not in rows[0]


def changed(lines: list[str], index: int, **values: object) -> list[str]:
    return [
        json.dumps({**json.loads(line), **values}) if number == index else line
        for number, line in enumerate(lines)
    ]


FORGERIES: dict[str, Callable[[list[str]], list[str]]] = {
    "a target": lambda lines: changed(lines, 0, target="eve"),
    "who": lambda lines: changed(lines, 1, caller="eve"),
    "the end": lambda lines: changed(lines, -1 % len(lines), entries=2),
    "the first": lambda lines: lines[1:],
    "one between": lambda lines: [lines[0], *lines[2:]],
    "the last entry": lambda lines: [*lines[:-2], lines[-1]],
    "the signature": lambda lines: lines[:-1],
    "one twice": lambda lines: [lines[0], *lines],
    "the order": lambda lines: [lines[1], lines[0], *lines[2:]],
    "everything": lambda lines: [],
    "nothing signed": lambda lines: ["{}"],
}


@pytest.mark.parametrize("what", FORGERIES)
def test_whatever_is_changed_shows(own: Store, what: str) -> None:
    lines, key = exported(written(own))
    with pytest.raises(export.NotProven):
        export.verify(FORGERIES[what](lines), key)


def test_another_key_proves_nothing(own: Store, store: Store) -> None:
    lines, _ = exported(written(own))
    for key in (export.public_key(store).encode(), b"", b"-----BEGIN PUBLIC KEY-----"):
        with pytest.raises(export.NotProven):
            export.verify(lines, key)


def test_a_later_export_goes_on_where_the_earlier_one_ended(own: Store) -> None:
    earlier, _ = exported(written(own))
    own.retention = 0.0
    intend(own, replace(ADA, call=f"3{ADA.call[1:]}"))
    later, key = exported(own)
    assert export.verify(later, key).entries == 4
    digests = [[json.loads(line).get("digest") for line in lines] for lines in (earlier, later)]
    assert digests[1][:3] == digests[0][:3]


def test_a_selection_says_that_it_is_one(own: Store) -> None:
    lines, key = exported(written(own), chosen=lambda row: row["call"] == BOB.call)
    found = export.verify(lines, key)
    assert (found.entries, found.selection) == (1, True)


def test_what_a_person_accepted_is_named(own: Store) -> None:
    settle(written(own), BOB, "done")
    with own.begin() as connection:
        connection.execute(delete(journal).where(journal.c.seq > 2))
    accept_damage.accept(own, "root", hash_chain.problems(own)[2])
    lines, key = exported(own)
    assert export.verify(lines, key).accepted == ("entries 3 to 4",)

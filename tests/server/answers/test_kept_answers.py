"""Kept answers: bounded, for a while, and each for its own caller."""

from __future__ import annotations

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.server.answers.kept_answers import LIFETIME, MOST, MOST_BYTES, Kept, Shelf


def test_an_answer_is_kept_for_its_caller_and_for_a_while(catalog: Catalog) -> None:
    now = [0.0]
    shelf = Shelf(lambda: now[0])
    name = shelf.put("me", Kept(catalog["LoadUser"], text="{}"))
    assert shelf.find("me", name)
    assert shelf.names("me") == [name]
    assert shelf.find("you", name) is None
    assert shelf.names("you") == []
    now[0] = LIFETIME
    assert shelf.find("me", name) is None


def test_the_oldest_make_room(catalog: Catalog) -> None:
    shelf = Shelf()
    operation = catalog["LoadUser"]
    names = [shelf.put("me", Kept(operation, text="{}")) for _ in range(MOST + 5)]
    assert shelf.names("me") == names[5:]
    large = shelf.put("me", Kept(operation, text="x" * (MOST_BYTES - 1_000)))
    assert large in shelf.names("me")
    another = shelf.put("me", Kept(operation, rows=("y" * (MOST_BYTES // 2),)))
    assert shelf.names("me") == [another]


def test_what_one_caller_reads_takes_nothing_from_another(catalog: Catalog) -> None:
    shelf = Shelf()
    operation = catalog["LoadUser"]
    mine = shelf.put("me", Kept(operation, text="{}"))
    for _ in range(MOST + 5):
        shelf.put("you", Kept(operation, text="x" * (MOST_BYTES // 10)))
    assert shelf.names("me") == [mine]
    assert len(shelf.names("you")) == 9

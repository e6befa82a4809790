"""A person's word: what it covers, how long it lasts, and that it counts once."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from descope_mcp.guard.consent.confirmation import LIFETIME, accept, ask, binding
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.recipe_values import Scope
from descope_mcp.store.consent.used_confirmations import consume
from descope_mcp.store.store import Store


def _bound(**changes: Any) -> str:
    parts: dict[str, Any] = {
        "operation": "DeleteUser",
        "arguments": {"loginId": "ada", "userId": "U1"},
        "project": "P1",
        "caller": "stdio",
        "found": ({"name": "Ada"},),
    } | changes
    found = parts.pop("found")
    return binding(*parts.values(), Preview(Scope({}), found))


def test_the_order_of_arguments_does_not_count() -> None:
    assert _bound() == _bound(arguments={"userId": "U1", "loginId": "ada"})


@pytest.mark.parametrize(
    "change",
    [
        {"operation": "DeleteUsers"},
        {"arguments": {"loginId": "bob", "userId": "U1"}},
        {"arguments": {"loginId": "ada", "userId": "U1", "extra": None}},
        {"arguments": {"loginId": "ada"}},
        {"project": "P2"},
        {"caller": "terminal"},
        {"found": ({"name": "Bob"},)},
        {"found": ()},
        {"found": ({"name": "Ada"}, None)},
        {"operation": 'DeleteUser",{"a":1},"'},
    ],
)
def test_everything_that_was_shown_counts(change: dict[str, Any]) -> None:
    assert _bound(**change) != _bound()


def test_a_question_is_asked_once_and_ends() -> None:
    before = time.time()
    one, two = (ask("?", "Delete", "", "b", code=False, same="s") for _ in range(2))
    assert one.nonce != two.nonce
    assert len(one.nonce) >= 32
    assert before + LIFETIME <= one.expires <= time.time() + LIFETIME
    approval = accept(one, "Acme")
    assert (approval.binding, approval.nonce, approval.expires, approval.typed) == (
        "b",
        one.nonce,
        one.expires,
        "Acme",
    )


def test_a_word_counts_once(store: Store) -> None:
    later = time.time() + 60
    assert consume(store, "n", later)
    assert not consume(store, "n", later)
    assert not consume(store, "n", later + 60)
    assert consume(store, "m", later)


@pytest.mark.parametrize(("nonce", "seconds"), [("n", -1), ("n", 0), ("", 60)])
def test_a_word_that_is_over_or_nobody_s_counts_for_nothing(
    nonce: str, seconds: float, store: Store
) -> None:
    assert not consume(store, nonce, time.time() + seconds)


def test_used_words_are_forgotten_only_when_they_are_worthless(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    now = time.time()
    assert consume(store, "old", now + 10)
    monkeypatch.setattr(time, "time", lambda: now + 11)
    assert consume(store, "new", now + 20)
    assert not consume(store, "old", now + 10)
    assert not consume(store, "new", now + 20)


def test_of_fifty_at_once_exactly_one_wins(store: Store) -> None:
    later = time.time() + 60
    for nonce in map(str, range(20)):
        start = threading.Barrier(50)
        won: list[bool] = []

        def compete(nonce: str, start: threading.Barrier, won: list[bool]) -> None:
            start.wait()
            won.append(consume(store, nonce, later))

        threads = [threading.Thread(target=compete, args=(nonce, start, won)) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(won), sum(won)) == (50, 1)

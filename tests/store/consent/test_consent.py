"""Approvals, grants, caps and the second factor: each counts once, and not for ever."""

import threading
import time
from collections.abc import Callable

import pyotp
import pytest

from descope_mcp.store.consent import approvals, caps, grants, second_factor
from descope_mcp.store.store import Store

Clock = Callable[[float], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Lets time pass."""
    real, passed = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + passed[0])

    def wait(seconds: float) -> None:
        passed[0] += seconds

    return wait


def asked(store: Store, binding: str = "b") -> int:
    """The number of a request, 0 if it may not wait."""
    request = approvals.file(
        store,
        project="P1",
        caller="stdio",
        operation="DeleteUser",
        binding=binding,
        question="Delete?",
        typed="",
    )
    return request.number if request else 0


def at_once(count: int, act: Callable[[], bool]) -> int:
    """How often `act` succeeds when `count` threads try it together."""
    start, won = threading.Barrier(count), list[bool]()

    def compete() -> None:
        start.wait()
        won.append(act())

    threads = [threading.Thread(target=compete) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == count
    return sum(won)


def test_one_approval_runs_one_of_fifty_calls(own: Store) -> None:
    number = asked(own)
    assert approvals.consume(own, "b") == 0
    assert approvals.answer(own, number, approved=True)
    assert at_once(50, lambda: approvals.consume(own, "b") == number) == 1
    assert [request.status for request in approvals.requests(own)] == ["used"]


def test_a_call_has_one_request_and_a_request_one_answer(own: Store) -> None:
    assert asked(own) == asked(own)
    number, other = asked(own), asked(own, "c")
    assert number != other
    assert approvals.answer(own, number, approved=False)
    assert not approvals.answer(own, number, approved=True)
    assert not approvals.answer(own, 999, approved=True)
    assert approvals.consume(own, "b") == 0
    assert [r.number for r in approvals.requests(own, pending=True)] == [other]


def test_neither_a_request_nor_an_approval_waits_for_ever(own: Store, later: Clock) -> None:
    first, second = asked(own, "b"), asked(own, "c")
    assert approvals.answer(own, first, approved=True)
    later(approvals.USABLE + 1)
    assert approvals.consume(own, "b") == 0
    later(approvals.WAITS)
    assert not approvals.answer(own, second, approved=True)
    assert {r.status for r in approvals.requests(own)} == {"expired"}
    assert asked(own, "c") not in (first, second)


def test_a_person_is_not_flooded_with_requests(own: Store, later: Clock) -> None:
    numbers = [asked(own, f"b{n}") for n in range(approvals.MOST_WAITING + 5)]
    assert numbers[-5:] == [0] * 5
    assert asked(own, "b0") == numbers[0]
    assert approvals.answer(own, numbers[1], approved=False)
    assert asked(own, "another")
    assert not asked(own, "one more")
    later(approvals.WAITS)
    assert asked(own, "one more")


def grant(store: Store, items: int = 3, seconds: float = 60.0) -> int:
    return grants.create(
        store, project="P1", operation="DeleteUser", arguments={}, items=items, seconds=seconds
    ).id


def take(store: Store, items: int = 1, *, project: str = "P1", fits: bool = True) -> int:
    return grants.consume(
        store, project=project, operation="DeleteUser", items=items, fits=lambda grant: fits
    )


def test_a_grant_is_used_up_item_by_item(own: Store) -> None:
    number = grant(own, items=30)
    assert at_once(50, lambda: take(own) == number) == 30
    assert not grants.listed(own)[0].usable


def test_a_grant_counts_for_its_project_its_call_its_time(own: Store, later: Clock) -> None:
    number = grant(own)
    assert take(own, project="P2") == 0
    assert take(own, fits=False) == 0
    assert take(own, items=4) == 0
    assert take(own, items=2) == number
    later(61)
    assert take(own) == 0


def test_a_revoked_grant_is_over(own: Store) -> None:
    number = grant(own)
    assert grants.revoke(own, number)
    assert not grants.revoke(own, number)
    assert take(own) == 0


def test_caps_count_calls_and_items_within_their_time(own: Store, later: Clock) -> None:
    def counted(items: int = 1, rule: str = "r") -> bool:
        return caps.take(
            own, project="P1", rule=rule, items=items, seconds=60, most_calls=3, most_items=10
        )

    assert counted(items=8)
    assert not counted(items=3)
    assert counted(items=2)
    assert counted(rule="another", items=10)
    assert not counted(rule="another")
    later(61)
    assert at_once(20, counted) == 3


def test_the_second_factor_counts_once_and_cannot_be_guessed(own: Store, later: Clock) -> None:
    secret = second_factor.new_secret()
    totp = pyotp.TOTP(secret)
    assert not second_factor.confirm(own, secret, "000000" if totp.now() != "000000" else "111111")
    assert not second_factor.enrolled(own)
    assert second_factor.confirm(own, secret, totp.now())
    assert second_factor.enrolled(own)
    later(60)
    code = totp.at(time.time())
    assert second_factor.check(own, code).result == "right"
    assert second_factor.check(own, code).result == "wrong"
    for _ in range(3):
        assert second_factor.check(own, "").result == "wrong"
    assert second_factor.check(own, "abcdef").result == "locked"
    later(60)
    assert second_factor.check(own, totp.at(time.time())).result == "locked"
    later(300)
    assert second_factor.check(own, totp.at(time.time())).result == "right"
    second_factor.remove(own)
    assert not second_factor.enrolled(own)


def test_who_goes_on_guessing_waits_longer(own: Store, later: Clock) -> None:
    secret = second_factor.new_secret()
    assert second_factor.confirm(own, secret, pyotp.TOTP(secret).now())
    for minutes in (5, 10, 20, 40, 60, 60):
        said = [second_factor.check(own, "").result for _ in range(5)]
        assert said == ["wrong"] * 4 + ["locked"]
        later(minutes * 60 - 1)
        assert second_factor.check(own, "").result == "locked"
        later(2)
    assert second_factor.check(own, pyotp.TOTP(secret).at(time.time())).result == "right"
    assert [second_factor.check(own, "").result for _ in range(5)][-1] == "locked"
    later(301)
    assert second_factor.check(own, "").result == "wrong"

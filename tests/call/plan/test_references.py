"""What stands for a value of an earlier answer, and what only looks like it."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.call.plan.references import (
    Reference,
    Unresolved,
    from_kept,
    pending,
    references,
    resolved,
    selected,
    written,
)

ANSWERS: dict[str, Any] = {"find": {"users": [{"id": "U1", "login": "a"}, {"id": "U2"}]}}


def answers(one: Reference) -> Any:
    return selected(ANSWERS[one.origin], one)


def taken(path: str, origin: str = "find") -> dict[str, str]:
    return {"$from": origin, "path": path}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("users[0].id", "U1"),
        ("users[].id", ["U1", "U2"]),
        ("users[?login=='a'].{loginId: login, new: 'x'}", [{"loginId": "a", "new": "x"}]),
        ("", ANSWERS["find"]),
    ],
)  # fmt: skip
def test_a_reference_is_the_value_that_its_path_selects(path: str, value: Any) -> None:
    assert resolved({"a": [taken(path)]}, answers) == {"a": [value]}


def test_an_element_is_taken_whole_or_by_a_path() -> None:
    given = {"user": "$each", "id": {"$each": "id"}, "ids": ["x", {"$each": "id"}]}
    element = {"id": "U1"}
    assert resolved(given, answers, element) == {"user": element, "id": "U1", "ids": ["x", "U1"]}


def test_what_stands_in_an_answer_is_no_reference() -> None:
    trap = {"find": {"note": {"$from": "find", "path": "users"}, "each": "$each"}}
    given = {"a": taken("note"), "b": taken("each")}
    made = resolved(given, lambda one: selected(trap[one.origin], one), {"id": "U1"})
    assert made == {"a": {"$from": "find", "path": "users"}, "b": "$each"}


@pytest.mark.parametrize(
    "given",
    [
        taken("nothing"),
        taken("users[9].id"),
        taken("users["),
        {"$from": ""},
        {"$from": ["find"]},
        {"$from": "find", "path": 1},
        {"$from": "find", "default": "x"},
        {"$each": "id"},
        "$each",
    ],
)
def test_what_leads_to_nothing_is_no_value(given: Any) -> None:
    with pytest.raises(Unresolved):
        resolved({"a": given}, answers)


def test_an_answer_that_is_not_there_yet_leaves_the_reference() -> None:
    made = resolved({"a": {"b": [taken("id", "later")]}}, answers)
    assert made == {"a": {"b": [Reference("later", "id")]}}
    assert dict(pending(made)) == {"a.b[]": Reference("later", "id")}
    assert written(made) == {"a": {"b": [taken("id", "later")]}}
    assert set(references({"a": [taken("x", "later")]})) == {Reference("later", "x")}


@pytest.mark.parametrize("value", ["$each", {"$from": "find"}, {"$value": 1}, [{"$each": "id"}]])
def test_a_value_that_looks_like_a_reference_is_written_as_a_value(value: Any) -> None:
    given = written({"a": value})
    assert not list(references(given))
    assert resolved(given, answers) == {"a": value}


def test_a_single_call_takes_from_kept_answers_alone() -> None:
    kept = {"abc": {"flow": {"id": "f"}}}.get
    given = {"flow": {"$from": "answers/abc", "path": "flow"}, "note": {"$from": "somewhere"}}
    assert from_kept(given, kept) == {"flow": {"id": "f"}, "note": {"$from": "somewhere"}}
    with pytest.raises(Unresolved):
        from_kept({"flow": {"$from": "answers/gone"}}, kept)

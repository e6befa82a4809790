"""Which calls of an undo have to wait for which."""

from __future__ import annotations

from typing import Any

from descope_mcp.catalog.operation_record.recipe import Restore
from descope_mcp.guard.restore.step_order import Made, after
from tests.guard.build import operation

BY_ID = {"arguments": {"id": "$args.id"}}
MAKE = operation("Make", effect="write")
JOIN = operation("Join", preview=[{"operation": "Load", **BY_ID}])
LEAVE = operation("Leave", preview=[{"operation": "Load", **BY_ID}])
OTHER = operation("Other", preview=[{"operation": "LoadElse", **BY_ID}])
KNOWN: Any = {one.name: one for one in (MAKE, JOIN, LEAVE, OTHER)}


def recipe(name: str, after: list[str] | None = None) -> Restore:
    return Restore.model_validate({"operation": name, "after": after})


def order(recipes: list[Restore], *calls: tuple[int, str]) -> list[tuple[int, ...]]:
    """The order of calls, each made by the recipe of that number for the object of that id."""
    made = [Made(recipes[n].operation, {"id": name}, recipes[n]) for n, name in calls]
    return after(KNOWN, recipes, made)


def test_without_a_word_each_waits_for_all_before_it() -> None:
    recipes = [recipe("Make"), recipe("Join")]
    assert order(recipes, (0, "a"), (1, "b"), (1, "c")) == [(), (0,), (0, 1)]


def test_what_says_what_it_builds_on_waits_for_that_and_for_the_first() -> None:
    recipes = [recipe("Make"), recipe("Join", []), recipe("Other", ["Make"])]
    assert order(recipes, (0, "a"), (1, "b"), (1, "c"), (2, "d")) == [(), (0,), (0,), (0,)]
    recipes[2] = recipe("Other", ["Join"])
    assert order(recipes, (0, "a"), (1, "b"), (1, "c"), (2, "d"))[3] == (0, 1, 2)


def test_changes_of_one_object_never_run_at_once() -> None:
    recipes = [recipe("Make"), recipe("Join", []), recipe("Leave", []), recipe("Other", [])]
    calls = [(0, "x"), (1, "a"), (1, "b"), (2, "a"), (3, "a")]
    # What another read finds is another object, whatever it is called.
    assert order(recipes, *calls) == [(), (0,), (0,), (0, 1), (0,)]


def test_a_recipe_that_makes_no_call_loosens_nothing() -> None:
    recipes = [recipe("Other"), recipe("Make", []), recipe("Join", ["Make"])]
    recipes.append(recipe("Leave", ["Join"]))
    assert order(recipes, (0, "x"), (1, "a"), (3, "b"))[2] == (0, 1)
    recipes[2] = recipe("Join")
    assert order(recipes, (0, "x"), (1, "a"), (3, "b"))[2] == (0, 1)


def test_an_update_that_is_written_back_has_an_order_too() -> None:
    assert after(KNOWN, [], [Made("Join", {"id": "a"}, None)]) == [()]

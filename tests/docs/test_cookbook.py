"""Every recipe of the policy cookbook does what the page says of it."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

import pytest

from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.caller import Caller
from descope_mcp.guard.policy.decision import Policy, decide
from descope_mcp.guard.policy.file import parse
from descope_mcp.guard.policy.risk import assess

from .pages import written

_ROW = re.compile(r"^\| `(\w+) (\{.*\})` \| (\w+) \|(?: ([\w-]+) \|)?$", re.M)
_RULE = re.compile(r"^```toml\n(.*?)^```$", re.M | re.S)


class Recipe(NamedTuple):
    """A policy file, and the lines of the table below it."""

    title: str
    text: str
    table: str


def recipes() -> list[Recipe]:
    """Every recipe of the page."""
    parts = re.split(r"^## (.+)$", written()["docs/cookbook.md"], flags=re.M)[1:]
    titled = zip(parts[::2], parts[1::2], strict=True)
    return [
        Recipe(title, found[1], body) for title, body in titled if (found := _RULE.search(body))
    ]


RECIPES = recipes()


def test_there_are_recipes() -> None:
    assert len(RECIPES) >= 9


@pytest.mark.parametrize("recipe", RECIPES, ids=[recipe.title for recipe in RECIPES])
def test_a_recipe_does_what_the_page_says(recipe: Recipe, catalog: Catalog) -> None:
    rules, production = parse("policy.toml", recipe.text, catalog)
    policy = Policy(rules=rules, production=production)
    rows = _ROW.findall(recipe.table)
    assert len(rows) == recipe.table.count("\n| `") >= 2
    decisions = set()
    for operation, arguments, said, caller in rows:
        one = catalog[operation]
        checked = check(one, json.loads(arguments))
        risk = assess(one, checked, frozenset())
        found = decide(one, checked, Caller(caller or "stdio"), "P1", risk, policy)
        assert found.action == said, (operation, arguments, found)
        decisions.add(found.rule)
    # Every rule of the recipe decides one of the calls, so that none stands there for nothing.
    assert {rule.place for rule in rules} <= decisions, decisions

"""What may be told: names that are listed, values that were known beforehand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from descope_mcp.telemetry.vocabulary import FACTS, INSTRUMENTS, OTHER, STAGES, told

ROOT = Path(__file__).parents[2]
#: Which argument of these calls is a word that becomes a fact, and of which.
WORDS = {
    "Refused": (0, "rule"),
    "NotGiven": (0, "rule"),
    "Decision": (1, "rule"),
    "Failed": (0, "outcome"),
}


def sources() -> Iterator[ast.AST]:
    for path in (ROOT / "descope_mcp").rglob("*.py"):
        if "sandbox" not in path.parts:
            yield from ast.walk(ast.parse(path.read_text()))


def test_what_is_not_listed_is_not_told() -> None:
    assert told({"loginId": "mallory", "outcome": "done"}) == {"descope_mcp.call.outcome": "done"}


@pytest.mark.parametrize("fact", FACTS)
def test_a_value_that_nobody_knew_is_told_as_other(fact: str) -> None:
    for value in ("mallory@person.example", 70_000, True, None, ["done"], {"done": 1}):
        assert told({fact: value}) == {FACTS[fact].name: OTHER}


def test_every_word_of_a_refusal_is_known() -> None:
    nodes = list(sources())
    constants = {
        node.targets[0].id: node.value.value
        for node in nodes
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    unknown = set()
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place, fact = WORDS.get(node.func.id, (0, ""))
            given = node.args[place] if fact and len(node.args) > place else None
            word = constants.get(given.id) if isinstance(given, ast.Name) else None
            word = given.value if isinstance(given, ast.Constant) else word
            if word is not None and FACTS[fact].told(word) == OTHER:
                unknown.add((node.func.id, word))
    assert not unknown


def test_every_stage_and_fact_in_the_code_is_listed() -> None:
    named = {"stage": STAGES, "passed": STAGES, "level": INSTRUMENTS}
    named |= {"stages.stage": STAGES, "stages.count": INSTRUMENTS, "stages.measured": INSTRUMENTS}
    found, wrong = set(), set()
    for node in sources():
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in named:
            first = ast.literal_eval(node.args[0])
            found.add(first)
            wrong |= {first} - named[name].keys()
        if name in named or (name.endswith("span.note") and not node.args):
            wrong |= {k.arg for k in node.keywords if k.arg} - FACTS.keys()
    assert not wrong
    assert found | {"message"} >= STAGES.keys()


def test_the_documentation_lists_every_name_and_no_other() -> None:
    page = (ROOT / "docs" / "telemetry.md").read_text()
    named = {fact.name for fact in FACTS.values()} | {i.name for i in INSTRUMENTS.values()}
    assert named <= set(re.findall(r"`([\w.]+)`", page))
    own = set(re.findall(r"`(descope_mcp\.[\w.]+)`", page))
    assert own <= named
    assert set(STAGES) <= set(re.findall(r"`(\w+)`", page))

"""What every operation says of its calls, read in the sandbox's organisation where it can be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, NeedsConfirmation, Refused
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.policy.decision import Decision, Policy, worst
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.recipe_values import Scope
from descope_mcp.guard.question.compose.call import disclose
from descope_mcp.guard.question.question_data import Disclosure, Project
from descope_mcp.guard.question.renderers.mcp_form import message
from descope_mcp.guard.question.renderers.terminal import screen
from descope_mcp.sandbox.http.serve import running
from tests.call.everyday_questions import asked
from tests.call.test_examples import live, organisation
from tests.recorder import sample, shared_store

pytestmark = pytest.mark.anyio

#: JSON as it is, a place that nothing fills, or a reference that shows.
RAW = re.compile(r'\{"|\[\{|\(none\)|\{\$|\$args|\$before|": null')


def asked_about(catalog: Catalog) -> list[Operation]:
    return [one for one in catalog.values() if worst(one, Policy()).action == "confirm"]


def test_every_operation_that_asks_says_what_it_does(catalog: Catalog) -> None:
    silent = [operation.name for operation in asked_about(catalog) if not operation.says]
    assert not silent
    said = [operation.says.casefold() for operation in asked_about(catalog)]
    titles = {operation.title.casefold() for operation in catalog.values()}
    assert not titles & set(said), "a consequence says more than the title"


def told(operation: Operation, says: str, *, counts: int, full: bool) -> Disclosure:
    """A made-up call with all of its arguments, or with those that it needs."""
    properties = operation.input_schema["properties"]
    needed = {
        *operation.input_schema.get("required", ()),
        *(name for group in operation.one_of for name in group[:1]),
    }
    names = properties if full else [name for name in properties if name in needed]
    given = {name: sample(properties[name]) for name in names if name != "replace"}
    before = dict.fromkeys(("name", "id", "displayName", "email", "userId", "userName"), "x1")
    held: dict[str, Any] = {**before, "tenant": before, "template": before, "attributes": before}
    held["loginIds"] = ["x1"]
    found = tuple(held for _ in operation.preview)
    tallies = tuple(Tally(c.label, counts, key=c.key) for c in operation.impact)
    return disclose(
        operation,
        given,
        risk=Risk("destructive", (), says=says),
        decision=Decision("confirm", "destructive", ""),
        preview=Preview(Scope(given, found[0] if found else None, "P1"), found),
        project=Project('"P1"'),
        caller="agent",
        changes=(),
        counts=tallies,
    )


def ways(catalog: Catalog) -> Iterator[tuple[Operation, str]]:
    """Every way in which an operation says what it does."""
    for operation in catalog.values():
        for says in (operation.says, *(rule.says for rule in operation.when)):
            if says:
                yield operation, says


@pytest.mark.parametrize("full", [True, False])
def test_every_consequence_reads_as_a_sentence(catalog: Catalog, full: bool) -> None:
    wrong = []
    for operation, says in ways(catalog):
        for counts in (0, 1, 2):
            text = told(operation, says, counts=counts, full=full).consequence
            number = re.search(r"\b1 (?:\w+[^s]s|policies|entries)\b|\b0 ", text)
            if RAW.search(text) or "  " in text or number or not text[0].isupper():
                wrong.append(f"{operation.name}: {text}")
    assert not wrong, "\n".join(wrong)


async def questions(catalog: Catalog) -> dict[str, Disclosure]:
    """What a person is told of every example that asks, in the organisation."""
    state = organisation()
    tokens = live(state)
    records = state.export()
    said: dict[str, Disclosure] = {}
    async with running(catalog.values(), state) as sandbox:
        keys = Credentials(sandbox.project_id, sandbox.management_key)
        client = Client(sandbox.url, keys, catalog.errors)
        services = Services(catalog, client, Policy(), shared_store())
        for operation in asked_about(catalog):
            for number, example in enumerate(operation.examples):
                state.replace(records)
                given = {
                    argument: tokens.get(value, value) if isinstance(value, str) else value
                    for argument, value in example.arguments.items()
                }
                outcome = await invoke(Call(operation.name, given, "agent"), services)
                assert not isinstance(outcome, Refused), (operation.name, outcome)
                if isinstance(outcome, NeedsConfirmation):
                    said[f"{operation.name} {number}"] = outcome.disclosure
        await client.close()
    return said


async def test_questions_in_the_organisation(catalog: Catalog) -> None:
    """The consequence is the first line, nothing is said twice, and there is no raw JSON."""
    said = await questions(catalog)
    assert len(said) > 120
    wrong = []
    for call, disclosure in said.items():
        text = screen(disclosure)
        lines = text.split("\n")
        paragraphs = message(disclosure).split("\n")
        repeated = len(paragraphs) != len(set(paragraphs))
        first = lines[0].startswith(disclosure.consequence[:40])
        if RAW.search(text) or repeated or not first or len(lines) > 40:
            wrong.append(f"## {call}\n{text}")
    assert not wrong, "\n\n".join(wrong)


async def test_questions_fit_a_screen(catalog: Catalog) -> None:
    """How long they are: what a person can take in before answering."""
    said = await asked(catalog, shared_store())
    lines = {title: screen(disclosure).count("\n") + 1 for title, disclosure in said.items()}
    most = {
        "delete a tenant with cascade": 24,
        "disable 40 users": 20,
        "give the role Owner": 14,
        "import with one changed role": 24,
        "delete 100 users": 44,
    }
    assert {title: lines[title] for title in most if lines[title] > most[title]} == {}
    changed = screen(said["import with one changed role"])
    assert 'permission names: gains "billing.read"' in changed

"""A person's word for every operation that asks is for one call, once, and for what was shown."""

from __future__ import annotations

import pytest
from starlette.responses import Response

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Refused
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import accept
from tests.attacks.tally import BYPASSED, CALLS, none, tally
from tests.attacks.world import World, asked_about, bare, previewing
from tests.recorder import Recorded, recording

pytestmark = pytest.mark.anyio

CALLER = "somebody"
#: The suite takes every third call; the campaign takes the others too.
PARTS = 3
EVERY = pytest.mark.parametrize(
    "first", [0, *(pytest.param(n, marks=pytest.mark.campaign) for n in range(1, PARTS))]
)


@pytest.fixture(scope="module")
def world(catalog: Catalog) -> World:
    return World(catalog)


@EVERY
async def test_one_word_runs_one_call_once(catalog: Catalog, world: World, first: int) -> None:
    without: tuple[str, ...] = ()
    wrong: list[str] = []
    ran = 0
    async with recording(lambda r: world.answer(r, without=without)) as recorder:
        services = recorder.services(catalog)
        for kind, operation, arguments in list(asked_about(catalog))[first::PARTS]:
            without = bare(operation, arguments)
            tally[CALLS] += 1
            asked = await invoke(Call(operation.name, arguments, CALLER), services)
            if not isinstance(asked, NeedsConfirmation):
                continue
            approval = accept(asked.question, asked.question.typed)
            approved = Call(operation.name, arguments, CALLER, approval=approval)
            recorder.requests.clear()
            tally[CALLS] += 1
            outcome = await invoke(approved, services)
            sent = [world.name(request) for request in recorder.requests]
            allowed = {operation.name} | previewing(operation)
            if not isinstance(outcome, Completed) or sent.count(operation.name) != 1:
                wrong.append(f"{operation.name} ({kind}): {outcome} after {sent}")
            # After it comes at most a read of what it has made.
            if set(sent) - allowed:
                wrong.append(f"{operation.name} ({kind}) sent {sent}")
            recorder.requests.clear()
            tally[CALLS] += 1
            again = await invoke(approved, services)
            if not (isinstance(again, Refused) and again.rule == "used") or recorder.requests:
                wrong.append(f"{operation.name} ({kind}) twice: {again}")
            ran += 1
        await services.client.close()
    none(wrong, BYPASSED)
    assert ran > 500 // PARTS


@EVERY
async def test_what_changed_since_the_question_does_not_run(
    catalog: Catalog, world: World, first: int
) -> None:
    """Between the question and the answer every object gets a field more."""
    later, without = False, ()
    wrong: list[str] = []
    changed = 0

    def answer(request: Recorded) -> Response:
        return world.answer(request, without=without, touched=later)

    async with recording(answer) as recorder:
        services = recorder.services(catalog)
        for kind, operation, arguments in list(asked_about(catalog))[first::PARTS]:
            later, without = False, bare(operation, arguments)
            tally[CALLS] += 1
            asked = await invoke(Call(operation.name, arguments, CALLER), services)
            if not isinstance(asked, NeedsConfirmation) or not operation.preview:
                continue
            later = True
            recorder.requests.clear()
            approval = accept(asked.question, asked.question.typed)
            approved = Call(operation.name, arguments, CALLER, approval=approval)
            tally[CALLS] += 1
            outcome = await invoke(approved, services)
            sent = [world.name(request) for request in recorder.requests]
            if not set(sent) & previewing(operation) and all(s.optional for s in operation.preview):
                continue
            changed += 1
            refused = isinstance(outcome, Refused) and outcome.rule == "changed"
            if not refused or operation.name in sent:
                wrong.append(f"{operation.name} ({kind}): {outcome} after {sent}")
        await services.client.close()
    none(wrong, BYPASSED)
    assert changed > 300 // PARTS

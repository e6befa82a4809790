"""Every operation of the catalog: what needs a person's word does not run without it.

The server on the other side records what arrives. Whatever a call is answered, nothing but the
reads that its record names may reach Descope before a person has said yes.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.responses import PlainTextResponse, Response

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import (
    SO_ALREADY,
    Call,
    Completed,
    Failed,
    NeedsConfirmation,
    Refused,
)
from descope_mcp.catalog.arguments.meanings import Marks
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.caller import Caller
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import EVERY, Policy, decide
from descope_mcp.guard.policy.risk import assess
from descope_mcp.guard.preview.standing import READS
from tests.attacks.tally import BYPASSED, CALLS, none, tally
from tests.attacks.world import SECRET, World, asked_about, bare, calls
from tests.recorder import PROJECT, Recorded, recording

pytestmark = pytest.mark.anyio

CALLER = "somebody"


@pytest.fixture(scope="module")
def world(catalog: Catalog) -> World:
    return World(catalog)


def _reads(operation: Operation) -> set[str]:
    """What may be read ahead: the recipes, what roles bring, and what marks those who are hit."""
    roles = operation.marks.get("roles", Marks())
    tenants = operation.marks.get("tenants", Marks())
    moved = roles.acts or roles.takes or tenants.acts or tenants.takes or operation.defines
    rights = {"SearchRoles"} if moved else set()
    # What members get by default.
    rights |= {"SearchTenants"} if tenants.acts else set()
    # What the project is called, once in a process.
    rights |= {"ListProject"}
    return rights | READS | {step.operation for step in (*operation.preview, *operation.impact)}


async def test_unasked_nothing_but_the_preview_reaches_descope(
    catalog: Catalog, world: World
) -> None:
    without: tuple[str, ...] = ()
    wrong: list[str] = []
    count = 0
    async with recording(lambda r: world.answer(r, without=without)) as recorder:
        services = recorder.services(catalog)
        for kind, operation, arguments in asked_about(catalog):
            without = bare(operation, arguments)
            recorder.requests.clear()
            tally[CALLS] += 1
            outcome = await invoke(Call(operation.name, arguments, CALLER), services)
            sent = {world.name(request) for request in recorder.requests}
            count += 1
            if sent - _reads(operation):
                wrong.append(f"{operation.name} ({kind}) sent {sent - _reads(operation)}")
            if isinstance(outcome, NeedsConfirmation) and SECRET in outcome.question.text:
                wrong.append(f"{operation.name} ({kind}) shows a secret")
            # What is so already in this world is answered without a question, and not sent.
            settled = isinstance(outcome, Completed) and outcome.became == SO_ALREADY
            if not (isinstance(outcome, NeedsConfirmation) or (settled and operation.settled)):
                wrong.append(f"{operation.name} ({kind}) was answered {outcome}")
        await services.client.close()
    none(wrong, BYPASSED)
    assert count > 500


async def test_one_word_runs_one_call_once(catalog: Catalog, world: World) -> None:
    without: tuple[str, ...] = ()
    wrong: list[str] = []
    ran = 0
    async with recording(lambda r: world.answer(r, without=without)) as recorder:
        services = recorder.services(catalog)
        for kind, operation, arguments in asked_about(catalog):
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
            allowed = {operation.name} | _reads(operation)
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
    assert ran > 500


FAILURES: dict[str, Callable[[], Response]] = {
    "refused": lambda: Response('{"errorCode":"E011001"}', 403, media_type="application/json"),
    "not found": lambda: Response('{"errorCode":"E112102"}', 404, media_type="application/json"),
    "broken": lambda: Response('{"errorCode":"E999999"}', 500, media_type="application/json"),
    "empty": lambda: Response("{}", media_type="application/json"),
    "null": lambda: Response("null", media_type="application/json"),
    "list": lambda: Response("[]", media_type="application/json"),
    "page": lambda: PlainTextResponse("<html>maintenance</html>"),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_whatever_the_preview_is_answered_nothing_runs(
    catalog: Catalog, world: World, failure: str
) -> None:
    wrong: list[str] = []
    async with recording(lambda r: FAILURES[failure]()) as recorder:
        services = recorder.services(catalog)
        for kind, operation, arguments in asked_about(catalog):
            recorder.requests.clear()
            tally[CALLS] += 1
            outcome = await invoke(Call(operation.name, arguments, CALLER), services)
            sent = {world.name(request) for request in recorder.requests}
            needed = any(not step.optional for step in operation.preview)
            if isinstance(outcome, Completed) or sent - _reads(operation):
                wrong.append(f"{operation.name} ({kind}): {outcome} after {sent}")
            # An export may be empty; anything else that must be found has to be there to be asked.
            whole = [s for s in operation.preview if not s.optional and not s.find]
            if needed and not whole and isinstance(outcome, NeedsConfirmation):
                wrong.append(f"{operation.name} ({kind}) was asked about without a before-state")
        await services.client.close()
    none(wrong, BYPASSED)


async def test_what_changed_since_the_question_does_not_run(catalog: Catalog, world: World) -> None:
    """Between the question and the answer every object gets a field more."""
    later, without = False, ()
    wrong: list[str] = []
    changed = 0

    def answer(request: Recorded) -> Response:
        return world.answer(request, without=without, touched=later)

    async with recording(answer) as recorder:
        services = recorder.services(catalog)
        for kind, operation, arguments in asked_about(catalog):
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
            if not set(sent) & _reads(operation) and all(s.optional for s in operation.preview):
                continue
            changed += 1
            refused = isinstance(outcome, Refused) and outcome.rule == "changed"
            if not refused or operation.name in sent:
                wrong.append(f"{operation.name} ({kind}): {outcome} after {sent}")
        await services.client.close()
    none(wrong, BYPASSED)
    assert changed > 300


@pytest.mark.parametrize(
    "policy", [Policy(), Policy(read_only=True), Policy(production=frozenset({EVERY}))], ids=str
)
async def test_what_is_denied_sends_nothing(catalog: Catalog, world: World, policy: Policy) -> None:
    wrong: list[str] = []
    denied = 0
    async with recording(world.answer) as recorder:
        services = recorder.services(catalog, policy=policy)
        for operation in catalog.values():
            for kind, arguments in calls(operation):
                risk = assess(operation, arguments, frozenset())
                if (
                    decide(operation, arguments, Caller(CALLER), PROJECT, risk, policy).action
                    != "deny"
                ):
                    continue
                tally[CALLS] += 1
                outcome = await invoke(Call(operation.name, arguments, CALLER), services)
                denied += 1
                senseless = isinstance(outcome, Failed) and outcome.kind == "invalid_arguments"
                if not (isinstance(outcome, Refused) or senseless):
                    wrong.append(f"{operation.name} ({kind}): {outcome}")
        await services.client.close()
    none(wrong, BYPASSED)
    assert not recorder.requests
    assert denied >= 3

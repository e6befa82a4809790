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
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.caller import Caller
from descope_mcp.guard.policy.decision import EVERY, Policy, decide
from descope_mcp.guard.policy.risk import assess
from tests.attacks.tally import BYPASSED, CALLS, none, tally
from tests.attacks.world import SECRET, World, asked_about, bare, calls, previewing
from tests.recorder import PROJECT, recording

pytestmark = pytest.mark.anyio

CALLER = "somebody"


@pytest.fixture(scope="module")
def world(catalog: Catalog) -> World:
    return World(catalog)


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
            if sent - previewing(operation):
                wrong.append(f"{operation.name} ({kind}) sent {sent - previewing(operation)}")
            if isinstance(outcome, NeedsConfirmation) and SECRET in outcome.question.text:
                wrong.append(f"{operation.name} ({kind}) shows a secret")
            # What is so already in this world is answered without a question, and not sent.
            settled = isinstance(outcome, Completed) and outcome.became == SO_ALREADY
            if not (isinstance(outcome, NeedsConfirmation) or (settled and operation.settled)):
                wrong.append(f"{operation.name} ({kind}) was answered {outcome}")
        await services.client.close()
    none(wrong, BYPASSED)
    assert count > 500


FAILURES: dict[str, Callable[[], Response]] = {
    "refused": lambda: Response('{"errorCode":"E011001"}', 403, media_type="application/json"),
    "not found": lambda: Response('{"errorCode":"E112102"}', 404, media_type="application/json"),
    "broken": lambda: Response('{"errorCode":"E999999"}', 500, media_type="application/json"),
    "empty": lambda: Response("{}", media_type="application/json"),
    "null": lambda: Response("null", media_type="application/json"),
    "list": lambda: Response("[]", media_type="application/json"),
    "page": lambda: PlainTextResponse("<html>maintenance</html>"),
}


@pytest.mark.parametrize(
    "every", [len(FAILURES), pytest.param(1, marks=pytest.mark.campaign)], ids=["some", "all"]
)
@pytest.mark.parametrize("failure", FAILURES)
async def test_whatever_the_preview_is_answered_nothing_runs(
    catalog: Catalog, world: World, failure: str, every: int
) -> None:
    """Each call meets one of the failures; in the long form, each of them."""
    wrong: list[str] = []
    first = list(FAILURES).index(failure) % every
    async with recording(lambda r: FAILURES[failure]()) as recorder:
        services = recorder.services(catalog)
        for kind, operation, arguments in list(asked_about(catalog))[first::every]:
            recorder.requests.clear()
            tally[CALLS] += 1
            outcome = await invoke(Call(operation.name, arguments, CALLER), services)
            sent = {world.name(request) for request in recorder.requests}
            needed = any(not step.optional for step in operation.preview)
            if isinstance(outcome, Completed) or sent - previewing(operation):
                wrong.append(f"{operation.name} ({kind}): {outcome} after {sent}")
            # An export may be empty; anything else that must be found has to be there to be asked.
            whole = [s for s in operation.preview if not s.optional and not s.find]
            if needed and not whole and isinstance(outcome, NeedsConfirmation):
                wrong.append(f"{operation.name} ({kind}) was asked about without a before-state")
        await services.client.close()
    none(wrong, BYPASSED)


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

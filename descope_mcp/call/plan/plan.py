"""A plan from its steps to what became of them: read, judge, ask once, run.

Like `invoke` it can be entered again: nothing is held in memory while a person thinks. When it
answers `NeedsConfirmation`, whoever called it asks and calls again with the approval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from descope_mcp.call.assessment.disclosure import must_type, project_of, way_back
from descope_mcp.call.outcome import Failed, Instead, Refused
from descope_mcp.call.plan import consent, record, resume
from descope_mcp.call.plan.expansion import Planned
from descope_mcp.call.plan.judgement import Judged, judged
from descope_mcp.call.plan.outcome import PlanChecked, PlanEnded, PlanOutcome, PlanRequest, Ran
from descope_mcp.call.plan.run import Run
from descope_mcp.call.plan.sources import calls_of
from descope_mcp.call.plan.steps import parsed
from descope_mcp.call.services import Services
from descope_mcp.call.store_warnings import reported, unusable
from descope_mcp.guard.preview.preview import target_name
from descope_mcp.guard.question.compose.plan import plan_disclosure
from descope_mcp.guard.question.compose.plan_calls import PlanCall
from descope_mcp.guard.question.question_data import Disclosure
from descope_mcp.guard.question.quoting import NotShown, quoted
from descope_mcp.store.errors import StoreError

_LONGEST_TITLE = 200


def _as_it_is(said: Disclosure) -> Disclosure:
    return said


async def plan(request: PlanRequest, services: Services) -> PlanOutcome:
    """Run a plan, or say why not, or what a person has to be asked first.

    Never raises for anything that a caller can send or Descope can answer.
    """
    try:
        return await _run(request, services)
    except Instead as instead:
        return reported(instead.outcome, services.store)
    except StoreError as error:
        return unusable(error, services.store)


async def _run(request: PlanRequest, services: Services) -> PlanOutcome:
    if len(request.title) > _LONGEST_TITLE:
        message = f"The title has more than {_LONGEST_TITLE} characters."
        raise Instead(Failed("invalid_arguments", message, "Nothing was sent. Shorten it."))
    await consent.use_up(request.approval, services)
    if request.resume:
        request = await resume.rest(request, services)
    steps = parsed(request.steps, services.catalog, request.kept)
    calls, partly = await calls_of(steps, request, services)
    return await carried_out(calls, request, services, partly)


async def carried_out(
    calls: Sequence[Planned],
    request: PlanRequest,
    services: Services,
    warnings: Sequence[str] = (),
    told: Callable[[Disclosure], Disclosure] = _as_it_is,
) -> PlanEnded | PlanChecked:
    """Judge calls, ask about them, and run them.

    Args:
        calls: in their order.
        request: that they are of; its steps are not looked at.
        services: what every call needs.
        warnings: sentences for the person who is asked.
        told: changes what that person is told.

    Raises:
        Instead: they cannot be, or a person has to be asked.
        StoreError: the store cannot be used, and no call was sent.
    """
    every = await judged(calls, request, services)
    # Nobody is asked, and no word is used up, for what a cap refuses anyway.
    await consent.counted(every, services, ahead=True)
    said = told(_disclosed(every, warnings, request, services))
    if request.check:
        grants = await consent.granted(every, request, services)
        calls_told = tuple(_told(one) for one in every)
        asks = len(grants) - sum(map(bool, grants))
        return PlanChecked(request.title, calls_told, asks, sum(map(bool, grants)), said)
    allowed = await consent.given(every, said, request, services)
    await consent.counted(every, services, ahead=False)
    if not any(one.changes for one in every):
        return await Run("", every, allowed, request, services).to_the_end()
    intent = await record.begun(every, allowed.all, request, services)
    run = Run(intent.call, every, allowed, request, services)
    try:
        return await run.to_the_end()
    finally:
        # Also when the caller goes away: what ran is told as it was.
        await record.ended(intent, run.so_far(), services)


def _disclosed(
    every: Sequence[Judged], partly: Sequence[str], request: PlanRequest, services: Services
) -> Disclosure:
    """What a person is told of the plan; ends it if that cannot be shown."""
    typed = _typed(every, services)
    warnings = list(partly)
    if request.on_failure == "continue":
        warnings.append("It goes on where a call fails, with those that do not build on it.")
    try:
        return plan_disclosure(
            [_call(one, every, services) for one in every],
            project_of(every[0].checked, services),
            request.caller,
            title=request.title,
            warnings=warnings,
            typed=typed,
        )
    except NotShown as error:
        remedy = "Nothing was sent. Make smaller plans, with arguments that a person can read."
        raise Instead(Refused("not-shown", str(error), remedy)) from None


def _typed(every: Sequence[Judged], services: Services) -> str:
    """What a person has to type: the one name of all calls that need one, else the project's id."""
    names = {
        typed for one in every if (typed := must_type(one.checked, one.preview, services.project))
    }
    return next(iter(names)) if len(names) == 1 else services.project if names else ""


def _call(one: Judged, every: Sequence[Judged], services: Services) -> PlanCall:
    origins = (
        f"{path} is taken from {reference} when that has run."
        for path, reference in sorted(one.planned.pending.items())
    )
    after = {o.number: o.checked.operation.name for o in every if o.number in one.after}
    return PlanCall(
        one.number,
        one.planned.step.id,
        one.checked.operation,
        one.checked.given,
        one.checked.effect,
        one.checked.risk,
        one.checked.decision,
        one.preview,
        one.checked.changes,
        one.counts,
        way_back(one.checked, one.preview, services),
        tuple(origins),
        after,
    )


def _told(one: Judged) -> Ran:
    name = target_name(one.checked.operation, one.preview)
    operation, step = one.checked.operation.name, one.planned.step.id
    return Ran(one.number, step, operation, "not run", quoted(name) if name else "")

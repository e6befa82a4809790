"""What a call would hit, read and judged before it is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from descope_mcp.api import large_work
from descope_mcp.call.assessment import foreseen_reads, project_facts
from descope_mcp.call.assessment.examine import weighed
from descope_mcp.call.assessment.foreseen_reads import Noted
from descope_mcp.call.assessment.former_names import remembering
from descope_mcp.call.checked import Checked
from descope_mcp.call.outcome import Call, Failed, Instead, Refused
from descope_mcp.call.send import request
from descope_mcp.call.services import Services
from descope_mcp.call.target_lock import newest
from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.policy.decision import rests_on_names
from descope_mcp.guard.preview.comparison.merge import Merged, merge
from descope_mcp.guard.preview.failures import PreviewFailed, TargetMissing
from descope_mcp.guard.preview.ordered_gather import gather
from descope_mcp.guard.preview.preview import NOTHING_SEEN, Preview, SomeMissing, look
from descope_mcp.guard.preview.read_budget import Reader, thrifty
from descope_mcp.guard.preview.recipe_values import Scope
from descope_mcp.guard.preview.rights.named_roles import PlannedCall
from descope_mcp.guard.preview.rights.permission_change import Rights
from descope_mcp.guard.preview.rights.role_permissions import rights
from descope_mcp.guard.preview.standing import UNMARKED, Standing, at_stake, standing
from descope_mcp.telemetry.stages import stage

#: Makes a reader of another: one that is bounded, or knows more.
Around = Callable[[Reader], Reader]


class Seen(NamedTuple):
    """What a call would hit, how it is judged, and the newest entry of the journal before that."""

    preview: Preview
    checked: Checked
    read: Noted
    since: int


async def see(
    call: Call,
    checked: Checked,
    services: Services,
    around: Around = thrifty,
    *,
    marking: bool = True,
) -> Seen:
    """Read what a call would hit, fill in what it leaves out, and judge it by what it changes.

    `around` bounds the reads, and may know some answers already; with `marking` it is read besides
    what marks those whom the call hits.

    Raises:
        Instead: that cannot be seen, or the call is denied.
    """
    operation = checked.operation
    since = await newest(services)
    bounded = around(preview_reader(call, checked, services))
    read = Noted(bounded)
    # A person who is asked is shown the counts, and an answer is for what was shown.
    counting = checked.decision.action == "confirm" and not call.consent
    asking = counting and not call.approval
    looking: list[Callable[[], Awaitable[Any]]]
    looking = [partial(_look, checked, services, read, counting=counting)]
    looking += [partial(project_facts.learn, services)] if asking else []
    if call.approval:
        looking += [foreseen_reads.asked_again(call, checked.size, services, bounded)]
    marks = bounded if asking and marking else None
    with stage("preview"):
        preview = (await gather(looking))[0]
        merging = (merge, operation, checked.given, preview.target)
        merged = await large_work.run(checked.size, *merging)
        preview = await _marked(checked, preview, merged, services, read, marks)
        by_name = rests_on_names(operation, services.policy)
        preview = await remembering(preview, services) if by_name else preview
    judged = await large_work.run(checked.size, _weigh, call, checked, preview, merged, services)
    if judged.decision.action == "confirm" != checked.decision.action:
        # Only what it hits shows that a person has to be asked: then they are shown all of it.
        asked = replace(checked, decision=judged.decision)
        return await see(call, asked, services, around, marking=marking)
    if judged.decision.action == "confirm" and not (call.consent or by_name):
        preview = await remembering(preview, services)
    return Seen(preview, judged, read, since)


async def unseen(
    call: Call, checked: Checked, services: Services, around: Around = thrifty
) -> Seen:
    """Judge a call whose target is not there before another call has run: by the worst case.

    Raises:
        Instead: it is denied, or what its roles bring cannot be seen.
    """
    read = Noted(around(preview_reader(call, checked, services)))
    preview = Preview(Scope(checked.arguments, None, services.project))
    planned = PlannedCall(checked.operation, checked.given, preview)
    preview = replace(preview, rights=await _rights(checked, planned, services, read))
    judged = weighed(call, checked, services, checked.given, None, preview)
    return Seen(preview, judged, read, 0)


def preview_reader(call: Call, checked: Checked, services: Services) -> Reader:
    """Runs the reads of a preview as part of the call."""

    async def read(operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
        await call.progress(f"Reading what the call would hit: {operation.title}")
        options = {"repeatable": True, "caller": call.caller}
        return (await request(checked, services, operation, arguments, **options)).data

    return read


async def _look(checked: Checked, services: Services, read: Reader, *, counting: bool) -> Preview:
    """The before-state. A call can do without that asks nobody, loses nothing and is anybody's."""
    operation, given, project = checked.operation, checked.arguments, services.project
    needed = checked.decision.action == "confirm" or operation.update == "replace"
    needed = needed or operation.may_overwrite or rests_on_names(operation, services.policy)
    try:
        return await look(services.catalog, operation, given, project, read, counting=counting)
    except TargetMissing as error:
        if not needed:
            return error.rest if isinstance(error, SomeMissing) else NOTHING_SEEN
        message = f"The target was not found. {error}"
        remedy = "Search for it and call again."
        raise Instead(Failed("target_missing", message, remedy)) from None
    except PreviewFailed as error:
        if not needed:
            return NOTHING_SEEN
        message = f"Nobody can be shown what {operation.name} would hit. {error}"
        remedy = "Correct what keeps the read from working, then call again."
        raise Instead(Refused("preview", message, remedy)) from None


async def _marked(
    checked: Checked,
    preview: Preview,
    merged: Merged,
    services: Services,
    read: Reader,
    marks: Reader | None,
) -> Preview:
    """The preview with what roles bring and, for a person, what marks those whom the call hits.

    `marks` reads these, if they are wanted.
    """

    async def marked() -> Standing:
        if marks is None:
            return UNMARKED
        found = await standing(services.catalog, preview.target, marks)
        return at_stake(checked.operation, checked.given, found)

    planned = PlannedCall(checked.operation, checked.given, preview, merged.arguments)
    found: list[Any] = await gather([partial(_rights, checked, planned, services, read), marked])
    return replace(preview, rights=found[0], standing=found[1])


async def _rights(
    checked: Checked, planned: PlannedCall, services: Services, read: Reader
) -> Rights:
    """What the roles that the call names bring."""
    operation, asked = checked.operation, checked.decision.action == "confirm"
    try:
        return await rights(services.catalog, [planned], read, asked=asked)
    except PreviewFailed as error:
        message = f"Nobody can be shown what the roles of {operation.name} bring. {error}"
        remedy = "Correct what keeps the read from working, then call again."
        raise Instead(Refused("preview", message, remedy)) from None


def _weigh(
    call: Call, checked: Checked, preview: Preview, merged: Merged, services: Services
) -> Checked:
    """The call with what it left out filled in, and judged by what becomes different."""
    operation = checked.operation
    try:
        arguments = check(operation, merged.arguments)
    except InvalidArguments as error:
        message = f"What {operation.name} leaves out cannot be kept: {'; '.join(error.problems)}."
        remedy = "Nothing was sent. Give these arguments, or replace: true to send it as it is."
        raise Instead(Refused("merge", message, remedy)) from None
    return weighed(call, checked, services, arguments, merged.changes, preview)

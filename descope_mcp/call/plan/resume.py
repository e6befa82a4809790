"""Going on with a plan that was left: with those of its calls that certainly did not run."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from typing import Any

from anyio.to_thread import run_sync

from descope_mcp.call.outcome import Instead, Refused
from descope_mcp.call.plan import record
from descope_mcp.call.plan.outcome import Place, PlanRequest
from descope_mcp.call.plan.references import Reference, Unresolved, resolved, written
from descope_mcp.call.plan.steps import LONGEST_ID
from descope_mcp.call.services import Services
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.journal.entry import Entry
from descope_mcp.store.store import Store


async def rest(request: PlanRequest, services: Services) -> PlanRequest:
    """The request for what is left of a plan: its calls as they were resolved, as steps.

    Raises:
        Instead: there is no such plan, it is not known any more, or nothing is left of it.
        StoreError: the journal cannot be read.
    """
    own, project = services.own_calls, services.project
    look = partial(record.found, services.store, project, request.resume, own)
    entry, details, calls = await run_sync(look)
    if await run_sync(record.at_work, services.store, entry, calls):
        message = "The process that began the plan is still at it."
        raise Instead(Refused("running", message, "Nothing was sent. Wait until it has ended."))
    if entry.undone_by:
        message = f"It was undone, or is just being undone, by plan {entry.undone_by[:8]}."
        raise Instead(Refused("undone", message, "Nothing was sent. Make a new plan."))
    if "calls" not in details:
        message = "What the plan was to do is no longer kept."
        raise Instead(Refused("forgotten", message, "Nothing was sent. Make a new plan."))
    left = unrun(details["calls"], calls)
    if not left:
        message = f"Nothing is left of plan {entry.call[:8]}: every call of it was sent."
        remedy = "`descope-mcp plan show` tells what became of them."
        raise Instead(Refused("nothing-left", message, remedy))
    title = request.title or details.get("title", "")
    on_failure = details.get("onFailure", "stop")
    several = _repeated(details["calls"])
    ids = {one["number"]: _own_id(one) if one["step"] in several else one["step"] for one in left}
    answers = _Answers(
        await run_sync(_taken, services.store, details["calls"], calls), {*ids.values()}
    )
    steps = [
        {
            "id": ids[one["number"]],
            "operation": one["operation"],
            "arguments": _with_answers(one, answers),
        }
        for one in left
    ]
    places = {
        step["id"]: Place(
            one["number"],
            one.get("undoes", ""),
            (one["back"][0], one["back"][1]) if "back" in one else None,
            one.get("alone", False),
        )
        for step, one in zip(steps, left, strict=True)
    }
    return replace(
        request,
        steps=steps,
        title=title,
        on_failure=on_failure,
        resume=entry.call,
        undoes=entry.undoes,
        places=places,
    )


def unrun(planned: list[dict[str, Any]], calls: list[Entry]) -> list[dict[str, Any]]:
    """The calls of a plan that certainly did not run; none if only reads are among them."""
    sent = {entry.number for entry in calls if not _did_not_run(entry)}
    left = [call for call in planned if call["number"] not in sent]
    return left if any(call["effect"] != "read" for call in left) else []


def _did_not_run(entry: Entry) -> bool:
    """Whether a call was not sent, or was refused by Descope for what it said."""
    refused = entry.result == "failed" and entry.reason.startswith("4")
    return refused or (entry.result == "not_sent" and entry.settled)


class _Answers:
    """What the calls that ran have answered, as far as others take from it."""

    def __init__(self, taken: Mapping[tuple[str, str], str], still: AbstractSet[str]) -> None:
        """Values by step and path, and the steps that are still to run."""
        self._taken, self._still = taken, still

    def __call__(self, reference: Reference) -> str:
        """What a reference leads to.

        Raises:
            KeyError: its step is still to run.
            Unresolved: nobody has it any more.
        """
        if reference.origin in self._still:
            raise KeyError(reference.origin)
        place = (reference.origin, reference.path)
        if place not in self._taken:
            raise Unresolved(f"{reference} is no longer known")
        return self._taken[place]


def _taken(
    store: Store, planned: list[dict[str, Any]], calls: list[Entry]
) -> dict[tuple[str, str], str]:
    """What calls have answered that others take, by step and path.

    Raises:
        StoreError: the journal cannot be read.
    """
    steps = {one["number"]: one["step"] for one in planned}
    found: dict[tuple[str, str], str] = {}
    for entry in calls:
        if entry.result == "done" and entry.number in steps:
            _, kept = journal.detail(store, entry.call)
            values = (kept or {}).get("taken", {})
            found |= {(steps[entry.number], path): value for path, value in values.items()}
    return found


def _with_answers(call: Mapping[str, Any], answers: _Answers) -> Any:
    """The arguments of a call, with what those that ran have answered.

    Raises:
        Instead: an answer is no longer known.
    """
    try:
        return written(resolved(call["arguments"], answers))
    except Unresolved as error:
        message = f"Step {call['step']}: {error}."
        remedy = "Nothing was sent. Read what was made, and make a new plan of what is left."
        raise Instead(Refused("forgotten", message, remedy)) from None


def _own_id(call: dict[str, Any]) -> str:
    """An id for one of several calls of a step."""
    number = f"-{call['number']}"
    return f"{call['step'][: LONGEST_ID - len(number)]}{number}"


def _repeated(planned: list[dict[str, Any]]) -> set[str]:
    """The steps that have several calls."""
    steps = [one["step"] for one in planned]
    return {step for step in steps if steps.count(step) > 1}

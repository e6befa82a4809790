"""A tool call: which tool, its arguments, and what the agent gets of the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import jsonschema_rs
import mcp_types as types
from anyio.to_thread import run_sync
from mcp.shared.exceptions import MCPError

from descope_mcp.api import large_work
from descope_mcp.call.outcome import (
    Call,
    Completed,
    Failed,
    NeedsConfirmation,
    Refused,
    Undo,
    Waiting,
)
from descope_mcp.call.plan.outcome import PlanChecked, PlanEnded, PlanRequest
from descope_mcp.call.plan.references import Unresolved, from_kept
from descope_mcp.call.services import Services
from descope_mcp.catalog import field_selection
from descope_mcp.catalog.arguments.validation import check, fit
from descope_mcp.catalog.field_selection import WrongFields
from descope_mcp.catalog.operation_record.effect import EFFECTS
from descope_mcp.server.answers import list_parts, tool_result
from descope_mcp.server.answers.continuation import OPERATION, View
from descope_mcp.server.answers.kept_answers import GONE
from descope_mcp.server.answers.size_limit import Answers
from descope_mcp.server.asking import ask_and_run, elicitation
from descope_mcp.server.asking.elicitation import Context
from descope_mcp.server.asking.waiting_calls import WaitingCalls
from descope_mcp.server.surface import panel
from descope_mcp.server.surface.offer import Offer
from descope_mcp.store.journal import unfinished_plans
from descope_mcp.telemetry.stages import stage

#: The arguments of a read in a kept answer: from where, and by what it is read again if it is gone.
_PART = {
    "type": "object",
    "properties": {
        "from": {"type": "integer", "minimum": 0},
        "of": {
            "type": "object",
            "properties": {
                "operation": {"type": "string", "maxLength": 100},
                "arguments": {"type": "object"},
                "fields": {"type": "string", "maxLength": field_selection.LONGEST},
            },
            "required": ["operation", "arguments"],
            "additionalProperties": False,
        },
        "digest": {"type": "string", "maxLength": 12},
    },
    "additionalProperties": False,
}
_PART_VALIDATOR = jsonschema_rs.Draft202012Validator(_PART)

Result = types.CallToolResult | types.InputRequiredResult


class ToolCall:
    """One call of a tool: of the hub, or of an operation by its own name."""

    def __init__(
        self,
        ctx: Context,
        params: types.CallToolRequestParams,
        services: Services,
        offer: Offer,
        answers: Answers,
        waiting: WaitingCalls,
    ) -> None:
        self._ctx, self._params = ctx, params
        self._services, self._offer, self._answers = services, offer, answers
        self._waiting = waiting

    async def result(self) -> Result:
        """What the client is answered.

        Raises:
            MCPError: there is no such tool.
        """
        name, arguments = self._params.name, self._params.arguments or {}
        if not self._offer.takes(name):
            if self._services.catalog.find(name) is None:
                from descope_mcp.call.assessment.examine import unknown

                why = unknown(name, self._services.catalog)
                told = f"Unknown tool: {why.message} {why.remedy}"
                raise MCPError(types.INVALID_PARAMS, told)
            return await self._run(Call(name, arguments, self._services.caller), View())
        fitted = partial(self._offer.fit, name, arguments)
        arguments, problems = await large_work.run(large_work.size(arguments), fitted)
        if problems:
            message = f"{name}: {'; '.join(problems)}."
            remedy = "Compare the arguments with the tool's input schema."
            return tool_result.failed(Failed("invalid_arguments", message, remedy))
        hub = self._offer.hub
        match name:
            case "descope_search":
                return hub.search(arguments)
            case "descope_describe":
                return hub.describe(arguments)
            case "descope_status":
                can_be_asked = elicitation.can_be_asked(self._ctx)
                return hub.status(can_be_asked=can_be_asked, left=await self._plans_left())
            case "descope_undo":
                undo = Undo(arguments["call"], self._services.caller, bool(arguments.get("anyway")))
                return await self._run(undo, View())
            case "descope_plan":
                return await self._run(self._plan(arguments), View())
        return await self._operation(name, arguments)

    async def _plans_left(self) -> list[str]:
        """The plans that the caller may go on with."""
        services = self._services
        own, project, store = services.own_calls, services.project, services.store
        return await run_sync(unfinished_plans.left_by, store, project, own)

    def _plan(self, arguments: Mapping[str, Any]) -> PlanRequest:
        caller = self._services.caller
        return PlanRequest(
            arguments.get("steps", []),
            caller,
            title=arguments.get("title", ""),
            check=bool(arguments.get("check")),
            on_failure=arguments.get("on_failure", "stop"),
            resume=arguments.get("resume", ""),
            kept=self._kept,
        )

    def _kept(self, name: str) -> Any:
        """An answer that the caller was shown a part of, None if it is gone."""
        scopes = self._services.principal.scopes
        kept = self._answers.shelf.find(self._services.caller, name, scopes)
        return kept.data() if kept else None

    async def _operation(self, name: str, arguments: Mapping[str, Any]) -> Result:
        """Run an operation through the tool of a class, or read on in a kept answer."""
        operation, inner = arguments["operation"], arguments.get("arguments")
        view = View(arguments.get("fields", ""), arguments.get("limit", 0))
        given = _as_object(inner)
        try:
            if view.fields:
                field_selection.check(view.fields)
            if name == "descope_read" and operation.startswith(OPERATION):
                kept = operation.removeprefix(OPERATION)
                return await self._part(kept, given, view)
            if given is not None:
                inner = given = from_kept(given, self._kept)
        except WrongFields as error:
            return _wrong_fields(error)
        except Unresolved as error:
            remedy = "Nothing was sent. Read again what the value is taken from."
            return tool_result.failed(Failed("invalid_arguments", f"{error}.", remedy))
        through = next(effect for effect in EFFECTS if name == f"descope_{effect}")
        found = self._services.catalog.find(operation)
        if found and given is not None:
            inner = list_parts.sized(found, given, view.limit)
        return await self._run(Call(operation, inner, self._services.caller, through), view)

    async def _run(self, request: Call | Undo | PlanRequest, view: View) -> Result:
        """Run a call, an undo or a plan; of the answer what `view` asks for."""
        outcome = await ask_and_run.run(
            self._ctx, self._params, self._services, request, self._waiting
        )
        match outcome:
            case types.InputRequiredResult():
                return outcome
            case Failed():
                return tool_result.failed(outcome)
            case Refused():
                return tool_result.refused(outcome)
            case Waiting():
                shown = panel.is_shown(self._ctx.session.client_capabilities)
                return tool_result.waiting(outcome, panel.meta(outcome) if shown else None)
            case NeedsConfirmation():
                message = "The call was confirmed and would have to be asked about again."
                return tool_result.refused(Refused("asked-again", message, "Nothing was sent."))
            case PlanEnded() | PlanChecked():
                # Loaded by the first plan.
                from descope_mcp.server.answers import plan_result

                return plan_result.shown(outcome)
        with stage("answer"):
            return await self._present(outcome, request, view)

    async def _present(
        self, outcome: Completed, request: Call | Undo | PlanRequest, view: View
    ) -> Result:
        suggested, given = [], None
        if isinstance(request, Call):
            # Who says which part of a read is wanted knows what it is for.
            if outcome.undo or not view.fields:
                suggested = tool_result.suggestions(self._services.catalog, outcome)
            given = _as_object(request.arguments)
            if outcome.operation.paging:
                # As they were sent: a page or a limit may have come as a text.
                size = large_work.size(request.arguments)
                given = await large_work.run(size, check, outcome.operation, request.arguments)
        first = partial(
            self._answers.first, outcome, given=given or {}, caller=self._services.caller
        )
        try:
            shown = await large_work.run(outcome.size, partial(first, view=view))
        except WrongFields as error:
            if outcome.undo is None:
                return _wrong_fields(error)
            # The change is made, whatever its answer was to be shown like.
            outcome = replace(outcome, notes=(*outcome.notes, str(error)))
            shown = first(view=View())
        return tool_result.completed(outcome, shown, suggested)

    async def _part(self, name: str, given: Mapping[str, Any] | None, view: View) -> Result:
        """A part of a kept answer, from where the arguments say; of one that is gone, read again.

        Raises:
            WrongFields: the fields cannot be made of this answer.
        """
        place, problems = fit(_PART, _PART_VALIDATOR, given)
        if given is None or problems:
            message = f"{OPERATION}: the arguments are from (a number), of and digest."
            remedy = "Call with part.next as it is."
            return tool_result.failed(Failed("invalid_arguments", message, remedy))
        view = replace(view, start=place.get("from", 0))
        own = (self._services.caller, self._services.principal.scopes)
        shown = await run_sync(self._answers.part, name, view, *own)
        of = place.get("of")
        if shown is None and of and not (view.fields and "fields" in of):
            call = Call(of["operation"], of["arguments"], self._services.caller, "read")
            fields, digest = of.get("fields", view.fields), place.get("digest", "")
            # Other fields than before make another list, which starts anew.
            view = replace(view, fields=fields, digest="" if view.fields else digest)
            return await self._run(call, view)
        if shown is None:
            return tool_result.failed(Failed("answer_gone", GONE, "Call its operation again."))
        return tool_result.part(shown, [])


def _as_object(inner: object) -> dict[str, Any] | None:
    """Arguments as an object, None if they are none; some clients send a JSON text."""
    if isinstance(inner, str):
        try:
            inner = json.loads(inner)
        except (ValueError, RecursionError):
            return None
    return {} if inner is None else dict(inner) if isinstance(inner, dict) else None


def _wrong_fields(error: WrongFields) -> types.CallToolResult:
    remedy = "Correct the expression, or leave it out."
    return tool_result.failed(Failed("invalid_arguments", str(error), remedy))

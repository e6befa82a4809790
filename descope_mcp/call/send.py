"""The requests of a call: with the secrets that handles stand for, and answers without any."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anyio import CancelScope

from descope_mcp.api import large_work
from descope_mcp.api.errors import ApiFailure
from descope_mcp.api.large_work import LARGE
from descope_mcp.api.request import Flight
from descope_mcp.call.checked import Checked
from descope_mcp.call.outcome import Call, Completed, Failed, Instead, failure, invalid
from descope_mcp.call.services import Services
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.wording import omissions
from descope_mcp.guard.secrets import handles
from descope_mcp.guard.secrets.untrusted_text import clean
from descope_mcp.store.secrets.handle import Owner
from descope_mcp.telemetry.stages import stage

if TYPE_CHECKING:
    from descope_mcp.api.response import Answer


async def with_handles(call: Call, checked: Checked, services: Services) -> Checked:
    """Look up what handles stand for, and make sure that a secret shown once could be kept.

    Raises:
        Instead: a handle opens nothing.
        StoreError: a secret could not be kept.
    """
    operation, owner = checked.operation, Owner(services.project, call.caller)
    try:
        named = await large_work.run(checked.size, handles.named, checked.arguments)
        opened = await handles.open_handles(
            operation, checked.arguments, named, services.store, owner
        )
    except InvalidArguments as error:
        raise Instead(invalid(error, _FRESH)) from None
    if operation.once:
        await handles.ready(services.store)
    return replace(checked, opened=opened) if opened else checked


async def request(
    checked: Checked,
    services: Services,
    operation: Operation,
    arguments: dict[str, Any],
    **options: Any,
) -> Answer:
    """One request with the values of its handles, which nothing that comes back repeats.

    `options` are those of `Client.run`.

    Raises:
        ApiFailure: it did not succeed.
    """
    spelled = handles.spellings(checked.operation, checked.opened)
    resolved = handles.resolve(operation, arguments, checked.opened)
    run = services.client.run
    answer = await run(operation, resolved, call_id=checked.id, hidden=tuple(spelled), **options)
    return replace(answer, data=handles.concealed(answer.data, spelled)) if spelled else answer


async def send(
    call: Call, checked: Checked, services: Services, flight: Flight | None = None
) -> Completed | Failed:
    """The one request of the call, and its answer without secrets."""

    async def waiting(seconds: float, reason: str) -> None:
        await call.progress(f"{reason}; trying again in {seconds:.1f} s")

    operation = checked.operation
    try:
        with stage("send"):
            answer = await request(
                checked,
                services,
                operation,
                checked.arguments,
                repeatable=checked.effect == "read",
                caller=call.caller,
                waiting=waiting,
                flight=flight,
            )
    except ApiFailure as error:
        return failure(error)
    owner = Owner(services.project, call.caller)
    large = answer.size > LARGE
    # What has been done is told as it was, also when the caller has gone.
    with nullcontext() if checked.effect == "read" else CancelScope(shield=True):
        put_away = handles.put_away(operation, answer.data, services.store, owner, large=large)
        sealed, problem = await put_away
        data, hidden = await large_work.run(answer.size, clean, sealed)
    taken = f"{hidden} invisible character(s) were taken out of the answer" if hidden else ""
    left_out = omissions.told(operation, checked.arguments, data)
    notes = (*filter(None, (problem, taken)), *left_out)
    return Completed(
        operation, data, checked.id, answer.partial, answer.cut, notes, size=answer.size
    )


_FRESH = "Get the secret again, and pass the handle on as it is."

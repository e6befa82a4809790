"""Calls of one step put together into the operation that takes several at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from anyio.to_thread import run_sync

from descope_mcp.call.plan.expansion import Planned
from descope_mcp.call.services import Services
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.record import Batch
from descope_mcp.guard.policy.rule import may_match
from descope_mcp.store.consent import grants


async def batched(calls: Sequence[Planned], services: Services) -> list[Planned]:
    """The calls of one step, as few as say the same; each keeps its place in the order.

    What somebody has said of the single operation, or of the one that takes several, in the policy
    file or by a grant, is about calls as they were written: then they stay so.

    Raises:
        StoreError: the grants cannot be read.
    """
    operation = calls[0].step.operation if calls else None
    batch = operation.batch if operation else None
    if not (operation and batch and len(calls) > 1) or any(call.pending for call in calls):
        return list(calls)
    together = services.catalog[batch.operation]
    if any(may_match(r, o) for r in services.policy.rules for o in (operation, together)):
        return list(calls)
    if await run_sync(partial(_granted, operation, services)):
        return list(calls)
    taken = together.input_schema["properties"]
    groups: dict[str, list[Planned]] = {}
    for call in calls:
        shared = _shared(call.arguments, batch)
        if shared is None or not shared.keys() <= taken.keys():
            return list(calls)
        groups.setdefault(json.dumps(shared, sort_keys=True, default=str), []).append(call)
    made = [
        _together(chunk, batch, together)
        for group in groups.values()
        for chunk in (group[at : at + batch.most] for at in range(0, len(group), batch.most))
    ]
    first = calls[0].number
    return [replace(call, number=first + place) for place, call in enumerate(made)]


def _shared(arguments: Mapping[str, Any], batch: Batch) -> dict[str, Any] | None:
    """What calls that go together have in common; None of one that cannot go with others."""
    if not batch.each:
        return {}
    if batch.each not in arguments:
        return None
    return {name: value for name, value in arguments.items() if name != batch.each}


def _together(calls: Sequence[Planned], batch: Batch, operation: Operation) -> Planned:
    """One call for several; one alone stays as it is."""
    first = calls[0]
    if len(calls) == 1:
        return first
    elements = [call.arguments[batch.each] if batch.each else call.arguments for call in calls]
    arguments = {**(_shared(first.arguments, batch) or {}), batch.into: elements}
    return replace(first, step=replace(first.step, operation=operation), arguments=arguments)


def _granted(operation: Operation, services: Services) -> bool:
    """Whether somebody has allowed the single operation ahead."""
    known = grants.listed(services.store, services.project)
    return any(grant.usable and grant.operation == operation.name for grant in known)

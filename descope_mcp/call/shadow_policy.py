"""Another policy that watches: what it would decide is written down and counts for nothing."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from descope_mcp.call.outcome import Call
from descope_mcp.call.services import Services
from descope_mcp.guard.policy.decision import Decision, decide
from descope_mcp.store.errors import StoreError
from descope_mcp.store.shadow_log import Difference, append

if TYPE_CHECKING:
    from descope_mcp.call.checked import Checked


async def note(call: Call, checked: Checked, services: Services) -> None:
    """Write down what the shadow policy would have decided on a call, if it is something else.

    It looks at the same risk as the policy that counts. The answer to a question is no new call.
    A difference that cannot be written is lost; no call fails for it.
    """
    shadow = services.shadow
    if shadow is None or call.approval or call.consent:
        return
    operation, project = checked.operation, services.project
    arguments, risk, names = checked.arguments, checked.risk, checked.names
    would = decide(
        operation, arguments, services.calling(call.caller), project, risk, shadow, names
    )
    if said(would) == said(checked.decision):
        return
    difference = Difference(
        at=time.time(),
        call=checked.id,
        project=project,
        caller=call.caller,
        operation=operation.name,
        effect=checked.effect,
        arguments=tuple(sorted(checked.given)),
        decided=said(checked.decision),
        rule=checked.decision.rule,
        would=said(would),
        other_rule=would.rule,
        policy=shadow.source,
    )
    try:
        await run_sync(partial(append, services.store.directory, difference))
    except StoreError:
        return


def said(decision: Decision) -> str:
    """What a decision comes to: allow, confirm, confirm with the name typed, or deny."""
    return f"{decision.action}, name typed" if decision.typed else decision.action

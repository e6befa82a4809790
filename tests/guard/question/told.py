"""What a person would be told of a made-up call."""

from __future__ import annotations

from typing import Any

from descope_mcp.guard.policy.decision import Decision
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.preview.comparison.difference import Change
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.recipe_values import Scope
from descope_mcp.guard.question.compose.call import disclose
from descope_mcp.guard.question.question_data import Disclosure, Project
from descope_mcp.guard.question.renderers.mcp_form import message
from tests.guard.build import operation

ASKS = Decision("confirm", "destructive", "It deletes something.")


def told(
    given: dict[str, Any] | None = None,
    found: tuple[Any, ...] = (),
    /,
    *,
    counts: tuple[Tally, ...] = (),
    changes: tuple[Change, ...] | None = None,
    risk: Risk | None = None,
    typed: str = "",
    **facts: Any,
) -> Disclosure:
    """The disclosure of a call of an operation with these `facts`."""
    given = given or {}
    before = found[0] if found else None
    return disclose(
        operation(**facts),
        given,
        risk=risk or Risk("destructive", ()),
        decision=ASKS,
        preview=Preview(Scope(given, before, "P1"), found),
        project=Project('"P1"'),
        caller="agent",
        changes=changes,
        counts=counts,
        typed=typed,
    )


def lines(*call: Any, **facts: Any) -> list[str]:
    """The lines of its form."""
    return message(told(*call, **facts)).split("\n")

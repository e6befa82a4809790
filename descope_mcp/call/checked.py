"""A call whose arguments fit and which is not denied, as the rest of the path takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import Effect, worse
from descope_mcp.guard.policy.decision import Decision
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.preview.comparison.difference import Change
from descope_mcp.guard.preview.target_names import KnownNames
from descope_mcp.store.secrets.handle import Opened


@dataclass(frozen=True, slots=True)
class Checked:
    """A call that makes sense and is not denied: what it would do, and what the policy says.

    ``given`` are the arguments of the caller, ``arguments`` those to send. Both hold handles;
    ``opened`` is what they stand for, for the requests alone. ``changes`` is what becomes
    different and ``names`` are those of its targets, None as long as the before-state is not known.
    ``size`` is that of the arguments.
    """

    id: str
    operation: Operation
    given: dict[str, Any]
    arguments: dict[str, Any]
    risk: Risk
    decision: Decision
    changes: tuple[Change, ...] | None = None
    names: KnownNames | None = None
    opened: Mapping[str, Opened] = field(default_factory=dict, repr=False)
    size: int = 0

    @property
    def effect(self) -> Effect:
        """The class of the call: its operation's, or worse if its arguments make it so."""
        return worse(self.operation.effect, self.risk.effect)

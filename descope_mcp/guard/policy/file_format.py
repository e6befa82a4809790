"""The form of a policy file: which keys it has and what may stand there."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from descope_mcp.catalog.arguments.meanings import Meaning
from descope_mcp.catalog.frozen_model import Frozen
from descope_mcp.catalog.operation_record.effect import Effect, Hazard
from descope_mcp.guard.policy.decision import ASK_FROM, Place
from descope_mcp.guard.policy.quorum import MOST
from descope_mcp.guard.policy.rule import Action

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def _listed(value: Any) -> Any:
    """One value or a list of them, as a list."""
    return value if isinstance(value, list) else [value]


def _pattern(value: Any) -> str:
    """A pattern as text; true and 5 may stand as they are."""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value) if isinstance(value, int) else value
    if not isinstance(text, str) or not text:
        raise ValueError("write a text, which may hold * and ?")
    # fnmatch takes a bracket that nothing closes for the character itself.
    if "[" in re.sub(r"\[!?\]?[^\]]*\]", "", text):
        raise ValueError(f"close the bracket in {text}, or write [[] for the bracket itself")
    return text


def _duration(value: Any) -> int:
    """``15m`` in seconds."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})([smhd])", value) if isinstance(value, str) else None
    if not found:
        raise ValueError('write a number and a unit, like "30s", "15m", "1h" or "7d"')
    return int(found[1]) * _SECONDS[found[2]]


def _flat(value: Any) -> Any:
    """Tables in tables as dotted paths: TOML reads an unquoted ``user.email`` as two tables."""
    if not isinstance(value, dict):
        return value
    out: dict[str, Any] = {}
    for name, inner in value.items():
        below = {f"{name}.{key}": v for key, v in _flat(inner).items()} if _table(inner) else {}
        out |= below or {name: inner}
    return out


def _table(value: Any) -> bool:
    return isinstance(value, dict)


def _claim(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", value):
        raise ValueError(
            f"{value} is not the name of a claim; write roles, tenant, email or the like"
        )
    return value


def _project_id(value: str) -> str:
    if not re.fullmatch(r"P[0-9A-Za-z]{20,63}", value):
        raise ValueError(
            f"{value} is not a project id; it begins with P (Descope console, Project)"
        )
    return value


Patterns = Annotated[
    tuple[Annotated[str, BeforeValidator(_pattern)], ...],
    BeforeValidator(_listed),
    Field(min_length=1),
]
Effects = Annotated[frozenset[Effect], BeforeValidator(_listed), Field(min_length=1)]
Hazards = Annotated[frozenset[Hazard], BeforeValidator(_listed), Field(min_length=1)]
Count = Annotated[int, Field(strict=True, ge=1)]
Claim = Annotated[str, BeforeValidator(_claim)]
ProjectId = Annotated[str, BeforeValidator(_project_id)]
Line = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class RuleTable(Frozen):
    """One ``[[rule]]``: conditions, what is decided, and how often.

    A condition is one value or a list of which one fits. ``operation`` holds names or patterns of
    names, ``who`` maps claims of the caller to patterns, ``arguments`` dotted paths; ``roles`` and
    the like hold for every argument of that meaning, ``target`` for every name of what a call
    hits. ``calls`` and ``items`` bound what the rule lets through in the time ``per``. Where the
    rule asks, ``approvals`` different people have to say yes, with ``four_eyes`` not the one whom
    the agent acts for.
    """

    decision: Action
    operation: Patterns | None = None
    toolset: Patterns | None = None
    effect: Effects | None = None
    hazard: Hazards | None = None
    caller: Patterns | None = None
    who: dict[Claim, Patterns] = Field(default_factory=dict)
    project: Patterns | None = None
    roles: Patterns | None = None
    permissions: Patterns | None = None
    tenants: Patterns | None = None
    hosts: Patterns | None = None
    recipients: Patterns | None = None
    claims: Patterns | None = None
    target: Patterns | None = None
    arguments: Annotated[dict[str, Patterns], BeforeValidator(_flat)] = Field(default_factory=dict)
    reason: Line = ""
    calls: Count | None = None
    items: Count | None = None
    per: Annotated[int | None, BeforeValidator(_duration)] = None
    approvals: Annotated[int, Field(strict=True, ge=1, le=MOST)] | None = None
    four_eyes: Annotated[bool, Field(strict=True)] | None = None

    @property
    def meanings(self) -> dict[Meaning, tuple[str, ...]]:
        """The patterns by what they are about, where there are any."""
        written: dict[Meaning, tuple[str, ...] | None] = {
            "roles": self.roles,
            "permissions": self.permissions,
            "tenants": self.tenants,
            "hosts": self.hosts,
            "recipients": self.recipients,
            "claims": self.claims,
        }
        return {meaning: patterns for meaning, patterns in written.items() if patterns}


class PolicyTable(Frozen):
    """A whole policy file: the projects that are production, and the rules in their order.

    An ordinary change of ``ask_from`` items or more asks. ``long_documents`` is where a person is
    asked about documents whose difference is longer than a screen.
    """

    production: tuple[ProjectId, ...] = ()
    ask_from: Count = ASK_FROM
    long_documents: Place = "form"
    rule: tuple[RuleTable, ...] = ()

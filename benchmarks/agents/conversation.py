"""A scripted conversation: the tool calls by which a capable agent did a task, as data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

_HERE = Path(__file__).parent
CONVERSATIONS = _HERE / "conversations"
BUDGETS = _HERE / "budgets.yaml"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(_Frozen):
    """One tool call.

    ``call`` is the tool without ``descope_``, ``given`` its arguments, in which ``${name}`` stands
    for what an earlier step kept. ``person`` is what a person who is asked does. ``keep`` names
    parts of the structured result, ``expect`` says what they have to be, both by JMESPath.
    ``error`` is the kind of error or the rule that the call ends with.
    """

    call: str
    given: dict[str, Any] = Field(default_factory=dict)
    person: Literal["yes", "no"] | None = None
    keep: dict[str, str] = Field(default_factory=dict)
    expect: dict[str, Any] = Field(default_factory=dict)
    error: str = ""


class Conversation(_Frozen):
    """A task as somebody puts it, and the steps that do it."""

    task: str
    steps: tuple[Step, ...]


class Budget(_Frozen):
    """The most that a task may cost: calls, and what a model reads of their text form."""

    calls: int
    characters: int
    tokens: int


def conversations() -> Iterator[tuple[str, Conversation]]:
    """Every conversation with the kind of use that it is of."""
    for file in sorted(CONVERSATIONS.glob("*.yaml")):
        for raw in yaml.safe_load(file.read_text("utf-8")):
            yield file.stem, Conversation.model_validate(raw)


def budgets() -> dict[str, Budget]:
    """The recorded budgets, by task."""
    raw = yaml.safe_load(BUDGETS.read_text("utf-8")) if BUDGETS.exists() else {}
    return {task: Budget.model_validate(one) for task, one in raw.items()}


def record(costs: dict[str, Budget]) -> None:
    """Write what was measured as the budgets from now on."""
    told = {task: cost.model_dump() for task, cost in costs.items()}
    head = "# The most that each task may cost; written by `python -m benchmarks.agents --renew`.\n"
    BUDGETS.write_text(head + yaml.safe_dump(told, sort_keys=False, width=100), "utf-8")

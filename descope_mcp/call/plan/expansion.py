"""From the steps of a plan to its single calls: references resolved, one call for each element."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from descope_mcp.call.plan.references import (
    KEPT,
    Reference,
    Unresolved,
    filled,
    pending,
    resolved,
    selected,
)
from descope_mcp.call.plan.steps import MOST_CALLS, Step
from descope_mcp.guard.question.quoting import quoted


@dataclass(frozen=True, slots=True)
class Planned:
    """One call of a plan. In ``arguments`` a `Reference` stands for what is not known yet.

    ``undoes`` is the journalled call that it takes back, ``back`` which of how many calls that do
    so it is, ``alone`` says that no other may have done the same before.
    """

    number: int
    step: Step
    arguments: Mapping[str, Any]
    undoes: str = ""
    back: tuple[int, int] | None = None
    alone: bool = False

    @property
    def pending(self) -> dict[str, Reference]:
        """What is not known yet, by the paths of the arguments."""
        return dict(pending(self.arguments))

    @property
    def shown(self) -> dict[str, Any]:
        """The arguments with words in place of what is not known yet."""
        words: dict[str, Any] = filled(self.arguments, word_for)
        return words


class Known:
    """The answers that a plan can take from: those of its steps, and those that were kept."""

    def __init__(self, kept: Callable[[str], Any]) -> None:
        self._kept = kept
        self._answers: dict[str, Any] = {}
        self._taken: dict[Reference, Any] = {}

    def __setitem__(self, step: str, answer: Any) -> None:
        self._answers[step] = answer

    def __call__(self, reference: Reference) -> Any:
        """What a reference leads to; worked out once, however many calls take it.

        Raises:
            KeyError: its answer is not known yet.
            Unresolved: it leads to nothing.
        """
        if reference not in self._taken:
            self._taken[reference] = selected(self._answer(reference.origin), reference)
        return self._taken[reference]

    def _answer(self, origin: str) -> Any:
        if not origin.startswith(KEPT):
            return self._answers[origin]
        found = self._kept(origin.removeprefix(KEPT))
        if found is None:
            raise Unresolved(f"{quoted(origin)} is not kept (any more)")
        return found


def expanded(step: Step, known: Known, first: int) -> Iterator[Planned]:
    """The calls of a step, numbered from `first` on.

    Raises:
        Unresolved: a reference leads to nothing, or the elements are not known or too many.
    """
    if step.each is None:
        yield Planned(first, step, resolved(step.arguments, known))
        return
    elements = resolved(step.each, known)
    if isinstance(elements, Reference):
        raise Unresolved(
            f"for_each takes from step {elements.origin}, whose answer nobody has before the plan "
            "runs; only a read that does not build on a change can be taken from here"
        )
    if not isinstance(elements, list):
        raise Unresolved("for_each leads to no list")
    if first - 1 + len(elements) > MOST_CALLS:
        more = f"{len(elements):,} calls come of it"
        raise Unresolved(f"{more}, and a plan has at most {MOST_CALLS} in all; make several plans")
    for number, element in enumerate(elements, first):
        if element is None:
            raise Unresolved(f"element {number - first + 1} of for_each is nothing")
        yield Planned(number, step, resolved(step.arguments, known, element))


def word_for(one: Reference) -> str:
    """What stands for a value that is not known yet."""
    return f"({one.origin}: {_plain(one)})"


def _plain(one: Reference) -> str:
    """A path without what could not stand in the path of a request."""
    return "".join(c if c.isalnum() or c in "._-[]" else " " for c in one.path) or "answer"

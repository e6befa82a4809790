"""The steps of a plan as they were written, read and checked on their own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from descope_mcp.call.assessment.examine import unknown
from descope_mcp.call.outcome import Failed, Instead, Outcome, Refused
from descope_mcp.call.plan.references import (
    EACH,
    KEPT,
    Reference,
    Unresolved,
    reference,
    references,
    takes_element,
)
from descope_mcp.catalog import field_selection
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.field_selection import WrongFields
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.question.quoting import quoted

#: So many steps can be written, and so many calls can come of them.
MOST_CALLS = 200
#: So many faults are told at once.
_MOST_FAULTS = 20
#: The longest id of a step.
LONGEST_ID = 40
_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{LONGEST_ID - 1}}}")
_KEYS = ("id", "operation", "arguments", "for_each")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it calls, with references among the arguments, and for each of what."""

    id: str
    operation: Operation
    arguments: Mapping[str, Any]
    each: Any = None

    @property
    def takes_from(self) -> frozenset[Reference]:
        """Every answer that it takes something from."""
        return frozenset([*references(self.arguments), *references(self.each)])


@dataclass(slots=True)
class Faults:
    """What is wrong with a plan: all of it is told at once."""

    found: list[str]
    denied: str = ""
    elsewhere: Failed | None = None

    def add(self, step: str, outcome: Outcome | str) -> None:
        """Note why a step cannot be."""
        if isinstance(outcome, Refused):
            self.denied = self.denied or outcome.rule
        if isinstance(outcome, Failed) and not outcome.is_of_the_call:
            self.elsewhere = self.elsewhere or outcome
        why = outcome.message if isinstance(outcome, (Failed, Refused)) else str(outcome)
        said = f"step {step}: {why.rstrip('.')}"
        if said not in self.found:
            self.found.append(said)

    def end(self) -> None:
        """End the plan if there are any.

        Raises:
            Instead: with what is wrong.
        """
        if not self.found:
            return
        more = len(self.found) - _MOST_FAULTS
        told = "; ".join([*self.found[:_MOST_FAULTS], *([f"{more} more"] if more > 0 else [])])
        message, remedy = f"The plan was not run: {told}.", "Nothing was sent. Correct the steps."
        if self.denied:
            raise Instead(Refused(self.denied, message, remedy))
        if self.elsewhere:
            remedy = f"Nothing was sent. {self.elsewhere.remedy}".rstrip()
            raise Instead(replace(self.elsewhere, message=message, remedy=remedy))
        raise Instead(Failed("invalid_arguments", message, remedy))


def parsed(given: object, catalog: Catalog, kept: Callable[[str], Any]) -> list[Step]:
    """The steps of a plan.

    Args:
        given: a list of objects, or a JSON text of one.
        catalog: of operations.
        kept: finds an earlier answer by its name.

    Raises:
        Instead: with every fault that can be seen in them.
    """
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            given = None
    faults, steps = Faults([]), list[Step]()
    if not isinstance(given, list) or not given:
        faults.add("1", f"steps are a list of objects with {', '.join(_KEYS)}")
        given = []
    elif len(given) > MOST_CALLS:
        faults.add(str(MOST_CALLS + 1), f"a plan has at most {MOST_CALLS} steps")
    faults.end()
    names = [_name(one, number) for number, one in enumerate(given, 1)]
    known: dict[str, int] = {}
    for number, (name, one) in enumerate(zip(names, given, strict=True), 1):
        try:
            step = _step(name, one, catalog)
            for problem in _problems(step, known, names, kept):
                faults.add(name, problem)
            steps.append(step)
        except Unresolved as error:
            faults.add(name, str(error))
        except Instead as instead:
            faults.add(name, instead.outcome)
        if name in known:
            faults.add(name, f"steps {known[name]} and {number} have the same id")
        known[name] = number
    faults.end()
    return steps


def _name(given: object, number: int) -> str:
    """The id of a step; its number, where it has none or an impossible one."""
    name = given.get("id") if isinstance(given, Mapping) else None
    return name if isinstance(name, str) and _ID.fullmatch(name) else str(number)


def _step(name: str, given: object, catalog: Catalog) -> Step:
    """A step by itself.

    Raises:
        Unresolved: it has not the form.
        Instead: it calls nothing.
    """
    if not isinstance(given, Mapping):
        raise Unresolved(f"a step is an object with {', '.join(_KEYS)}")
    if more := [str(key)[:40] for key in given if key not in _KEYS]:
        raise Unresolved(f"a step has no {quoted(more[0])}, only {', '.join(_KEYS)}")
    if given.get("id") is not None and given["id"] != name:
        raise Unresolved(f"an id has letters, digits, _ and -, at most {LONGEST_ID}")
    called, arguments = given.get("operation"), given.get("arguments")
    if not isinstance(called, str):
        raise Unresolved("operation is the name of one")
    operation = catalog.find(called)
    if operation is None:
        raise Instead(unknown(called, catalog))
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            raise Unresolved("arguments are an object") from None
    if not isinstance(arguments, (Mapping, type(None))):
        raise Unresolved("arguments are an object")
    return Step(name, operation, dict(arguments or {}), given.get("for_each"))


def _problems(
    step: Step, known: Mapping[str, int], names: list[str], kept: Callable[[str], Any]
) -> Iterator[str]:
    """What is wrong with the references of a step."""
    if not isinstance(step.each, (list, type(None))) and reference(step.each) is None:
        yield "for_each takes a list, or a reference to one"
    if takes_element(step.each):
        yield f"{EACH} cannot stand in for_each itself"
    if step.each is not None and not takes_element(step.arguments):
        yield f"with for_each, {EACH} stands somewhere in the arguments"
    for one in sorted(step.takes_from, key=str):
        name = one.origin
        if one.path:
            try:
                field_selection.check(one.path)
            except WrongFields as error:
                yield f"path: {str(error).removeprefix('fields: ')}"
        if name.startswith(KEPT):
            if kept(name.removeprefix(KEPT)) is None:
                yield f"{quoted(name)} is not kept (any more)"
        elif name not in known:
            later = " before it" if name in names else ""
            yield f"there is no step {quoted(name)}{later} to take from"

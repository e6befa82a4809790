"""Undo: the calls that bring back what an operation changed, from what was read before it.

Nothing here reads or sends. What cannot be brought back is named, never guessed: a call whose
needed values are not known is left out, and so is every secret (it was sealed when it was read).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from descope_mcp.catalog.arguments.problem_text import cut
from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.recipe import Restore
from descope_mcp.catalog.recipe_reference import LIKE, all_in
from descope_mcp.guard.preview.comparison.before_state import fitted
from descope_mcp.guard.preview.comparison.difference import UNKNOWN
from descope_mcp.guard.preview.preview import by_read
from descope_mcp.guard.preview.recipe_values import (
    ABSENT,
    Scope,
    as_list,
    is_difference,
    matching,
    resolve,
)
from descope_mcp.guard.restore import step_order
from descope_mcp.guard.restore.old_values import old_values
from descope_mcp.guard.restore.step_order import Made


@dataclass(frozen=True, slots=True)
class Step:
    """One call of an undo: an operation's name and its checked arguments.

    ``after`` are the numbers of the calls of the plan that have to have run before it.
    """

    operation: str
    arguments: dict[str, Any]
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """An undo: the calls in an order in which they can run, and what they leave out, in words."""

    steps: tuple[Step, ...] = ()
    missing: tuple[str, ...] = ()


class _Missing(Exception):
    """A call cannot be made; the message says what is not known."""


#: The answer of a call that has not run.
_AWAITED: Mapping[str, Any] = {}
#: A call, None if it cannot be made, and what it leaves out.
_Call = tuple[Step | None, list[str]]


def plan(
    catalog: Catalog,
    operation: Operation,
    arguments: Mapping[str, Any],
    found: tuple[Any, ...],
    answer: Mapping[str, Any] | None,
    project: str,
) -> Plan:
    """The calls that undo one call of `operation`.

    They are those of its record; an update without any is undone by itself with the old values.

    Args:
        catalog: where the restoring operations are described.
        operation: what ran.
        arguments: it ran with.
        found: what its preview had found before (`Preview.found`).
        answer: it gave, sealed; None if nobody knows.
        project: it ran in.
    """
    before = found[0] if found else None
    scope = Scope(arguments, before, project, by_read(operation, found), answer)
    made: list[Made] = []
    missing: list[str] = []
    for name, recipe, calls in _ways(catalog, operation, scope, found):
        for step, problems in calls:
            made += [Made(step.operation, step.arguments, recipe)] if step else []
            missing += (f"{name}: {problem}" for problem in problems)
    order = step_order.after(catalog, operation.restore, made)
    steps = (Step(m.operation, m.arguments, a) for m, a in zip(made, order, strict=True))
    return Plan(tuple(steps), tuple(dict.fromkeys(missing)))


def foreseen(
    catalog: Catalog,
    operation: Operation,
    arguments: Mapping[str, Any],
    found: tuple[Any, ...],
    project: str,
) -> tuple[bool, tuple[str, ...]]:
    """Whether any call would undo one that has not run, and what these would leave out.

    The arguments are those of `plan`. What the answer will hold counts as known.
    """
    before = found[0] if found else None
    scope = Scope(arguments, before, project, by_read(operation, found), _AWAITED)
    any_call, missing = False, dict[str, None]()
    for name, _, calls in _ways(catalog, operation, scope, found):
        for step, problems in calls:
            any_call = any_call or step is not None
            missing |= {f"{name}: {problem}": None for problem in problems}
    return any_call, tuple(missing)


def needs_before(operation: Operation) -> bool:
    """Whether a call of `operation` can be undone only if its preview has run before."""
    return bool(operation.update) or any(_looks_back(recipe) for recipe in operation.restore)


def _ways(
    catalog: Catalog, operation: Operation, scope: Scope, found: tuple[Any, ...]
) -> Iterator[tuple[str, Restore | None, Iterable[_Call]]]:
    """The restoring operations, each with the recipe that names it and its calls."""
    unread = len(found) < len(operation.preview)
    unsure = operation.existing == "refused" and scope.answer is None
    for recipe in operation.restore:
        if unread and _looks_back(recipe):
            yield recipe.operation, recipe, [(None, ["what was there before was not recorded"])]
        elif unsure and not _looks_back(recipe):
            problem = "nobody knows whether the call made anything"
            yield recipe.operation, recipe, [(None, [problem])]
        elif scope.answer is _AWAITED and _refers(recipe, "answer"):
            some: list[_Call] = [(Step(recipe.operation, {}), [])]
            yield recipe.operation, recipe, some if _will_apply(recipe, scope) else []
        else:
            yield recipe.operation, recipe, _calls(catalog[recipe.operation], recipe, scope)
    if operation.update and not operation.restore:
        yield operation.name, None, [_written_back(operation, scope.args, scope.before)]


def _looks_back(recipe: Restore) -> bool:
    """Whether a recipe needs what the preview found."""
    return _refers(recipe, "before", "found")


def _refers(recipe: Any, *roots: str) -> bool:
    """Whether a recipe, or a part of one, refers to any of these."""
    whole = recipe.model_dump() if isinstance(recipe, Restore) else recipe
    return not set(roots).isdisjoint(r.root for r in all_in(whole))


def _will_apply(recipe: Restore, scope: Scope) -> bool:
    """Whether a recipe that needs the answer belongs to a call, as far as that is known before."""
    unknown = _refers([recipe.each, recipe.of], "answer")
    later = ("answer", "item", "element") if unknown else ("answer",)
    given = tuple(reference for reference in recipe.given if not _refers(reference, *later))
    known = recipe.model_copy(update={"given": given})
    return any(_applies(known, one) for one in ([scope] if unknown else _scopes(recipe, scope)))


def _applies(recipe: Restore, scope: Scope) -> bool:
    """Whether a recipe belongs to this call, or to the elements that it is at."""
    if not all(scope.args.get(name) is True for name in recipe.is_true):
        return False
    if any(scope.args.get(name) is True for name in recipe.not_true):
        return False
    given = all(resolve(reference, scope) is not ABSENT for reference in recipe.given)
    return given and all(resolve(reference, scope) is ABSENT for reference in recipe.bare)


def _scopes(recipe: Restore, scope: Scope) -> Iterator[Scope]:
    """The scope of every call that a recipe may make."""
    if not recipe.each:
        yield scope
        return
    items = as_list(resolve(recipe.each, scope))
    if not recipe.of:
        items = matching(items, recipe.match, scope)
    for item in items:
        here = replace(scope, item=item)
        if not recipe.of:
            yield here
            continue
        elements = as_list(resolve(recipe.of, here))
        for element in matching(elements, recipe.match, here):
            yield replace(here, element=element)


def _calls(restoring: Operation, recipe: Restore, scope: Scope) -> Iterator[_Call]:
    """The calls of one recipe, each with what it leaves out; None where a call cannot be made."""
    made: list[dict[str, Any]] = []
    for one in _scopes(recipe, scope):
        if not _applies(recipe, one):
            continue
        try:
            given = _arguments(restoring, recipe, one)
        except _Missing as problem:
            yield None, [str(problem)]
            continue
        if given is not None:
            made.append(given)
    if recipe.joined and made:
        made = [_joined(made)]
    for given in made:
        yield _step(restoring, given)


def _arguments(restoring: Operation, recipe: Restore, scope: Scope) -> dict[str, Any] | None:
    """The arguments that a recipe gives, None if they say that there is nothing to do."""
    # Left out of a call that replaces, what was empty would be completed with what is there now.
    replaces = restoring.update == "replace"
    resolved = resolve(recipe.arguments, replace(scope, empties=replaces))
    given: dict[str, Any] = {} if resolved is ABSENT else resolved
    for name, value in recipe.arguments.items():
        if given.get(name) == [] and is_difference(value):
            return None
        if name not in given and name not in (LIKE, *recipe.optional):
            raise _Missing(f"{name} is not known")
    properties = restoring.input_schema["properties"]
    return {n: fitted(properties[n], value) for n, value in given.items() if n in properties}


def _joined(calls: list[dict[str, Any]]) -> dict[str, Any]:
    """One call for several: their lists joined, everything else as in the first."""
    first = calls[0]
    return {
        name: [item for call in calls for item in call.get(name, [])]
        if isinstance(value, list)
        else value
        for name, value in first.items()
    }


def _written_back(operation: Operation, arguments: Mapping[str, Any], before: Any) -> _Call:
    """The update with the old values: of everything, or of what a patch has changed."""
    old = old_values(operation, arguments, before)
    if old is None:
        return None, ["what was there before was not recorded"]
    return _step(operation, old)


def _step(restoring: Operation, given: Mapping[str, Any]) -> _Call:
    """The call without what is not known, and checked; None if it cannot be made without that."""
    kept: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in given.items():
        known, lost = _known(value, name)
        if restoring.update == "patch" and isinstance(value, list):
            # It leaves alone whom it does not name, as one who was not there.
            lost = [f"{name}[{n}]" for n, one in enumerate(value) if one is UNKNOWN]
            if lost:
                known = [one for one in value if one is not UNKNOWN] or UNKNOWN
        problems += [f"{path} is secret or not known" for path in lost]
        # A document from which something was cut would overwrite it with nothing.
        if not (value is UNKNOWN or known is UNKNOWN or (lost and name in restoring.content)):
            kept[name] = known
    try:
        return Step(restoring.name, check(restoring, kept)), problems
    except InvalidArguments as error:
        return None, [*problems, *error.problems]


def _known(value: Any, path: str) -> tuple[Any, list[str]]:
    """`value` without what is UNKNOWN in its objects, and where that was."""
    if value is UNKNOWN:
        return None, [path]
    if not isinstance(value, Mapping):
        return value, []
    pairs = {name: _known(item, f"{path}.{_spelled(name)}") for name, item in value.items()}
    lost = [where for _, inner in pairs.values() for where in inner]
    return {name: item for name, (item, _) in pairs.items() if value[name] is not UNKNOWN}, lost


def _spelled(name: str) -> str:
    """A name in a path; one that could be more than a name, and anybody's words, as JSON."""
    return name if name.isascii() and name.isidentifier() else cut(json.dumps(name))

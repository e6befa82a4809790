"""Where the values of a plan come from: earlier answers, by reference.

A reference is an object ``{"$from": STEP, "path": JMESPATH}``, and of the element that a step is at
``"$each"`` or ``{"$each": JMESPATH}``. Only what the caller wrote is looked through: what stands in
an answer is a value, whatever it looks like. Where such a value is written down, it stands in
``{"$value": ...}``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog import field_selection
from descope_mcp.catalog.field_selection import WrongFields

FROM, EACH, VALUE, PATH = "$from", "$each", "$value", "path"
#: Where the answers that a caller was shown are found.
KEPT = "answers/"
#: Deeper than any schema; what lies below is a plain value.
_DEEPEST = 64


class Unresolved(Exception):
    """A reference that leads to nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A value of an answer: of the step with the id `origin`, or of a kept answer."""

    origin: str
    path: str = ""

    def __str__(self) -> str:
        """As a person reads it."""
        return f"{self.path or 'all'} of the answer of step {self.origin}"


class _NoElement:
    """What ``$each`` stands for in a step that runs once."""


NO_ELEMENT = _NoElement()
#: What a reference leads to. Raises KeyError where its answer is not known yet.
Answers = Callable[[Reference], Any]


def reference(value: Any) -> Reference | None:
    """The reference that a value is, None if it is none.

    Raises:
        Unresolved: it looks like one and is not of its form.
    """
    if not (isinstance(value, Mapping) and FROM in value):
        return None
    origin, path = value[FROM], value.get(PATH, "")
    if not (isinstance(origin, str) and origin and isinstance(path, str)):
        raise Unresolved(f'{FROM} takes a step\'s id, and {PATH} a JMESPath: {{"{FROM}": "find"}}')
    if more := sorted(map(str, value.keys() - {FROM, PATH})):
        raise Unresolved(f"beside {FROM} only {PATH} can stand, not {more[0][:40]}")
    return Reference(origin, path)


def references(value: Any, room: int = _DEEPEST) -> Iterator[Reference]:
    """Every reference in what a caller wrote.

    Raises:
        Unresolved: one is not of the form.
    """
    if found := reference(value):
        yield found
    elif isinstance(value, (Mapping, list)) and room and not _is_plain(value):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from references(inner, room - 1)


def takes_element(value: Any, room: int = _DEEPEST) -> bool:
    """Whether ``$each`` stands in what a caller wrote."""
    if isinstance(value, Mapping):
        if EACH in value:
            return True
        value = [] if _is_plain(value) else list(value.values())
    if isinstance(value, list):
        return room > 0 and any(takes_element(inner, room - 1) for inner in value)
    return bool(value == EACH)


def resolved(value: Any, answers: Answers, element: Any = NO_ELEMENT, room: int = _DEEPEST) -> Any:
    """A copy of `value` in which known references are the values that they lead to.

    One whose answer is not known yet is a `Reference` in the copy.

    Raises:
        Unresolved: one leads to nothing, or is not of the form.
    """
    if found := reference(value):
        try:
            return answers(found)
        except KeyError:
            return found
    if value == EACH or (isinstance(value, Mapping) and EACH in value):
        return _of_element(value, element)
    if _is_plain(value):
        return value[VALUE]
    if not room:
        return value
    if isinstance(value, Mapping):
        return {k: resolved(inner, answers, element, room - 1) for k, inner in value.items()}
    if isinstance(value, list):
        return [resolved(inner, answers, element, room - 1) for inner in value]
    return value


def from_kept(value: Any, kept: Callable[[str], Any], room: int = _DEEPEST) -> Any:
    """A copy of the arguments of a single call, in which references to kept answers are resolved.

    Anything else that looks like a reference is a value: there are no steps to take from.

    Raises:
        Unresolved: one leads to nothing.
    """
    if isinstance(value, Mapping):
        origin, path = value.get(FROM), value.get(PATH, "")
        if isinstance(origin, str) and origin.startswith(KEPT) and isinstance(path, str):
            if (data := kept(origin.removeprefix(KEPT))) is None:
                raise Unresolved(f"{origin[:40]} is not kept (any more)")
            return _selected(data, path, path)
        return (
            {k: from_kept(inner, kept, room - 1) for k, inner in value.items()} if room else value
        )
    if isinstance(value, list) and room:
        return [from_kept(inner, kept, room - 1) for inner in value]
    return value


def pending(value: Any, path: str = "") -> Iterator[tuple[str, Reference]]:
    """What `resolved` could not know yet, each with the path of the argument that takes it."""
    if isinstance(value, Reference):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from pending(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from pending(inner, f"{path}[]")


def filled(value: Any, of: Callable[[Reference], Any]) -> Any:
    """A copy in which each `Reference` is what `of` makes of it."""
    if isinstance(value, Reference):
        return of(value)
    if isinstance(value, Mapping):
        return {key: filled(inner, of) for key, inner in value.items()}
    return [filled(inner, of) for inner in value] if isinstance(value, list) else value


def written(value: Any) -> Any:
    """A copy as a caller would write it: each `Reference`, and what only looks like one."""
    if isinstance(value, Reference):
        return {FROM: value.origin, **({PATH: value.path} if value.path else {})}
    if value == EACH or (isinstance(value, Mapping) and value.keys() & {FROM, EACH, VALUE}):
        return {VALUE: value}
    if isinstance(value, Mapping):
        return {key: written(inner) for key, inner in value.items()}
    return [written(inner) for inner in value] if isinstance(value, list) else value


def _is_plain(value: Any) -> bool:
    """Whether what stands in a value is meant as it is."""
    return isinstance(value, Mapping) and value.keys() == {VALUE}


def _of_element(value: Any, element: Any) -> Any:
    if element is NO_ELEMENT:
        raise Unresolved(f"{EACH} stands in a step without for_each")
    if value == EACH:
        return element
    path = value[EACH]
    if not isinstance(path, str) or len(value) > 1:
        raise Unresolved(f'{EACH} takes a JMESPath and nothing beside it: {{"{EACH}": "id"}}')
    return _selected(element, path, f"{path} of the element")


def selected(answer: Any, reference: Reference) -> Any:
    """What a reference takes from the answer of its origin.

    Raises:
        Unresolved: that is nothing, or cannot be.
    """
    return _selected(answer, reference.path, str(reference))


def _selected(data: Any, path: str, what: str) -> Any:
    if not path:
        return data
    try:
        found = field_selection.project(path, data)
    except WrongFields as error:
        raise Unresolved(f"path: {str(error).removeprefix('fields: ')}") from None
    if found is None:
        # A null would be left out of the call, which then might mean everything.
        raise Unresolved(f"{what} is nothing")
    return found

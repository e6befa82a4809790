"""Every name of what a call hits: a login id, an id and an alias are one target.

Which arguments name a target, the first step of the preview says: they are what it looks for. Which
other names that target has, stands in what it finds; which it had, the journal remembers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from descope_mcp.catalog.json_path import is_empty, values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.recipe import Read
from descope_mcp.catalog.recipe_reference import all_in
from descope_mcp.guard.preview.preview import Preview

#: Fields of an answer that tell one object from any other, and those by which people know it.
_SURE = ("userId", "id", "loginIds", "loginId", "loginIDs")
_KNOWN_BY = ("name", "email", "phone", "userName", "clientId", "appId", "uri")
#: Arguments that name somebody, also where no preview looks for them.
_PEOPLE = ("loginId", "loginIds", "userId", "userIds")


class Names(NamedTuple):
    """The names of targets: those that they have for sure, and all by which they may be meant.

    Without ``sure`` there are none to compare with: nothing exists yet, or it is known by the read
    that finds it (settings).
    """

    sure: frozenset[str] = frozenset()
    possible: frozenset[str] = frozenset()

    def certain(self, value: str) -> bool:
        """Whether `value` is a name of a target as it is spelled there."""
        return not self.sure or value in self.sure


#: What a preview found under the arguments that name targets, by their paths.
KnownNames = Mapping[str, Names]


def naming(operation: Operation) -> dict[str, frozenset[str]]:
    """The arguments of `operation` that name a target: the fields of the answer that hold them."""
    found: dict[str, frozenset[str]] = {}
    for step in operation.preview[:1]:
        for field, path in _looked_for(step):
            found[path] = found.get(path, frozenset()) | _spellings(field)
    for name, place in operation.places.items():
        if name in _PEOPLE:
            found.setdefault(name, _spellings(name))
        if place.where == "credential":
            found.pop(name, None)
    return {path: fields | _spellings(path.rpartition(".")[2]) for path, fields in found.items()}


def known_names(operation: Operation, preview: Preview) -> KnownNames:
    """The names of everything that a call would hit, for each argument that names it."""
    target = preview.target
    elements = [one for one in (target if isinstance(target, list) else [target]) if one]
    former = frozenset(one.was for one in preview.former)
    return {
        path: Names(
            frozenset(_held(elements, _sure_fields(elements, fields))),
            frozenset(_held(elements, (*fields, *_SURE, *_KNOWN_BY))) | former,
        )
        for path, fields in naming(operation).items()
    }


def names_at(known: KnownNames | None, path: str) -> Iterator[Names]:
    """The names for `path` and whatever lies below it; nothing where nobody has looked."""
    yield from (names for named, names in (known or {}).items() if within(named, path))


def within(path: str, other: str) -> bool:
    """Whether an argument that names a target is `other`, or lies below it."""
    other = other.removesuffix("[]")
    return path == other or path.startswith((f"{other}.", f"{other}["))


def _sure_fields(elements: Iterable[Any], fields: frozenset[str]) -> tuple[str, ...]:
    """Where the sure names are: nowhere, if what is found does not hold this kind of name."""
    return (*fields, *_SURE) if any(_held(elements, fields)) else ()


def _looked_for(step: Read) -> Iterator[tuple[str, str]]:
    """What a step looks for: a field or an argument of the read, and the path in the call."""
    for recipe in (step.arguments, step.narrow, step.match, *step.otherwise):
        for field, value in recipe.items():
            for reference in all_in(value):
                if reference.root == "args":
                    yield field, reference.path.removesuffix("[]")


def _spellings(name: str) -> frozenset[str]:
    """A name of a field, of one and of several."""
    return frozenset((name, name.removesuffix("s"), f"{name}s"))


def _held(elements: Iterable[Any], fields: Iterable[str]) -> Iterator[str]:
    for element in elements:
        for field in fields:
            for value in values_at(element, field) if isinstance(element, dict) else ():
                for one in value if isinstance(value, list) else [value]:
                    if not is_empty(one) and not isinstance(one, (bool, dict, list)):
                        yield str(one)

"""Checking the arguments of a call against the operation's input schema.

What comes out has been parsed, checked and stripped of nulls that mean "not given". Nothing is
ever dropped silently: an argument that the operation does not declare refuses the call.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import jsonschema_rs

from descope_mcp.catalog.arguments import scalar_coercion, timestamps
from descope_mcp.catalog.arguments.problem_text import (
    MAX_NAME_SHOWN,
    MAX_PROBLEMS,
    cut,
    located,
    told,
)
from descope_mcp.catalog.arguments.timestamps import Unit
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.json_path import is_blank
from descope_mcp.catalog.operation import Operation

#: Characters that would let a path argument address something else (RFC 3986, section 2.2).
_PATH_BREAKERS = re.compile(r"[/\\?#%\x00-\x1f\x7f-\x9f]")
#: Half of a UTF-16 pair: JSON can spell it, UTF-8 cannot.
_SURROGATE = re.compile(r"[\ud800-\udfff]")
#: The deepest schema has 11 levels; the validator gives up at 255, Python's own stack at 1,000.
MAX_DEPTH = 64
#: So many sealed values of a document are named.
MOST_SEALED = 5
#: What stands for a secret in an answer if it was not kept. Sent back it would overwrite it.
SEALED = "[sealed]"
#: What stands for a secret that was kept; an argument for secrets takes it in place of the value.
HANDLE = re.compile(r"\[sealed:[0-9A-Za-z]{22}\]")
#: Either of them, or what a model made of them.
_ANY_SEAL = re.compile(r"\[sealed[\]:]", re.IGNORECASE)


def check(operation: Operation, arguments: object) -> dict[str, Any]:
    """The arguments as the API core takes them.

    Args:
        operation: what is called.
        arguments: a mapping, or a JSON string of one (some clients send strings); None is none.

    Raises:
        InvalidArguments: with every problem up to MAX_PROBLEMS, each naming the argument and what
            was expected. The messages never repeat a value.
    """
    keep = frozenset(operation.nullable)
    given, problems = fit(
        operation.input_schema, operation.validator, arguments, keep, operation.moments
    )
    if not problems or given:
        problems += islice(_seal_problems(operation, given), MAX_PROBLEMS)
        problems += islice(_blank_problems(operation, given), MAX_PROBLEMS)
        problems += _path_problems(operation, given)
        for group in operation.one_of:
            if all(is_blank(given.get(name)) for name in group):
                problems.append(f"one of {', '.join(group)} is needed")
        problems += [] if problems else _twin_problems(operation, given)
    if problems:
        raise InvalidArguments(operation.name, problems)
    return given


def fit(
    wanted: Mapping[str, Any],
    validator: jsonschema_rs.Draft202012Validator,
    arguments: object,
    keep: frozenset[str] = frozenset(),
    units: Mapping[str, Unit] | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """Arguments parsed and stripped of nulls, and what does not fit the schema.

    Args:
        wanted: the input schema.
        validator: of that schema.
        arguments: as they came in.
        keep: arguments for which null is a value.
        units: those that are points in time, by path, each with its unit.

    Returns:
        ``(arguments, problems)``; arguments that cannot be used at all are empty.
    """
    spelled = _Spelled(units or {})
    parsed = spelled.parse({} if arguments is None else arguments, wanted, MAX_DEPTH)
    if not isinstance(parsed, dict):
        return {}, ["arguments: an object was expected"]
    unsendable = list(islice(_unsendable(parsed, ()), MAX_PROBLEMS))
    if unsendable or spelled.problems:
        return {}, unsendable or spelled.problems[:MAX_PROBLEMS]
    given: dict[str, Any] = _without_nulls(parsed, wanted, keep)
    # A null that means "keep" is a value of its own and has no type to check.
    typed = {name: v for name, v in given.items() if not (v is None and name in keep)}
    errors = islice(validator.iter_errors(typed), MAX_PROBLEMS)
    return given, [told(error, wanted) for error in errors]


class _Spelled:
    """Reads arguments as clients spell them, and collects which moments cannot be meant."""

    def __init__(self, units: Mapping[str, Unit]) -> None:
        self._units = units
        self.problems: list[str] = []

    def parse(self, value: Any, wanted: Mapping[str, Any], room: int, path: str = "") -> Any:
        """`value` in the types that are wanted, as far as that is not ambiguous.

        JSON strings are parsed wherever nothing but an object or a list is wanted. What lies
        deeper than `room` levels is left as it is.
        """
        kinds = {choice.get("type") for choice in wanted.get("anyOf", [wanted])}
        if isinstance(value, str) and kinds <= {"object", "array"}:
            value = _from_json(value, kinds)
        if isinstance(value, (dict, list)) and not room:
            return value
        if isinstance(value, dict):
            inner = f"{path}." if path else ""
            return {
                name: self.parse(item, _below(wanted, name), room - 1, f"{inner}{name}")
                for name, item in value.items()
            }
        if isinstance(value, list):
            items = wanted.get("items", {})
            return [self.parse(item, items, room - 1, f"{path}[]") for item in value]
        if path in self._units:
            value = self._moment(value, path)
        return scalar_coercion.read(value, kinds)

    def _moment(self, value: Any, path: str) -> Any:
        try:
            number = timestamps.number(value, self._units[path])
        except timestamps.Implausible as error:
            self.problems.append(f"{path}: {error}")
            return value
        return value if number is None else number


def _from_json(text: str, kinds: set[Any]) -> Any:
    """The object or list that `text` spells, `text` itself if it is neither."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return text
    fits = isinstance(parsed, dict) and "object" in kinds
    return parsed if fits or (isinstance(parsed, list) and "array" in kinds) else text


def _below(wanted: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The schema of a property, or of a map's values."""
    found = wanted.get("properties", {}).get(name, wanted.get("additionalProperties"))
    return found if isinstance(found, Mapping) else {}


def _unsendable(value: Any, path: tuple[str | int, ...]) -> Iterator[str]:
    """What Python's JSON lets in and a request cannot carry, whatever the schema says."""
    if isinstance(value, (dict, list)) and len(path) == MAX_DEPTH:
        yield f"{located(path[:1])}: nested deeper than {MAX_DEPTH} levels"
    elif isinstance(value, dict):
        for name, item in value.items():
            if _SURROGATE.search(name):
                yield f"{located(path) or 'arguments'}: a name holds an unpaired surrogate"
            else:
                yield from _unsendable(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unsendable(item, (*path, index))
    elif isinstance(value, str) and _SURROGATE.search(value):
        yield f"{located(path)}: holds an unpaired surrogate"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{located(path)}: expected a finite number"
    elif isinstance(value, int) and value.bit_length() > 64:
        yield f"{located(path)}: the number is too large"


def _without_nulls(value: Any, wanted: Mapping[str, Any], keep: frozenset[str]) -> Any:
    """`value` without the nulls that strict clients send for every argument left out.

    Only where the schema lists properties: in a free map a null is the caller's.
    """
    if isinstance(value, dict):
        listed = wanted.get("properties", {})
        return {
            name: _without_nulls(item, _below(wanted, name), frozenset())
            for name, item in value.items()
            if item is not None or name in keep or name not in listed
        }
    if isinstance(value, list):
        return [_without_nulls(item, wanted.get("items", {}), frozenset()) for item in value]
    return value


def _seal_problems(operation: Operation, given: Mapping[str, Any]) -> Iterator[str]:
    """Sealed values where none is taken. A handle stands for the whole value or for nothing."""
    inside: dict[str, list[str]] = {}
    for path, text in leaves(given):
        if not _ANY_SEAL.search(text) or (HANDLE.fullmatch(text) and path in operation.accepts):
            continue
        document = path.partition(".")[0].removesuffix("[]")
        if document in operation.content:
            inside.setdefault(document, []).append(path[:MAX_NAME_SHOWN])
        elif path in operation.accepts:
            yield f"{path}: a sealed value is passed on whole, as [sealed:...] and nothing else"
        else:
            others = ", ".join(operation.accepts) or "no argument"
            yield (
                f"{path}: a sealed value cannot be sent here; "
                f"{operation.name} takes one in {others}"
            )
    for document, paths in inside.items():
        more = f" and {len(paths) - MOST_SEALED} more" if len(paths) > MOST_SEALED else ""
        yield (
            f"{document}: secrets do not travel in a document, and it holds sealed values at "
            f"{', '.join(paths[:MOST_SEALED])}{more}; take these fields out, and set the secrets "
            "where they belong afterwards"
        )


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in checked arguments, names of fields too, with its path (``users[].name``)."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield f"{path}.(name)", name
            yield from leaves(item, f"{path}.{cut(name)}" if path else cut(name))
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, f"{path}[]")


def _blank_problems(operation: Operation, given: Mapping[str, Any]) -> Iterator[str]:
    """Elements of lists that name nothing: a list of such looks as if it named something.

    Documents and free maps are the caller's, whatever is in them.
    """
    for name, value in given.items():
        if name not in operation.content:
            yield from _blank_elements(value, _below(operation.input_schema, name), (name,))


def _blank_elements(
    value: Any, wanted: Mapping[str, Any], path: tuple[str | int, ...]
) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _blank_elements(item, _below(wanted, name), (*path, name))
    elif isinstance(value, list) and (items := wanted.get("items")):
        declared = items.get("type") == "string" or "properties" in items
        for index, item in enumerate(value):
            if declared and is_blank(item):
                yield f"{located((*path, index))}: is empty; leave it out"
            else:
                yield from _blank_elements(item, items, (*path, index))


def _path_problems(operation: Operation, given: Mapping[str, Any]) -> Iterator[str]:
    for name, place in operation.places.items():
        value = given.get(name)
        if place.where != "path" or not isinstance(value, str):
            continue
        if not value or set(value) <= {"."}:
            yield f"{name}: an empty value or dots cannot stand in a path"
        elif _PATH_BREAKERS.search(value):
            yield f"{name}: stands in the path, so / \\ ? # % and control characters are refused"


def _twin_problems(operation: Operation, given: Mapping[str, Any]) -> Iterator[str]:
    """What the body says again of what stands in the path, and says otherwise."""
    in_path = {p.name: name for name, p in operation.places.items() if p.where == "path"}
    for name, place in operation.places.items():
        first = in_path.get(place.name, name)
        if first != name and given.get(name, "") not in ("", given.get(first)):
            yield f"{name}: says {first} again and has to be the same; it can be left out"

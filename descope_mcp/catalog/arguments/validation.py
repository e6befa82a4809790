"""Checking the arguments of a call against the operation's input schema.

What comes out has been parsed, checked and stripped of nulls that mean "not given". Nothing is
ever dropped silently: an argument that the operation does not declare refuses the call.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import jsonschema_rs

from descope_mcp.catalog.arguments import scalar_coercion, timestamps
from descope_mcp.catalog.arguments.timestamps import Unit
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.json_path import is_empty
from descope_mcp.catalog.operation import Operation

#: Characters that would let a path argument address something else (RFC 3986, section 2.2).
_PATH_BREAKERS = re.compile(r"[/\\?#%\x00-\x1f\x7f-\x9f]")
#: Half of a UTF-16 pair: JSON can spell it, UTF-8 cannot.
_SURROGATE = re.compile(r"[\ud800-\udfff]")
#: The deepest schema has 11 levels; the validator gives up at 255, Python's own stack at 1,000.
MAX_DEPTH = 64
#: More problems than this are not told, nor more than so many characters of a name.
MAX_PROBLEMS = 20
MAX_NAME_SHOWN = 64
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
        problems += _path_problems(operation, given)
        for group in operation.one_of:
            if all(is_empty(given.get(name)) for name in group):
                problems.append(f"one of {', '.join(group)} is needed")
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
    return given, [_explain(error, wanted) for error in errors]


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
        yield f"{_where(path[:1])}: nested deeper than {MAX_DEPTH} levels"
    elif isinstance(value, dict):
        for name, item in value.items():
            if _SURROGATE.search(name):
                yield f"{_where(path) or 'arguments'}: a name holds an unpaired surrogate"
            else:
                yield from _unsendable(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unsendable(item, (*path, index))
    elif isinstance(value, str) and _SURROGATE.search(value):
        yield f"{_where(path)}: holds an unpaired surrogate"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{_where(path)}: expected a finite number"
    elif isinstance(value, int) and value.bit_length() > 64:
        yield f"{_where(path)}: the number is too large"


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
            yield from leaves(item, f"{path}.{_cut(name)}" if path else _cut(name))
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, f"{path}[]")


def _path_problems(operation: Operation, given: Mapping[str, Any]) -> Iterator[str]:
    for name, place in operation.places.items():
        value = given.get(name)
        if place.where != "path" or not isinstance(value, str):
            continue
        if not value or set(value) <= {"."}:
            yield f"{name}: an empty value or dots cannot stand in a path"
        elif _PATH_BREAKERS.search(value):
            yield f"{name}: stands in the path, so / \\ ? # % and control characters are refused"


def _explain(error: jsonschema_rs.ValidationError, wanted: Mapping[str, Any] | None = None) -> str:
    """One problem in our words; the value itself is left out, it may be a secret."""
    kind: Any = error.kind
    value: Any = getattr(kind, "value", None)
    where = _where(error.instance_path)
    prefix = f"{where}: " if where else ""
    match kind.name:
        case "additionalProperties":
            names = ", ".join(_cut(name) for name in value[:MAX_PROBLEMS])
            return (
                f"{prefix}{names}: not an argument of this operation{_nearest(value, wanted or {})}"
            )
        case "required":
            return f"{prefix}{value}: required"
        case "type":
            return f"{prefix}{_mistyped(kind.types, error.instance)}"
        case "enum":
            return f"{prefix}expected one of {', '.join(map(str, value))}"
        case "anyOf":
            return _explain_choice(error, prefix)
        case "minimum":
            return f"{prefix}must be at least {value}"
        case "maximum":
            return f"{prefix}must be at most {value}"
        case "maxItems" | "maxLength":
            return f"{prefix}is too long; at most {value}"
        case other:
            return f"{prefix}does not meet {other}"


def _nearest(unknown: list[str], wanted: Mapping[str, Any]) -> str:
    """The argument that was probably meant, if one name looks like the unknown one."""
    known = list(wanted.get("properties", ()))
    near = difflib.get_close_matches(_cut(unknown[0]), known, n=1) if len(unknown) == 1 else []
    return f"; did you mean {near[0]}?" if near else ""


def _explain_choice(error: jsonschema_rs.ValidationError, prefix: str) -> str:
    """None of several types fits, or one does and its content is the problem."""
    kind: Any = error.kind
    inner = [e for choice in kind.context for e in choice]
    own = [e for e in inner if e.kind.name == "type" and e.instance_path == error.instance_path]
    if len(own) < len(kind.context):
        return _explain(next(e for e in inner if e not in own))
    types = list(dict.fromkeys(name for e in own for name in e.kind.types))
    return f"{prefix}{_mistyped(types, error.instance)}"


def _mistyped(types: list[str], value: object) -> str:
    meant = scalar_coercion.meant(value, set(types))
    hint = f"; {meant}" if meant else ""
    return f"expected {' or '.join(types)}, got {_kind(value)}{hint}"


def _where(path: Iterable[str | int]) -> str:
    """A place in the arguments: ``users[0].email``."""
    steps = (f"[{p}]" if isinstance(p, int) else f".{_cut(p)}" for p in path)
    return "".join(steps).removeprefix(".")


def _cut(name: object) -> str:
    text = str(name)
    return text if len(text) <= MAX_NAME_SHOWN else text[: MAX_NAME_SHOWN - 1] + "…"


def _kind(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return "null" if value is None else names.get(type(value), "object")

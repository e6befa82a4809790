"""Expressions of FGA conditions: a small part of CEL, and the built-in constraints.

A value that the caller did not send makes an expression undecided (`Undecided`), unless the rest
decides it: ``known_true || unknown`` is true.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

Names = Callable[[str], Any]

_GRAMMAR = r"""
?start: any
?any: all | any _OR all -> either
?all: comparison | all _AND comparison -> both
?comparison: sum | comparison COMPARES sum -> compare
?sum: product | sum /[+-]/ product -> compute
?product: unary | product /[*\/%]/ unary -> compute
?unary: postfix | "!" unary -> negate | "-" unary -> minus
?postfix: atom | postfix "." NAME "(" [any ("," any)*] ")" -> method
?atom: NAME -> name | NAME "(" [any ("," any)*] ")" -> function
    | LITERAL -> literal | "[" [any ("," any)*] "]" -> list | "(" any ")"
_OR: "||" | "|"
_AND: "&&" | "&"
COMPARES.2: "==" | "!=" | "<=" | ">=" | "<" | ">" | /in\b/
LITERAL.2: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'|\d+(\.\d+)?|(true|false)\b/
NAME: /[A-Za-z_]\w*/
%ignore /\s+/
"""


class Undecided(Exception):
    """The expression needs values that nobody gave."""


class Unusable(Exception):
    """The expression, or the values for it, make no sense."""


class Constraint(NamedTuple):
    """A built-in constraint: its parameters with their types, and what it tests.

    All parameters but the first may be fixed in the schema; the last one takes all that remain
    if it is a list.
    """

    parameters: tuple[tuple[str, str], ...]
    test: Callable[..., bool]


def _in_network(address: str, network: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)


def _among(value: Any, allowed: list[Any]) -> bool:
    return value in allowed


CONSTRAINTS: dict[str, Constraint] = {
    "IpRange": Constraint((("ip", "ipaddress"), ("ip_range", "string")), _in_network),
    "IpList": Constraint((("ip", "ipaddress"), ("allowed_ips", "list")), _among),
    "DateExpiryEpochSeconds": Constraint(
        (("now_epoch_seconds", "int"), ("expiry_epoch_seconds", "int")),
        lambda now, expiry: bool(now < expiry),
    ),
    "StringMatchRegex": Constraint(
        (("str", "string"), ("regex", "string")),
        lambda text, regex: re.search(regex, text) is not None,
    ),
    "NumAtLeast": Constraint((("num", "double"), ("min", "int")), lambda n, low: bool(n >= low)),
    "NumAtMost": Constraint((("num", "double"), ("max", "int")), lambda n, high: bool(n <= high)),
    "NumRange": Constraint(
        (("num", "double"), ("min", "int"), ("max", "int")),
        lambda n, low, high: bool(low <= n <= high),
    ),
    "BoolCheck": Constraint(
        (("bool", "bool"), ("expected", "bool")), lambda value, expected: value is expected
    ),
    "GeoCountry": Constraint((("country_code", "string"), ("allowed_countries", "list")), _among),
    "IntList": Constraint((("int", "int"), ("allowed_ints", "list")), _among),
    "LabelList": Constraint((("label", "string"), ("allowed_labels", "list")), _among),
}

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
    "in": lambda a, b: a in b,
}

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
}

_METHODS: dict[str, Callable[..., Any]] = {
    "in_cidr": _in_network,
    "startsWith": lambda text, part: text.startswith(part),
    "endsWith": lambda text, part: text.endswith(part),
    "contains": lambda text, part: part in text,
    "matches": lambda text, regex: re.search(regex, text) is not None,
    "size": len,
}


def evaluate(expression: str, names: Names) -> Any:
    """The value of `expression`, where `names` gives the value of a name.

    Raises:
        Undecided: it depends on a name for which `names` raises that.
        Unusable: it cannot be parsed, or the values do not fit.
    """
    try:
        return _value(parse(expression), names)
    except (TypeError, ValueError, AttributeError, ArithmeticError, re.error) as error:
        raise Unusable(f"{expression}: {error}") from error


@cache
def parse(expression: str) -> Tree[Token]:
    """The syntax tree of an expression.

    Raises:
        Unusable: it is not one.
    """
    from lark import UnexpectedInput

    try:
        return _parser().parse(expression)
    except UnexpectedInput as error:
        raise Unusable(f"{expression}: not understood at column {error.column}") from error


@cache
def _parser() -> Lark:
    from lark import Lark

    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)


def _value(node: Any, names: Names) -> Any:
    kind, children = str(node.data), node.children
    match kind:
        case "either" | "both":
            return _logical(children, names, kind == "either")
        case "negate":
            return not _value(children[0], names)
        case "minus":
            return -_value(children[0], names)
        case "compare":
            left, sign, right = children
            return _COMPARISONS[sign.strip()](_value(left, names), _value(right, names))
        case "compute":
            left, sign, right = children
            return _computed(str(sign), _value(left, names), _value(right, names))
        case "name":
            return names(str(children[0]))
        case "literal":
            text = str(children[0])
            return text[1:-1] if text[0] == "'" else json.loads(text)
        case "list":
            return [_value(child, names) for child in children]
        case "method":
            of, name, *arguments = children
            return _call(_METHODS, name, [of, *arguments], names)
        case _:
            name, *arguments = children
            return _constraint(str(name), [_value(a, names) for a in arguments], names)


def _computed(sign: str, left: Any, right: Any) -> Any:
    """Numbers only, but texts and lists can be joined: Python would also repeat and format them."""
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    joined = sign == "+" and type(left) is type(right) and isinstance(left, str | list)
    if not (numbers or joined):
        raise Unusable(f"{sign} is for numbers")
    return _ARITHMETIC[sign](left, right)


def _logical(sides: list[Any], names: Names, decisive: bool) -> bool:
    """``||`` is decided by a true side, ``&&`` by a false one, whatever the other is."""
    undecided: Undecided | None = None
    for side in sides:
        try:
            if bool(_value(side, names)) is decisive:
                return decisive
        except Undecided as error:
            undecided = error
    if undecided:
        raise undecided
    return not decisive


def _call(
    functions: Mapping[str, Callable[..., Any]], name: str, arguments: list[Any], names: Names
) -> Any:
    if name not in functions:
        raise Unusable(f"{name} is not a known function")
    return functions[name](*[_value(a, names) for a in arguments])


def _constraint(kind: str, fixed: list[Any], names: Names) -> bool:
    if kind not in CONSTRAINTS:
        raise Unusable(f"{kind} is not a known constraint")
    (first, _), *rest = CONSTRAINTS[kind].parameters
    if fixed:
        others = [fixed] if rest[-1][1] == "list" else fixed
    else:
        others = [names(name) for name, _ in rest]
    return CONSTRAINTS[kind].test(names(first), *others)

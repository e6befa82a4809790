"""Filters of the SCIM protocol (RFC 7644, section 3.4.2.2) as tests of a resource."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from descope_mcp.sandbox.engine.errors import BAD_SCIM_FILTER, DescopeError

if TYPE_CHECKING:
    from lark import Lark, Tree

Test = Callable[[Mapping[str, Any]], bool]

_GRAMMAR = r"""
?start: any
?any: all ("or"i all)*
?all: term ("and"i term)*
?term: "not"i "(" any ")" -> negation
     | "(" any ")"
     | PATH "[" any "]" -> inside
     | PATH "pr"i -> present
     | PATH OPERATOR value -> compared
value: ESCAPED_STRING | NUMBER | CONSTANT
OPERATOR.2: /(eq|ne|co|sw|ew|gt|ge|lt|le)(?=[\s"])/i
CONSTANT.2: /(true|false|null)\b/
PATH: /(urn:[\w:.-]+:)?[A-Za-z][\w$-]*(\.[A-Za-z][\w$-]*)*/
%import common.ESCAPED_STRING
%import common.SIGNED_NUMBER -> NUMBER
%ignore /\s+/
"""


def parsed(text: str) -> Test:
    """The test that a filter describes.

    Raises:
        DescopeError: it cannot be read.
    """
    from lark.exceptions import LarkError

    if not text.strip():
        return lambda resource: True
    try:
        return _test(_parser().parse(text))
    except LarkError:
        raise DescopeError(BAD_SCIM_FILTER, f"The filter cannot be read: {text}") from None


@functools.cache
def _parser() -> Lark:
    from lark import Lark

    return Lark(_GRAMMAR, parser="earley", lexer="dynamic")


def _test(tree: Tree[Any]) -> Test:
    match tree.data, tree.children:
        case "any", parts:
            tests = [_test(part) for part in parts]
            return lambda resource: any(test(resource) for test in tests)
        case "all", parts:
            tests = [_test(part) for part in parts]
            return lambda resource: all(test(resource) for test in tests)
        case "negation", [part]:
            inner = _test(part)
            return lambda resource: not inner(resource)
        case "inside", [path, part]:
            test = _test(part)
            return lambda resource: any(
                isinstance(item, Mapping) and test(item) for item in values(resource, str(path))
            )
        case "present", [path]:
            return lambda resource: any(v not in ("", None) for v in values(resource, str(path)))
        case _, [path, operator, value]:
            wanted = json.loads(str(value.children[0]))
            compare = _COMPARISONS[str(operator).lower()]
            if str(operator).lower() == "ne":
                return lambda r: all(compare(own, wanted) for own in values(r, str(path)))
            return lambda r: any(compare(own, wanted) for own in values(r, str(path)))
    raise AssertionError(tree.data)


def values(resource: Mapping[str, Any], path: str) -> Iterator[Any]:
    """What an attribute path means: names are matched whatever their case, lists are entered.

    The attribute of a multi-valued one that is not named is its ``value``.
    """
    head, _, rest = re.sub(r"^urn:[\w:.-]+:", "", path).partition(".")
    for name, value in resource.items():
        if name.casefold() != head.casefold():
            continue
        for item in value if isinstance(value, list) else [value]:
            if rest:
                yield from values(item, rest) if isinstance(item, Mapping) else ()
            else:
                yield item


def _folded(value: Any) -> Any:
    value = value.get("value") if isinstance(value, Mapping) else value
    return value.casefold() if isinstance(value, str) else value


def _comparison(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(own: Any, wanted: Any) -> bool:
        left, right = _folded(own), _folded(wanted)
        return type(left) is type(right) and test(left, right)

    return compare


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": _comparison(lambda a, b: a == b),
    "ne": lambda own, wanted: _folded(own) != _folded(wanted),
    "co": _comparison(lambda a, b: b in a),
    "sw": _comparison(lambda a, b: a.startswith(b)),
    "ew": _comparison(lambda a, b: a.endswith(b)),
    "gt": _comparison(lambda a, b: a > b),
    "ge": _comparison(lambda a, b: a >= b),
    "lt": _comparison(lambda a, b: a < b),
    "le": _comparison(lambda a, b: a <= b),
}

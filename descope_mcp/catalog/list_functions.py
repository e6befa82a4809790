"""Functions that `fields` have beside those of JMESPath: what lists hold, counted and put together.

JMESPath can tell how many elements have one value that is known beforehand, and so takes an
expression for each value. These take an expression for all of them. ``group_by`` is that of the
community's JMESPath, but that a value need not be a text; of a list of values both take each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

#: Their names, as an expression has them.
COUNT_BY, GROUP_BY = "count_by", "group_by"


class _Group(NamedTuple):
    """A value, and the elements that have it."""

    value: Any
    elements: list[Any]


@cache
def functions() -> type:
    """JMESPath's functions and these. The library is loaded by need."""
    from jmespath.functions import Functions, signature

    class ListFunctions(Functions):  # type: ignore[misc]
        @signature({"types": ["array"]}, {"types": ["expref"]})  # type: ignore[untyped-decorator]
        def _func_count_by(self, elements: list[Any], expression: Any) -> list[list[Any]]:
            found = _by_value(elements, expression, COUNT_BY)
            # Equal counts stay in the order of the list.
            return sorted(([v, len(of)] for v, of in found), key=lambda pair: -pair[1])

        @signature({"types": ["array"]}, {"types": ["expref"]})  # type: ignore[untyped-decorator]
        def _func_group_by(self, elements: list[Any], expression: Any) -> dict[str, list[Any]]:
            found = _by_value(elements, expression, GROUP_BY)
            return {v if isinstance(v, str) else json.dumps(v): of for v, of in found}

    return ListFunctions


def _by_value(elements: list[Any], expression: Any, name: str) -> Iterable[_Group]:
    """The elements for each value of an expression; null is for those that have none.

    Raises:
        JMESPathTypeError: a value is an object, or a list of anything but plain values.
    """
    from jmespath.exceptions import JMESPathTypeError

    found: dict[tuple[bool, Any], _Group] = {}
    for element in elements:
        made = expression.visit(expression.expression, element)
        values = made if isinstance(made, list) else [made]
        for value in values or [None]:
            if isinstance(value, (dict, list)):
                kind = "object" if isinstance(value, dict) else "array"
                raise JMESPathTypeError(name, value, kind, ["string", "number", "boolean", "null"])
        # True is 1 to Python, and not to JSON.
        for key in dict.fromkeys((isinstance(value, bool), value) for value in values or [None]):
            found.setdefault(key, _Group(key[1], [])).elements.append(element)
    return found.values()

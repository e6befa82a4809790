"""The `fields` of a read: a JMESPath expression that says what of an answer to show.

Expressions come from a model and answers from strangers, so both are bounded: the length of the
expression, the steps of its evaluation, and the size and depth of what it makes. Lists and objects
are compared and spelled out as long as they are small; a few characters could make that endless.
"""

from __future__ import annotations

from typing import Any

from descope_mcp.catalog.list_functions import COUNT_BY, GROUP_BY, functions

#: The longest expression, in characters.
LONGEST = 1_000
#: What an evaluation may cost: visits of the expression, and elements that they hand on.
_STEPS = 2_000_000
#: The largest result: values in it, characters of its texts, levels.
_MOST_VALUES, _MOST_CHARACTERS, _DEEPEST = 2_000_000, 32_000_000, 100
#: The largest list or object that is compared or spelled out: values, characters of its texts.
_WHOLE_VALUES, _WHOLE_CHARACTERS = 1_000, 20_000


class WrongFields(ValueError):
    """The expression cannot be used; the message says why and where."""


def check(expression: str) -> None:
    """See, before a call is made, that an expression can be read.

    Raises:
        WrongFields: with the position of what is wrong.
    """
    _parsed(expression)


def project(expression: str, data: Any) -> Any:
    """What `expression` makes of `data`.

    Raises:
        WrongFields: it cannot be read, does not fit the data, or makes too much.
    """
    tree = _parsed(expression)
    from jmespath.exceptions import JMESPathError, JMESPathTypeError

    try:
        made = _metered().visit(tree, data)
    except JMESPathTypeError as error:
        wanted = " or ".join(map(str, error.expected_types))
        message = f"{error.function_name}() takes {wanted}, and was given {error.actual_type}"
        raise WrongFields(f"fields: {message}.") from None
    except RecursionError:
        raise WrongFields(_NESTED) from None
    except (JMESPathError, TypeError, ValueError, KeyError, ArithmeticError) as error:
        if isinstance(error, WrongFields):
            raise
        raise WrongFields("fields: the expression does not fit the answer.") from None
    _bound(made)
    return made


def names(expression: str) -> tuple[str, ...]:
    """The fields of an answer that an expression names, without those that it makes itself."""
    named: dict[str, None] = {}
    made = set()
    waiting = [_parsed(expression)]
    while waiting:
        node = waiting.pop()
        if node["type"] == "field":
            named[node["value"]] = None
        if node["type"] == "key_val_pair":
            made.add(node["value"])
        waiting += reversed(node["children"])
    return tuple(name for name in named if name not in made)


def _parsed(expression: str) -> Any:
    if len(expression) > LONGEST:
        raise WrongFields(f"fields: at most {LONGEST} characters, and these are {len(expression)}.")
    from jmespath import exceptions
    from jmespath.parser import Parser

    try:
        return Parser().parse(expression).parsed
    except exceptions.EmptyExpressionError:
        raise WrongFields("fields: the expression is empty.") from None
    except exceptions.IncompleteExpressionError:
        at = f"after character {len(expression)}"
        raise WrongFields(f"fields: the expression ends too early, {at}.") from None
    except exceptions.ParseError as error:
        at = error.lex_position + 1
        raise WrongFields(
            f"fields: not understood at character {at}, {expression[at - 1 : at + 19]!r}."
        ) from None
    except RecursionError:
        raise WrongFields(_NESTED) from None


def _metered() -> Any:
    """An interpreter that gives up when its steps are used up. The library is loaded by need."""
    from jmespath.exceptions import UnknownFunctionError
    from jmespath.visitor import Options, TreeInterpreter

    class Metered(TreeInterpreter):  # type: ignore[misc]
        left = _STEPS

        def spend(self, steps: int) -> None:
            self.left -= steps
            if self.left < 0:
                raise WrongFields(_TOO_MUCH)

        def visit(self, node: Any, value: Any) -> Any:
            made = super().visit(node, value)
            self.spend(1 + (len(made) if isinstance(made, (list, dict)) else 0))
            return made

        def visit_flatten(self, node: Any, value: Any) -> Any:
            base = self.visit(node["children"][0], value)
            if isinstance(base, list):
                self.spend(sum(len(item) for item in base if isinstance(item, list)))
                return super().visit_flatten({"children": [_KNOWN]}, base)
            return None

        def visit_comparator(self, node: Any, value: Any) -> Any:
            sides = [self.visit(child, value) for child in node["children"]]
            self.spend(sum(_whole(side, "cannot be compared") for side in sides))
            literals = [{"type": "literal", "value": side} for side in sides]
            return super().visit_comparator({**node, "children": literals}, value)

        def visit_function_expression(self, node: Any, value: Any) -> Any:
            name = node["value"]
            arguments = [self.visit(child, value) for child in node["children"]]
            self.spend(_cost(name, arguments))
            try:
                return self._functions.call_function(name, arguments)
            except UnknownFunctionError:
                own = f"JMESPath's own and {COUNT_BY}(list, &value), {GROUP_BY}(list, &value)"
                message = f"fields: there is no function {name}(), only {own}."
                raise WrongFields(message) from None

    return Metered(Options(custom_functions=functions()()))


def _cost(name: str, arguments: list[Any]) -> int:
    """What a function costs beside its steps; what it spells out or compares is looked at whole."""
    if name == "join":
        return _joined_length(arguments) // 8
    whole = arguments[:1] if name == "to_string" else []
    if name == "contains":
        # A list is searched element by element.
        searched = arguments[0] if arguments and isinstance(arguments[0], list) else []
        whole = [*searched, *arguments[1:]]
    return sum(_whole(value, f"is too much for {name}()") for value in whole)


def _whole(value: Any, problem: str) -> int:
    """What it costs to look at the whole of a value.

    Raises:
        WrongFields: it is a list or an object, and too large.
    """
    if not isinstance(value, (list, dict)):
        return 0
    size = _size(value, _WHOLE_VALUES, _WHOLE_CHARACTERS)
    if size is None:
        raise WrongFields(f"fields: a list or object of this size {problem}; take parts of it.")
    return size


def _joined_length(arguments: list[Any]) -> int:
    """How long the text becomes that join() makes."""
    glue = len(arguments[0]) if arguments and isinstance(arguments[0], str) else 0
    texts = [text for a in arguments[1:] if isinstance(a, list) for text in a]
    return sum(len(text) + glue for text in texts if isinstance(text, str))


def _bound(made: Any) -> None:
    """Refuse a result that is too large; parts of it may be shared many times."""
    if _size(made, _MOST_VALUES, _MOST_CHARACTERS) is None:
        raise WrongFields(_TOO_MUCH)


def _size(made: Any, most_values: int, most_characters: int) -> int | None:
    """How much is in a value, None if that is too much.

    Raises:
        WrongFields: it is nested too deeply.
    """
    values, characters = 0, 0
    level = [made]
    for _ in range(_DEEPEST):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
            elif isinstance(value, str):
                characters += len(value)
            if values + len(below) > most_values or characters > most_characters:
                return None
        values += len(below)
        if not below:
            return values + characters // 8
        level = below
    raise WrongFields(_NESTED)


_KNOWN = {"type": "identity", "children": []}
_NESTED = "fields: the expression is nested too deeply."
_TOO_MUCH = "fields: the expression makes too much of this answer; ask for less of it."

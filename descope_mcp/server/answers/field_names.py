"""Whether `fields` fit an answer at all, and the names that do.

A name that nothing in the answer has makes JMESPath answer null, or leave every element out. Who
reads that takes it for an answer: nobody has this, or there is one thing and it is empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from descope_mcp.catalog import field_selection
from descope_mcp.catalog.field_selection import WrongFields
from descope_mcp.server.answers.readable_values import READABLE

#: So many elements of a list are looked at for their names, and so many names are told.
_LOOKED_AT, _MOST_NAMES = 50, 40
_DEEPEST = 8


def check(expression: str, made: Any, data: Any, field: str | None) -> None:
    """Refuse an expression of which nothing comes, though there is something it could be made of.

    Args:
        expression: that was evaluated.
        made: what came of it.
        data: what it was evaluated on.
        field: the list in `data`, "" if `data` is one, None if there is none.

    Raises:
        WrongFields: nothing but nulls came of it, or nothing at all because of a name that the
            answer does not have.
    """
    rows = data.get(field) if field else data if field == "" else None
    if rows == [] or not data or _says_something(made):
        return
    known = set(_names(data))
    unknown = [name for name in field_selection.names(expression) if name not in known]
    if not unknown and _is_empty_there(made):
        return
    what = f"nothing is called {', '.join(unknown)}" if unknown else "only nulls come of it"
    raise WrongFields(f"fields: {what} here. There are: {_told(data, field)}.")


def _says_something(made: Any) -> bool:
    """Whether there is any value but null in it."""
    if isinstance(made, dict):
        return any(_says_something(value) for value in made.values())
    if isinstance(made, list):
        return any(_says_something(value) for value in made)
    return made is not None


def _is_empty_there(made: Any) -> bool:
    """Whether a list or an object without content is in it: found as it is, and no null."""
    if isinstance(made, (dict, list)):
        inner = list(made.values()) if isinstance(made, dict) else made
        return not inner or any(map(_is_empty_there, inner))
    return False


def _names(data: Any, depth: int = 0) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(data, dict):
        for name, value in data.items():
            yield name
            yield from _names(value, depth + 1)
    elif isinstance(data, list):
        for item in data[:_LOOKED_AT]:
            yield from _names(item, depth + 1)


def _told(data: Any, field: str | None) -> str:
    """The names at the top of an answer, and those of the elements of its list or only object."""
    if not isinstance(data, (dict, list)):
        return "none"
    top = list(data) if isinstance(data, dict) else []
    inner, where = (data if isinstance(data, list) else data.get(field or "")), f"{field}[]"
    if isinstance(data, dict) and inner is None and len(top) == 1:
        inner, where = data[top[0]], top[0]
    elements = inner if isinstance(inner, list) else [inner]
    below = dict.fromkeys(
        name for one in elements[:_LOOKED_AT] if isinstance(one, dict) for name in one
    )
    said = [", ".join(top[:_MOST_NAMES])] if top else []
    shown = [name for name in below if not name.endswith(READABLE)][:_MOST_NAMES]
    return "; ".join([*said, *([f"in {where} {', '.join(shown)}"] if shown else [])])

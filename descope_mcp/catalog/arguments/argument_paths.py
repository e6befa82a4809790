"""The arguments of an operation at every depth, and texts that are said of the ends of their paths.

Curated files speak of arguments by the end of a path: ``tenantId`` is every argument of that name,
``userTenants.tenantId`` only that one field, ``.tenantId`` an argument of its own and no field,
``sessionSettings.*`` all that is in one, however deep. Of several that fit the one that begins
farthest out counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple


class Argument(NamedTuple):
    """An argument, or a field in one: its path, the names on the way, its schema.

    In a path ``[]`` is an element of a list and ``*`` whatever name an entry of a free object has;
    the names leave both out. The schema is that of an element where the argument is a list.
    """

    path: str
    names: tuple[str, ...]
    schema: Mapping[str, Any]

    @property
    def fields(self) -> Mapping[str, Any]:
        """The fields of an object; empty for all else."""
        return inside(self.schema)[0]


def every(properties: Mapping[str, Any], above: str = "") -> Iterator[Argument]:
    """Every argument and every field, from the outside in."""
    for name, schema in properties.items():
        path = f"{above}.{name}" if above else name
        element, here = schema, path
        while element.get("type") == "array":
            element, here = element["items"], f"{here}[]"
        names = tuple(part for part in path.replace("[]", "").split(".") if part != "*")
        yield Argument(path, names, element)
        fields, step = inside(element)
        yield from every(fields, f"{here}{step}")


def inside(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """The fields of an object, or of a free object's entries, and the step that leads there."""
    if fields := schema.get("properties"):
        return fields, ""
    extra = schema.get("additionalProperties")
    return (extra.get("properties", {}), ".*") if isinstance(extra, Mapping) else ({}, "")


@cache
def ends(names: tuple[str, ...]) -> tuple[str, ...]:
    """The texts that fit an argument, the one that counts most first."""
    texts = [f".{'.'.join(names)}"]
    for start, name in enumerate(names):
        texts.append(".".join(names[start:]))
        if start < len(names) - 1:
            texts.append(f"{name}.*")
    return tuple(texts)

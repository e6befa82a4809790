"""Where the references of a recipe lead, by the schemas of the contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from descope_mcp.catalog import recipe_reference
from descope_mcp.catalog.schemas import input_schema

#: The schemas of what references can start at, by root.
Roots = dict[str, dict[str, Any]]


def dangling(value: Any, roots: Roots) -> list[str]:
    """What is wrong with the references in a recipe's value."""
    if isinstance(value, dict) and recipe_reference.EACH in value:
        roots = {**roots, "element": element_of(value[recipe_reference.EACH], roots)}
    if isinstance(value, dict):
        return [problem for item in value.values() for problem in dangling(item, roots)]
    if isinstance(value, (list, tuple)):
        return [problem for item in value for problem in dangling(item, roots)]
    try:
        ones = recipe_reference.all_in(value)
    except ValueError:
        return [f"{value} is no reference"]
    problems = [f"{value}: there is no {one.root} here" for one in ones if one.root not in roots]
    known = [one for one in ones if one.path and one.root in roots]
    lost = [one for one in known if input_schema.lookup(roots[one.root], one.path) is None]
    return [*problems, *(f"{value} leads nowhere" for _ in lost)]


def element_of(text: str, roots: Roots) -> dict[str, Any]:
    """The schema of an element of what a reference leads to, or of that itself if it is no list."""
    found = at(text, roots)
    element: dict[str, Any] = found.get("items", found)
    return element


def at(text: str, roots: Roots) -> dict[str, Any]:
    """The schema of what a reference leads to; empty for one that leads nowhere."""
    try:
        one = recipe_reference.all_in(text)[0]
    except (ValueError, IndexError):
        return {}
    return input_schema.lookup(roots.get(one.root, {}), one.path) or {}


def like_fields(arguments: dict[str, Any], roots: Roots) -> set[str]:
    """The fields of the objects that a call's arguments shall be like."""
    likes = arguments.get(recipe_reference.LIKE, [])
    texts = likes if isinstance(likes, list) else [likes]
    return {name for text in texts for name in at(text, roots).get("properties", {})}


def surplus(value: Any, wanted: dict[str, Any], path: str = "") -> Iterator[str]:
    """The fields that a recipe gives and the request does not take."""
    if isinstance(value, list):
        for item in value:
            yield from surplus(item, wanted.get("items", {}), path)
    elif isinstance(value, dict) and recipe_reference.EACH in value:
        inner = {key: item for key, item in value.items() if key != recipe_reference.EACH}
        yield from surplus(inner, wanted.get("items", {}), path)
    elif isinstance(value, dict) and "properties" in wanted:
        for key, item in value.items():
            where = f"{path}.{key}" if path else key
            if key in wanted["properties"]:
                yield from surplus(item, wanted["properties"][key], where)
            elif key != recipe_reference.LIKE:
                yield f"has no argument {where}"

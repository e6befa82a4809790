"""What a call says besides all that its question shows elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from descope_mcp.catalog.json_path import distinct
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.replacement import is_compared
from descope_mcp.guard.policy.decision import needed_lists
from descope_mcp.guard.preview.comparison.difference import Change
from descope_mcp.guard.preview.preview import Preview, target_value
from descope_mcp.guard.preview.recipe_values import as_list
from descope_mcp.guard.question.question_data import Fact, Group, Member
from descope_mcp.guard.question.quoting import whole
from descope_mcp.guard.question.value_format import shown, words

_INDEX = re.compile(r"\[\d+\]")
_REFERENCE = re.compile(r"\$args\.([\w.\[\]]+)")


def other_arguments(
    operation: Operation,
    given: Mapping[str, Any],
    changes: Sequence[Change] | None,
    said: frozenset[str],
    groups: Sequence[Group],
    preview: Preview,
    names: Mapping[str, Member],
) -> list[Fact]:
    """The arguments that nothing else shows, equal ones of many elements once."""
    changed = {(change.path, change.element) for change in changes or ()}
    everywhere = {path for path, _ in changed}
    in_words = {source.removeprefix("$args.") for source in said if source.startswith("$args.")}
    if "target" in said and operation.target.startswith("$args."):
        in_words.add(operation.target.removeprefix("$args."))
    lists = needed_lists(operation)
    naming, target = _naming(operation), target_value(operation, preview)
    listed = (groups and not preview.missing) or (operation.update and lists)
    named = naming if listed else set()
    grouped: dict[tuple[str, str], list[str]] = {}
    compared = bool(operation.update) and bool(preview.found) and changes is not None
    for path, element, value in _leaves(given, lists, together=not operation.update):
        plain = _INDEX.sub("[]", path)
        if compared and not element and is_compared(operation, plain):
            continue  # what does not become different stays as it is
        if _within(plain, in_words) or (plain in named and _seen(value, names, groups)):
            continue
        if "target" in said and plain in naming and value in as_list(target):
            continue
        if any((part, element) in changed for part in _above(plain)):
            continue
        if not element and any(part in everywhere for part in _above(plain)):
            continue
        grouped.setdefault(
            (plain, shown(plain, value, operation.moments.get(plain, ""))), []
        ).append(element)
    total = max([0, *(len(distinct(given[n])) for n in lists if isinstance(given.get(n), list))])
    facts = []
    for (path, value), of in grouped.items():
        # An element says whose value it is, unless that is the value itself.
        elements = (one for one in dict.fromkeys(of) if one and whole(one) != value)
        who = [str(names.get(one) or whole(one)) for one in elements]
        first, _, below = path.partition("[].")
        label = words(below if below and first in lists else path.removesuffix("[]"))
        if who == [value]:
            who = []  # an element that is its own name
        for_all = " for all" if len(who) == total else f" for {', '.join(who)}"
        facts.append(Fact(label, f"{value}{for_all}" if who and total > 1 else value))
    return facts


def _naming(operation: Operation) -> set[str]:
    """The arguments that name the targets, which the preview has found."""
    step = operation.preview[0] if operation.preview else None
    if step is None:
        return set()
    texts = json.dumps([step.arguments, step.match, *step.otherwise])
    paths = _REFERENCE.findall(texts)
    return {*paths, *(f"{path}[]" for path in paths)}


def _seen(value: Any, names: Mapping[str, Member], groups: Sequence[Group]) -> bool:
    """Whether a name or id in the call, or each of several, is that of somebody who is shown."""
    if isinstance(value, list):
        return all(_seen(one, names, groups) for one in value)
    return str(value) in names or any(
        whole(value) in (member.name, member.id) for group in groups for member in group.members
    )


def _leaves(
    given: Mapping[str, Any], lists: Sequence[str], *, together: bool
) -> Iterator[tuple[str, str, Any]]:
    """Every value with its path, and the element of the call's list that it belongs to.

    Of several objects in a list nobody could tell which value belongs to which, so that each is one
    value where they are `together` and nothing names them.
    """
    for name, value in given.items():
        if name in lists and isinstance(value, list):
            for index, item in enumerate(value):
                element = _element(item)
                if together and not element and isinstance(item, Mapping) and len(value) > 1:
                    yield f"{name}[{index}]", "", item
                    continue
                for path, leaf in _below(item, f"{name}[{index}]", together=together):
                    yield path, element, leaf
        else:
            for path, leaf in _below(value, name, together=together):
                yield path, "", leaf


def _below(value: Any, path: str, *, together: bool) -> Iterator[tuple[str, Any]]:
    """The values inside nested arguments, each with its path; a list of plain ones is one."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _below(item, f"{path}.{key}", together=together)
    elif isinstance(value, list) and any(isinstance(item, (Mapping, list)) for item in value):
        for index, item in enumerate(value):
            inside = f"{path}[{index}]"
            if together and isinstance(item, Mapping) and len(value) > 1:
                yield inside, item
            else:
                yield from _below(item, inside, together=together)
    else:
        yield path, value


def _element(item: Any) -> str:
    if not isinstance(item, Mapping):
        return str(item)
    keys = ("id", "tenantId", "name", "key", "value", "loginId", "userId", "email")
    return next((str(item[key]) for key in keys if item.get(key)), "")


def _above(path: str) -> Iterator[str]:
    """A path and all those that it lies below."""
    yield path
    for match in re.finditer(r"\[\]|\.", path):
        yield path[: match.start()]
        yield path[: match.end()] if match[0] == "[]" else path[: match.start()]


def _within(path: str, paths: set[str]) -> bool:
    return any(part in paths for part in _above(path))

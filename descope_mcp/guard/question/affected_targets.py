"""Who and what a call hits: groups of members, each once, with what marks them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from descope_mcp.catalog.json_path import values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.recipe_values import as_list
from descope_mcp.guard.preview.standing import UNMARKED, Standing
from descope_mcp.guard.question.marks import marks, weight
from descope_mcp.guard.question.question_data import Group, Member
from descope_mcp.guard.question.quoting import whole
from descope_mcp.guard.question.value_format import compact, words

#: What a member is called by, and what else tells it from others, the surest first.
_NAMES = ("name", "displayName", "clientName", "action", "loginId", "email", "userName", "id")
_ADDRESSES = ("loginIds", "loginId", "email")
_IDS = (*_ADDRESSES, "id", "userId", "appId", "tenantId", "clientId")
#: What has neither name nor id is called by all that is in it, if that are no more texts.
_MOST_TEXTS = 8
#: Of so many at most, so that the question stays one for a form.
_MOST_TOLD = 30
#: Lists in answers that are called by too little.
_TITLES = {"keys": "access keys", "apps": "applications", "SSOSettings": "single sign-on settings"}


def hits(operation: Operation, preview: Preview, counts: Sequence[Tally]) -> tuple[Group, ...]:
    """Those whom the preview found: several targets, and what hangs on them."""
    groups = []
    for index, (step, seen) in enumerate(zip(operation.preview, preview.found, strict=False)):
        whole_list = isinstance(seen, list) or (index > 0 and step.find and bool(seen))
        if not whole_list or (index == 0 and operation.update):
            continue
        elements = seen if isinstance(seen, list) else [seen]
        several = [one for one in elements if isinstance(one, (Mapping, str))]
        name = step.find.rpartition(".")[2]
        if len(several) == len(elements) and (isinstance(seen, list) or _is_element(seen)):
            title = _TITLES.get(name) or words(name)
            numbers = [c.number for c in counts if c.label.startswith(title)]
            more = max([0, *(n - len(elements) for n in numbers)])
            named = _members(elements, preview.standing)
            gone = operation.effect == "destructive" and not named
            told = [Member(text) for one in elements if (text := _all_of(one))] if gone else []
            if not (named or numbers or told):
                continue  # nothing is known of them but that they were read
            named = named or tuple(told if len(told) <= _MOST_TOLD else ())
            groups.append(Group(title, named, max(more, len(elements) - len(named))))
    return (*groups, *_counted_lists(operation, preview))


def members(elements: Sequence[Any], standing: Standing) -> dict[str, Member]:
    """What a person knows elements by, by every value that identifies them."""
    names: dict[str, Member] = {}
    for element in elements:
        if isinstance(element, Mapping):
            member = _member(element, standing)._replace(id="")
            for key in _IDS:
                for one in as_list(element.get(key)):
                    names.setdefault(str(one), member)
    return names


def called(found: Sequence[Any]) -> dict[str, str]:
    """What a person knows those by whom a preview found, by the ids that the service made.

    Both are quoted.
    """
    elements = [one for seen in found for one in as_list(seen) if isinstance(one, Mapping)]
    return {
        whole(one[key]): str(member._replace(marks=()))
        for one in elements
        for key in ("userId", "id")
        if one.get(key) and (member := _member(one, UNMARKED)).name
    }


def _is_element(seen: Any) -> bool:
    return isinstance(seen, Mapping) and any(seen.get(key) for key in _NAMES)


def _members(elements: Sequence[Any], standing: Standing) -> tuple[Member, ...]:
    """One for every element that has a name; with service-made ids only where names are alike."""
    named = [member for one in elements if (member := _member(one, standing)).name]
    distinct = len({member.name for member in named}) == len(named)
    if not distinct:
        named = [_member(one, standing, _IDS) for one in elements]
    return tuple(sorted(dict.fromkeys(named), key=lambda member: weight(member.marks)))


def _member(element: Any, standing: Standing, ids: Sequence[str] = _ADDRESSES) -> Member:
    if not isinstance(element, Mapping):
        return Member(whole(element))
    name = next((element[key] for key in _NAMES if element.get(key)), "")
    known = [one for key in ids for one in as_list(element.get(key)) if one and one != name]
    if not name and known:
        name, known = known[0], known[1:]
    shown = whole(name) if name else ""
    return Member(shown, whole(known[0]) if known else "", marks(element, standing))


def _all_of(element: Any) -> str:
    """An element that has no name and consists of a few texts, as a relation does; else ""."""
    if not isinstance(element, Mapping):
        return ""
    said = {key: value for key, value in element.items() if value not in (None, "", [], {})}
    if len(said) > _MOST_TEXTS or not all(isinstance(value, str) for value in said.values()):
        return ""
    return f"({compact(said)})" if said else ""


def _counted_lists(operation: Operation, preview: Preview) -> Iterator[Group]:
    """Lists inside of what the preview found that the impact counts: problems of a dry run."""
    for count in operation.impact:
        for step, seen in zip(operation.preview[1:], preview.found[1:], strict=False):
            if step.operation != count.operation or step.find or not isinstance(seen, Mapping):
                continue
            listed = [v for v in values_at(seen, count.count) if isinstance(v, list) and v]
            for found in listed[:1]:
                yield Group(count.label, tuple(Member(whole(one)) for one in found))

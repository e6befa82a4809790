"""The reads that one recipe of ``tool_specs`` stands for, and what they hold together.

Where the call names several and the read takes one, it runs for each; where the answer has pages,
for each page. What can be known to be needed is asked for at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from descope_mcp.api import large_work
from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.json_path import leaves, values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.recipe import Count, Read
from descope_mcp.catalog.recipe_reference import Reference, all_in, parse
from descope_mcp.guard.preview.failures import PreviewFailed
from descope_mcp.guard.preview.ordered_gather import gather
from descope_mcp.guard.preview.read_budget import MOST_READS, Reader
from descope_mcp.guard.preview.recipe_values import ABSENT, Scope, as_list, refers, resolve
from descope_mcp.guard.secrets.redaction import seal


class Seen(NamedTuple):
    """What a read holds at a path, and whether that is all of it."""

    value: Any = None
    whole: bool = True


NOTHING = Seen()


class _Page(NamedTuple):
    """One answer: what it holds at the path, and the pages that it says come after it."""

    places: list[Any]
    more: list[int]


def sought(operation: Operation, arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What names the target of a call: paths and values, as the first read of its preview takes it.

    Nothing for an operation without a preview.
    """
    for first in operation.preview[:1]:
        for way in (*ways(first), first.match):
            named = {name: value for name, value in way.items() if refers(value)}
            found = resolve(named, Scope(arguments)) if named else ABSENT
            if found is not ABSENT:
                yield from leaves(found)


async def run(
    catalog: Catalog, name: str, recipe: dict[str, Any], path: str, scope: Scope, read: Reader
) -> Seen:
    """What the reads of a recipe hold at `path`, with secrets sealed; at most MOST_READS of them.

    Lists are joined, by the values of the call first and then by pages, and numbers are added up.

    Raises:
        PreviewFailed: it is no plain read.
        InvalidArguments, ApiFailure: of the first read that fails.
    """
    operation = catalog[name]
    if operation.worst_effect != "read" or "reveals_secret" in operation.worst_hazards:
        raise PreviewFailed(f"{name} is not a read; a preview may not run it.")
    resolved = resolve(recipe, scope)
    each = list(_one_by_one(operation, {} if resolved is ABSENT else resolved))
    read_so_far: dict[tuple[int, int], _Page] = {}
    # By the number of the value and of the page; all that is waiting at once goes at once.
    waiting = [(index, arguments.get("page", 0)) for index, arguments in enumerate(each)]
    while waiting and len(read_so_far) < MOST_READS:
        now = waiting[: MOST_READS - len(read_so_far)]
        jobs = [partial(_page, operation, each[i], page, path, read) for i, page in now]
        read_so_far |= zip(now, await gather(jobs), strict=True)
        coming = [(i, page) for i, last in now for page in read_so_far[i, last].more]
        waiting = sorted({*waiting, *coming} - read_so_far.keys())
    places = [place for key in sorted(read_so_far) for place in read_so_far[key].places]
    return Seen(_together(places, len(each) > 1), not waiting)


async def _page(
    operation: Operation, arguments: dict[str, Any], page: int, path: str, read: Reader
) -> _Page:
    """One read, of the page that is asked for."""
    given = {**arguments, "page": page} if page else arguments
    size = large_work.size(given)
    data = await read(operation, await large_work.run(size, check, operation, given))
    sealed = await large_work.run(large_work.size(data), seal, operation, data)
    places = values_at(sealed, path)
    rows = places[0] if places and isinstance(places[0], list) else []
    return _Page(places, list(_pages_after(operation, given, data, rows)))


def _pages_after(
    operation: Operation, arguments: dict[str, Any], data: dict[str, Any], rows: list[Any]
) -> Iterable[int]:
    """The pages that an answer says come after it: all of them if it has a total, else the next."""
    if "page" not in operation.input_schema["properties"] or not rows:
        return ()
    limit, page = arguments.get("limit") or len(rows), arguments.get("page", 0)
    total = data.get("total")
    if not isinstance(total, int):
        return (page + 1,) if "limit" in arguments and len(rows) >= limit else ()
    if page * limit + len(rows) >= total:
        return ()
    # The last of them, or a fuller project by then, may say that there are more.
    return range(page + 1, min(max(page + 2, -(-total // limit)), page + 1 + MOST_READS))


def _together(places: list[Any], several: bool) -> Any:
    """What several reads hold: one list of all elements, a sum, or a list of what each holds."""
    if len(places) > 1 and all(isinstance(place, list) for place in places):
        return [item for place in places for item in place]
    if several and places and all(isinstance(place, int) for place in places):
        return sum(places)
    return places if several else places[0] if places else None


def _one_by_one(operation: Operation, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """The arguments of each read: one, or one per element where a single value is taken."""
    properties = operation.input_schema["properties"]
    for name, value in arguments.items():
        if isinstance(value, list) and properties.get(name, {}).get("type") == "string":
            return [{**arguments, name: item} for item in dict.fromkeys(value)]
    return [arguments]


def most_reads(catalog: Catalog, recipes: Iterable[Read | Count], scope: Scope) -> int:
    """How often recipes may read at most, as far as `scope` tells; what is the same counts once.

    A single reference to what is not known yet counts as a single value.
    """
    most: dict[str, int] = {}
    for recipe in recipes:
        operation = catalog[recipe.operation]
        path = recipe.find if isinstance(recipe, Read) else recipe.count
        for arguments in ways(recipe):
            given = {**arguments, **recipe.narrow}
            key = json.dumps([recipe.operation, given], sort_keys=True)
            reads = _most_reads(operation, given, path, scope) * _times(recipe, scope)
            most[key] = max(most.get(key, 0), reads)
    return sum(most.values())


def _times(recipe: Read | Count, scope: Scope) -> int:
    """For how many elements a step is made."""
    each = recipe.each if isinstance(recipe, Read) else ""
    return len(as_list(resolve(each, scope))) if each else 1


def _most_reads(operation: Operation, arguments: dict[str, Any], path: str, scope: Scope) -> int:
    properties = operation.input_schema["properties"]
    if "page" in properties and not (operation.paging and path == operation.paging.total):
        return MOST_READS
    for name, value in arguments.items():
        if properties.get(name, {}).get("type") == "string" and isinstance(
            reference := parse(value), Reference
        ):
            if reference.many:
                return MOST_READS
            known = resolve(value, scope)
            if isinstance(known, list):
                return min(len(known), MOST_READS)
    return 1


def ways(recipe: Read | Count) -> Iterator[Mapping[str, Any]]:
    """The arguments by which a recipe may find what it looks for."""
    yield recipe.arguments
    if isinstance(recipe, Read):
        yield from recipe.otherwise


def needs(recipe: Read | Count, steps: Iterable[Read]) -> list[int]:
    """The numbers of those of `steps` whose results a recipe refers to."""
    each = recipe.each if isinstance(recipe, Read) else ""
    said = all_in([*ways(recipe), recipe.narrow, recipe.match, each])
    names = {r.path.partition(".")[0].removesuffix("[]") for r in said if r.root == "found"}
    target = any(r.root == "before" for r in said)
    return [
        number
        for number, step in enumerate(steps)
        if step.operation in names or (target and not number)
    ]

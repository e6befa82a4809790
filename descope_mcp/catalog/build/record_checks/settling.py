"""Whether it can be told by a record that a call has nothing to do (`settled`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from descope_mcp.catalog import recipe_reference
from descope_mcp.catalog.build.record_checks.recipe_schemas import Roots, dangling
from descope_mcp.catalog.operation_record.recipe import Lookup, Settled, Source
from descope_mcp.catalog.operation_record.record import Record
from descope_mcp.catalog.schemas import input_schema


def problems(record: Record, own: dict[str, Any], roots: Roots) -> Iterator[str]:
    """What is wrong with `settled` of a record.

    Args:
        record: of any operation.
        own: the schema of its arguments.
        roots: the schemas of what references can start at.
    """
    rule = record.settled
    if not rule:
        return
    step = record.preview[0] if record.preview else None
    if step is None or step.optional or step.match:
        yield "only what is read itself, and always, tells that there is nothing to do"
        return
    if not isinstance(rule, Settled):
        if not record.update:
            yield "only an update can be compared"
        return
    if sum(map(bool, (rule.within, rule.outside, rule.equals))) != 1:
        yield "one of within, outside and equals is needed"
    sources = rule.within or rule.outside
    several: tuple[Source, ...] = sources if isinstance(sources, tuple) else (sources,)
    for source in several:
        among = source.among if isinstance(source, Lookup) else source
        if not among.startswith("$before."):
            yield f"{among} is not of the before-state"
        yield from dangling(among, roots)
    yield from dangling(rule.values, roots)
    asked = recipe_reference.all_in([step.arguments, step.narrow, *step.otherwise])
    for one in recipe_reference.all_in(rule.values):
        if one.root == "args" and one in asked:
            yield f"{rule.values} is asked for, so that an answer may only repeat it"
        if one.root == "args" and input_schema.lookup(own, one.path) is None:
            yield f"there is no argument {one.path}"

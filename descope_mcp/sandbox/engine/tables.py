"""How an area declares its records: tables, what is unique in them, how they refer to each other.

An area registers its tables at module level and uses them through `State`::

    THINGS = register(
        Table(
            "things",
            "T",
            missing=NO_THING,
            unique=(Unique(("name", "tenantId"), THING_EXISTS),),
            references=(Reference("tenantId", "tenants", unknown=NO_TENANT, on_delete="cascade"),),
            template={"name": "", "tenantId": "", "tags": []},
        )
    )
    thing = state.add(THINGS, {"name": "one"})

A path names values inside a record: ``tenantId``, ``roleNames[]``, ``userTenants[].tenantId``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

from descope_mcp.sandbox.engine.errors import NO_RECORD, Kind
from descope_mcp.sandbox.engine.fields import Record

#: What becomes of a reference when the record it names is deleted: the list element that holds it
#: goes; the record that holds it goes; the field becomes empty; the deletion fails; nothing.
OnDelete = Literal["drop", "cascade", "clear", "refuse", "keep"]


@dataclass(frozen=True, slots=True)
class Unique:
    """Fields (paths) that no two records share. One whose first field is empty is not compared."""

    fields: tuple[str, ...]
    taken: Kind


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that names records of another table; empty values name nothing.

    Attributes:
        path: where the names are.
        table: the name of the other table.
        by: which field of the other it holds. Renaming that field changes this one too.
        unknown: the error for a name that means nothing; None does not check.
        on_delete: what becomes of it when the other is deleted.
        in_use: the error for ``refuse``.
        scope: the field next to the name that says in which scope it holds, if the other table
            has scopes and is named otherwise than by its key.
    """

    path: str
    table: str
    by: str = "id"
    _: KW_ONLY
    unknown: Kind | None = None
    on_delete: OnDelete = "keep"
    in_use: Kind | None = None
    scope: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A sort of records.

    Attributes:
        name: what references call it.
        letter: the first letter of new ids; without one the caller gives the key.
        key: the field that is the key; it never changes.
        missing: the error when a key names no record.
        unique: what must be unique beside the key.
        references: the fields that name records of other tables.
        scope: the field that limits where a record's name holds (``tenantId`` of roles). A name
            means the record of its own scope, else the one whose scope is empty.
        searched: the fields (paths) that `Records.containing` looks into.
        template: the fields that a new record has when they are left out.
        secrets: the fields (paths) that nobody is to read out of a file or a page.
        whole: whether the template has every field, so that another one is a mistake.
        passing: whether its records are of something that is under way, such as a sign-in, and
            mean nothing to another sandbox.
    """

    name: str
    letter: str = ""
    key: str = "id"
    _: KW_ONLY
    missing: Kind = NO_RECORD
    unique: tuple[Unique, ...] = ()
    references: tuple[Reference, ...] = ()
    scope: str = ""
    searched: tuple[str, ...] = ()
    template: Mapping[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    whole: bool = False
    passing: bool = False


#: Every table by its name.
TABLES: dict[str, Table] = {}


def register(table: Table) -> Table:
    """Make `table` known, so that others can refer to it.

    Raises:
        ValueError: there is one of that name.
    """
    if table.name in TABLES:
        raise ValueError(f"there is a table {table.name} already")
    TABLES[table.name] = table
    return table


def referring(table: Table) -> Iterator[tuple[Table, Reference]]:
    """Every reference to `table`, with the table that has it."""
    for other in TABLES.values():
        for reference in other.references:
            if reference.table == table.name:
                yield other, reference


def top(path: str) -> str:
    """The record's own field that a path begins with."""
    return path.partition(".")[0].removesuffix("[]")


def named(holder: Mapping[str, Any], path: str) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Every value at `path`, with the object that has it or, for a list's element, the list."""
    head, _, rest = path.partition(".")
    value = holder.get(head.removesuffix("[]"))
    for item in (value or ()) if head.endswith("[]") else (value,):
        if not rest:
            yield holder, item
        elif isinstance(item, Mapping):
            yield from named(item, rest)


def replaced(
    holder: Mapping[str, Any],
    path: str,
    new: Callable[[Mapping[str, Any], Any], Any],
    *,
    drop: bool = False,
) -> Record:
    """A copy of `holder` in which `new(object that has it, value)` stands for every value.

    Where it is None the value becomes empty or, with `drop`, the innermost list element goes.
    A list has no value twice after that. `holder` itself stays as it is.
    """
    head, _, rest = path.partition(".")
    name = head.removesuffix("[]")
    value = holder.get(name)
    if not head.endswith("[]"):
        if rest:
            inner = value if isinstance(value, Mapping) else {}
            return {**holder, name: replaced(inner, rest, new, drop=drop)}
        after = new(holder, value)
        return {**holder, name: "" if after is None else after}
    items: list[Any] = []
    for item in value or []:
        if not rest:
            after = new(holder, item)
        elif drop and "[]" not in rest and _is_to_go(item, rest, new):
            after = None
        else:
            after = replaced(item, rest, new, drop=drop)
        if after is not None and after not in items:
            items.append(after)
    return {**holder, name: items}


def _is_to_go(item: Any, path: str, new: Callable[[Mapping[str, Any], Any], Any]) -> bool:
    return any(v is not None and new(at, v) is None for at, v in named(item, path))

"""The curated record of a report: what people write in ``tool_specs/reports``.

A report is a read that is made of several: the operations that it calls, what it keeps of their
answers, and how it puts that together. What each call answers becomes a table of an SQLite
database in memory, named after the call, and the report's parts are queries on these tables.
``args`` is a table of one row, the arguments of the report by name, null where they are not given;
``missing`` has the names of the reads that could not be made, as ``read``. A list or an object
inside of an element is a JSON text (``json_each``), a boolean 0 or 1.

References in arguments are those of the other recipes (`operation_record`): ``$args.tenantId``,
``$project``, and ``$found.user.userId`` for a column of what another read of the report found.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from descope_mcp.catalog.frozen_model import Frozen
from descope_mcp.catalog.operation_record.record import Example

#: The tables that every report has beside those of its reads.
ARGUMENTS, MISSING = "args", "missing"
#: The fields of the answer that the table of a report has.
COLUMNS, ROWS = "columns", "rows"


class Source(Frozen):
    """A read of a report, and what of its answer is kept.

    ``rows`` is the path to the list, or to the object, in the answer; ``columns`` are fields of its
    elements, or the one name of elements that are texts. Where the answer has pages, all of them
    are read. The read is made if every reference in ``given`` leads somewhere. A read that is
    denied or fails ends the report; of an ``optional`` one the report says that it is missing.
    """

    operation: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    given: tuple[str, ...] = ()
    rows: str
    columns: tuple[str, ...] = Field(min_length=1)
    optional: bool = False


class Section(Frozen):
    """A part of a report's answer beside its table.

    ``form`` says what is made of the query: the first row as an object, all of them as objects, or
    the first column as a list. Fields that are null are left out. That there is nothing is an
    answer too, except where ``if_any`` says that the section is left out then.
    """

    form: Literal["object", "objects", "values"]
    query: str
    if_any: bool = False


class Argument(Frozen):
    """An argument of a report."""

    type: Literal["string", "boolean"] = "string"
    note: str


class ReportRecord(Frozen):
    """What is written about one report; its file has its name.

    ``asked`` are ways in which people ask for it, as those of operations in
    ``tool_specs/phrasings``. ``uses`` names queries of ``shared.yaml`` that others of the report's
    may select from; ``views`` are the report's own. ``table`` is the query whose rows are the body
    of the report, as lists below the names of the ``columns``.
    """

    toolset: str
    title: str
    description: str
    aliases: tuple[str, ...]
    asked: tuple[str, ...] = Field(min_length=8)
    arguments: dict[str, Argument]
    required: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    examples: tuple[Example, ...] = Field(min_length=1)
    next: tuple[str, ...] = ()
    reads: dict[str, Source]
    uses: tuple[str, ...] = ()
    views: dict[str, str] = Field(default_factory=dict)
    sections: dict[str, Section] = Field(default_factory=dict)
    table: str = ""

"""A report as the server uses it: an operation that has no request of its own."""

from __future__ import annotations

from pydantic import Field

from descope_mcp.catalog.operation import Operation, Place, Plane, Scheme
from descope_mcp.catalog.operation_record.effect import Effect
from descope_mcp.catalog.reports.record import Section, Source


class Report(Operation):
    """A read made of several (see `report_record`); each of them takes the path of a call."""

    endpoint: str = ""
    operation_id: str = ""
    method: str = ""
    path: str = ""
    schemes: tuple[Scheme, ...] = ("management_key",)
    plane: Plane = "management"
    effect: Effect = "read"
    places: dict[str, Place] = Field(default_factory=dict)
    asked: tuple[str, ...] = ()
    reads: dict[str, Source]
    views: dict[str, str] = Field(default_factory=dict)
    sections: dict[str, Section] = Field(default_factory=dict)
    table: str = ""

    @property
    def needed(self) -> tuple[str, ...]:
        """The operations without which there is no report."""
        names = (source.operation for source in self.reads.values() if not source.optional)
        return tuple(dict.fromkeys(names))

"""An operation as the server uses it: the curated record together with the contract's facts."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal, NamedTuple

import jsonschema_rs
from pydantic import Field

from descope_mcp.catalog.arguments.meanings import Marks, Meaning
from descope_mcp.catalog.arguments.timestamps import Unit
from descope_mcp.catalog.operation_record.effect import Hazard
from descope_mcp.catalog.operation_record.record import Overwriting, Record
from descope_mcp.catalog.pagination import Paging
from descope_mcp.catalog.schemas import input_schema as schema

Plane = Literal["management", "scim", "end_user"]
Scheme = Literal["project", "refresh_jwt", "session_jwt", "access_key", "management_key"]


class Place(NamedTuple):
    """Where an argument goes: path, query, body, credential or guard, and its name there.

    What goes to the guard is not sent.
    """

    where: str
    name: str


class Operation(Record):
    """One of the 458 operations.

    ``input_schema`` is the JSON Schema of the flat arguments (lists show its short form, see
    `published`), ``places`` says where each of them goes, ``nullable`` lists those for which
    null means "keep". ``array_body`` names the argument that is the whole body, ``unwrapped``
    the property of the documented answer whose content is the whole answer on the wire.
    ``redirects`` says that a redirect is an answer of it; of any other it is somebody else's.
    ``kinds`` says of what kind the secret at a path of the answer is; ``accepts`` which kinds
    an argument takes as a handle, and of which only one parameter of the link that they are (""
    for the whole value).

    ``moments`` are the arguments that are points in time, by their paths, each with its unit.

    ``elements`` are the names inside of the objects that fields of the answer hold, alone or in
    lists; ``other_forms`` fields that say again what others do; ``empty_means`` says of fields what
    it means that they are empty or 0.

    ``rows`` is the field of a read's answer that is its list, ``paging`` how more of it is asked
    for. ``next`` are operations that often come next.

    ``holders`` are names of its objects and lists that sound as if they held nothing but secrets,
    and do not: which of their fields are secret, the record says.

    ``marks`` says which arguments mean what; ``when`` ends with the rules that follow from it.
    ``overwriting`` are the hazards and rules for a creation that changes what exists.
    """

    name: str
    operation_id: str
    toolset: str
    method: str
    path: str
    schemes: tuple[Scheme, ...]
    plane: Plane
    input_schema: dict[str, Any]
    places: dict[str, Place]
    moments: dict[str, Unit] = Field(default_factory=dict)
    nullable: tuple[str, ...] = ()
    array_body: str = ""
    unwrapped: str = ""
    redirects: bool = False
    answer_fields: tuple[str, ...] = ()
    rows: str = ""
    paging: Paging | None = None
    next: tuple[str, ...] = ()
    other_forms: tuple[str, ...] = ()
    empty_means: dict[str, str] = Field(default_factory=dict)
    elements: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    holders: tuple[str, ...] = ()
    marks: dict[Meaning, Marks] = Field(default_factory=dict)
    kinds: dict[str, str] = Field(default_factory=dict)
    accepts: dict[str, dict[str, str]] = Field(default_factory=dict)
    overwriting: Overwriting | None = None

    @property
    def worst_hazards(self) -> tuple[Hazard, ...]:
        """Every hazard that any arguments can give it, also where it changes what exists."""
        also = self.overwriting or Overwriting()
        more = (*also.hazards, *(hazard for rule in also.when for hazard in rule.add))
        return tuple(dict.fromkeys([*super().worst_hazards, *more]))

    @property
    def undone_by(self) -> tuple[str, ...]:
        """The operations that undo this one; an update undoes itself with the old values."""
        own = (self.name,) if self.update and not self.restore else ()
        return tuple(dict.fromkeys([*own, *(step.operation for step in self.restore)]))

    @cached_property
    def validator(self) -> jsonschema_rs.Draft202012Validator:
        """Checks arguments against the input schema, closed on every level."""
        return jsonschema_rs.Draft202012Validator(schema.closed(self.input_schema))

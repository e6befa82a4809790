"""An operation as the server uses it: the curated record together with the contract's facts."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal, NamedTuple

import jsonschema_rs

from descope_mcp.catalog import schema
from descope_mcp.catalog.record import Record

Plane = Literal["management", "scim", "end_user"]
Scheme = Literal["project", "refresh_jwt", "session_jwt", "access_key", "management_key"]


class Place(NamedTuple):
    """Where an argument goes: path, query, body or credential, and its name there."""

    where: str
    name: str


class Operation(Record):
    """One of the 458 operations.

    ``input_schema`` is the published JSON Schema of the flat arguments, ``places`` says where
    each of them goes, ``nullable`` lists those for which null means "keep". ``array_body`` names
    the argument that is the whole body, ``unwrapped`` the property of the documented answer
    whose content is the whole answer on the wire.
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
    nullable: tuple[str, ...] = ()
    array_body: str = ""
    unwrapped: str = ""
    answer_fields: tuple[str, ...] = ()

    @cached_property
    def validator(self) -> jsonschema_rs.Draft202012Validator:
        """Checks arguments against the input schema, closed on every level."""
        return jsonschema_rs.Draft202012Validator(schema.closed(self.input_schema))

"""What SCIM (RFC 7644) users and groups share: whose they are, pages, operations, errors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from descope_mcp.sandbox.engine.errors import BAD_SCIM_VALUE, UNAUTHORIZED, DescopeError
from descope_mcp.sandbox.engine.fields import Record, fill, integer, objects
from descope_mcp.sandbox.engine.registry import Answer, Arguments, Reply, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.keys import access_keys
from descope_mcp.sandbox.scim import filter as scim_filter

CORE = "urn:ietf:params:scim:schemas:core:2.0"
_MESSAGES = "urn:ietf:params:scim:api:messages:2.0"

DEFAULT_COUNT = 100

Handler = Callable[[State, Arguments], Answer]


@dataclass(frozen=True, slots=True)
class Change:
    """One operation of a PATCH; `path` is empty when `value` is an object of attributes."""

    op: str
    path: str
    value: Any


def speaks_scim(function: Handler) -> Handler:
    """The handler `function`, with its errors in SCIM's form; what it wrote is undone."""

    @functools.wraps(function)
    def answering(state: State, arguments: Arguments) -> Answer:
        try:
            with state.transaction():
                return function(state, arguments)
        except DescopeError as error:
            body = {
                "schemas": [f"{_MESSAGES}:Error"],
                "status": str(error.kind.status),
                "detail": error.message,
                **({"scimType": error.kind.code} if error.kind.code.isalpha() else {}),
            }
            return Reply(body, error.kind.status)

    return answering


def tenant_of(state: State) -> str:
    """The tenant that the caller's access key is for; empty for one of the whole project."""
    key = access_keys.opened_by(state, state.caller.credential)
    if key is None:
        raise DescopeError(UNAUTHORIZED)
    return next((str(item["tenantId"]) for item in key["keyTenants"]), "")


def found(resources: Iterable[Record], arguments: Arguments) -> Answer:
    """One page, counted from 1, of the resources that pass ``filter``."""
    test = scim_filter.parsed(fill({"filter": ""}, arguments)["filter"])
    passing = [resource for resource in resources if test(resource)]
    start = max(integer(arguments, "startIndex", 1), 1)
    count = max(integer(arguments, "count", DEFAULT_COUNT), 0)
    page = passing[start - 1 : start - 1 + count]
    return {
        "schemas": [f"{_MESSAGES}:ListResponse"],
        "totalResults": len(passing),
        "startIndex": start,
        "itemsPerPage": len(page),
        "Resources": page,
    }


def changes(arguments: Arguments) -> list[Change]:
    """The operations of a PATCH, in SCIM's own form or in the contract's, which has typed values.

    Raises:
        DescopeError: an operation is neither add, nor replace, nor remove.
    """
    name = "Operations" if "Operations" in arguments else "operations"
    return [_change(item) for item in objects(arguments, name)]


def _change(item: Mapping[str, Any]) -> Change:
    asked = fill({"op": "", "path": "", "valueString": "", "valueArray": []}, item)
    op = asked["op"].lower()
    if op not in ("add", "replace", "remove"):
        raise DescopeError(BAD_SCIM_VALUE, f"The operation {asked['op']} is not supported")
    value = item.get("value")
    if value is None and item.get("valueID"):
        value = [{"value": item["valueID"]}]
    if value is None:
        value = item.get("valueBoolean")
    if value is None:
        value = asked["valueArray"] or asked["valueString"]
    return Change(op, asked["path"], value)


def meta(state: State, kind: str, key: str, created: int, modified: int) -> Record:
    """When a resource was made and changed (epoch seconds), and where it is."""
    return {
        "resourceType": kind,
        "location": f"{state.caller.url}/scim/v2/{kind}s/{key}",
        "created": _moment(created),
        "lastModified": _moment(modified),
    }


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@handles("LoadSCIMResourceTypes")
def resource_types(state: State, arguments: Arguments) -> Answer:
    """The two sorts of resources."""
    return {
        "values": [
            {
                "schemas": [f"{CORE}:ResourceType"],
                "id": kind,
                "name": kind,
                "description": about,
                "endpoint": f"/{kind}s",
                "schema": f"{CORE}:{kind}",
            }
            for kind, about in (("User", "A user of the tenant"), ("Group", "A group of users"))
        ]
    }


@handles("LoadSCIMServiceProviderConfig")
def service_provider(state: State, arguments: Arguments) -> Answer:
    """What of SCIM is supported."""
    return {
        "schemas": [f"{CORE}:ServiceProviderConfig"],
        "documentationUri": "https://docs.descope.com",
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": DEFAULT_COUNT},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": False},
        "authenticationSchemes": [
            {
                "name": "Access key",
                "description": "Project id and access key, with a colon between, as bearer token",
                "primary": True,
                "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
                "type": "oauthbearertoken",
            }
        ],
    }

"""Display names of resources, and the resources that a tenant's groups can be mapped to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from descope_mcp.sandbox.authorization.schema import RELATIONS, current, shown, stored_targets
from descope_mcp.sandbox.engine.fields import Record, fill, integer, objects, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Table, register
from descope_mcp.sandbox.tenants.tables import TENANTS

DETAILS = register(Table("fga_resources", "F"))

_IDENTIFIER: Record = {"resourceId": "", "resourceType": ""}
_DETAILS: Record = {**_IDENTIFIER, "displayName": ""}


@handles("SaveResourcesDetails", required=["resourcesDetails[]"])
def save_resources_details(state: State, arguments: Arguments) -> Answer:
    """Replace what is kept about resources."""
    for item in objects(arguments, "resourcesDetails"):
        details = fill(_DETAILS, item)
        require(details, *_IDENTIFIER)
        if found := state.find(DETAILS, **{name: details[name] for name in _IDENTIFIER}):
            state.change(DETAILS, found, details)
        else:
            state.add(DETAILS, details)
    state.record("AuthzResourcesModified")
    return {}


@handles("LoadResourcesDetails", required=["resourceIdentifiers[]"])
def load_resources_details(state: State, arguments: Arguments) -> Answer:
    """What is kept about resources; those that nothing was saved about are left out."""
    identifiers = [fill(_IDENTIFIER, item) for item in objects(arguments, "resourceIdentifiers")]
    found = [state.find(DETAILS, **identifier) for identifier in identifiers]
    return {"resourcesDetails": [{name: d[name] for name in _DETAILS} for d in found if d]}


@handles("GetFGAMappableSchema", required=["tenantId"])
def get_fga_mappable_schema(state: State, arguments: Arguments) -> Answer:
    """The schema, and of every type that has relations the resources that are known."""
    state.get(TENANTS, arguments["tenantId"])
    schema = current(state)
    types = [
        namespace["name"]
        for namespace in schema["namespaces"]
        if any(any(stored_targets(d)) for d in namespace["relationDefinitions"])
    ]
    found = _mappable(state, {name: [""] for name in types}, arguments)
    return {"schema": shown(schema), "mappableResources": found}


@handles("SearchFGAMappableResources", required=["tenantId", "resourcesQueries[]"])
def search_fga_mappable_resources(state: State, arguments: Arguments) -> Answer:
    """The resources of each type whose id or name contains one of the texts."""
    state.get(TENANTS, arguments["tenantId"])
    queries = {}
    for item in objects(arguments, "resourcesQueries"):
        kind = fill({"type": ""}, item)
        require(kind, "type")
        queries[kind["type"]] = strings(item, "queries") or [""]
    return {"mappableResources": _mappable(state, queries, arguments)}


def _mappable(
    state: State, queries: Mapping[str, Iterable[str]], arguments: Arguments
) -> list[Record]:
    limit = integer(arguments, "resourcesLimit") or None
    names: dict[tuple[str, str], str] = {
        (relation["namespace"], relation["resource"]): "" for relation in state.all(RELATIONS)
    }
    names |= {(d["resourceType"], d["resourceId"]): d["displayName"] for d in state.all(DETAILS)}
    return [
        {
            "type": kind,
            "resources": [
                {"resource": resource, "displayName": name}
                for (of, resource), name in names.items()
                if of == kind
                and any(t.casefold() in f"{resource}\n{name}".casefold() for t in texts)
            ][:limit],
        }
        for kind, texts in queries.items()
    ]

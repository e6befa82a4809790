"""OAuth resources (RFC 8707): the APIs and MCP servers that tokens are issued for."""

from __future__ import annotations

from descope_mcp.sandbox.engine import versions
from descope_mcp.sandbox.engine.errors import (
    NO_REGISTRATION_TEMPLATE,
    NO_RESOURCE,
    RESOURCE_EXISTS,
    DescopeError,
)
from descope_mcp.sandbox.engine.fields import Record, strings
from descope_mcp.sandbox.engine.nested_fields import inner, whole
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, Unique, register
from descope_mcp.sandbox.oauth import settings as oauth_settings

#: What create and update take; an update replaces it.
EDITABLE: Record = {
    "name": "",
    "scopes": oauth_settings.SCOPES,
    "userAccess": "",
    "clientAccess": "",
    "description": "",
    "uri": "",
    "type": "",
    "dynamicRegistrationSettings": {
        "dynamicRegistration": oauth_settings.DYNAMIC_REGISTRATION,
        "cimdSettings": oauth_settings.CIMD,
        "dynamicRegistrationTemplateId": "",
        "useTemplate": False,
        "loginPageURL": "",
        "skipConsentScreen": False,
        "forceAddAllAuthorizationInfo": False,
        "tags": [],
        "sessionSettings": oauth_settings.SESSION,
    },
}

RESOURCES = register(
    Table(
        "resources",
        "RS",
        missing=NO_RESOURCE,
        unique=(Unique(("uri",), RESOURCE_EXISTS),),
        references=(
            Reference(
                "dynamicRegistrationSettings.dynamicRegistrationTemplateId",
                "registration_templates",
                unknown=NO_REGISTRATION_TEMPLATE,
                on_delete="clear",
            ),
            *oauth_settings.jwt_templates_of("dynamicRegistrationSettings.sessionSettings"),
        ),
    )
)


@handles("CreateResource", required=["name"])
def create_resource(state: State, arguments: Arguments) -> Answer:
    """A new resource."""
    resource = state.add(RESOURCES, {**_editable(arguments), **versions.first(state)})
    _record(state, "ResourceCreated", resource)
    return {"resource": resource}


@handles("UpdateResource")
def update_resource(state: State, arguments: Arguments) -> Answer:
    """Replace a resource; what is left out is cleared."""
    given = inner(arguments, "resource")
    require(given, "id", "name")
    resource = state.get(RESOURCES, given["id"])
    fields = {**_editable(given), **versions.following(state, resource, given)}
    resource = state.change(RESOURCES, resource, fields)
    _record(state, "ResourceModified", resource)
    return {"resource": resource}


def _editable(arguments: Arguments) -> Record:
    """The fields of a request. Who uses a template must say which, as the contract notes."""
    fields = whole(EDITABLE, arguments)
    if fields["dynamicRegistrationSettings"]["useTemplate"]:
        require(fields["dynamicRegistrationSettings"], "dynamicRegistrationTemplateId")
    return fields


@handles("LoadResource", required=["id"])
def load_resource(state: State, arguments: Arguments) -> Answer:
    """One resource."""
    return {"resource": state.get(RESOURCES, arguments["id"])}


@handles("LoadResourceByURI", required=["uri"])
def load_resource_by_uri(state: State, arguments: Arguments) -> Answer:
    """One resource by the audience that clients name."""
    resource = state.find(RESOURCES, uri=arguments["uri"])
    if resource is None:
        raise DescopeError(NO_RESOURCE, f"Resource not found: {arguments['uri']}")
    return {"resource": resource}


@handles("LoadAllResources")
def load_all_resources(state: State, arguments: Arguments) -> Answer:
    """Every resource, and how many there are."""
    resources = state.all(RESOURCES)
    return {"resources": resources, "total": len(resources)}


@handles("DeleteResource", required=["id"])
def delete_resource(state: State, arguments: Arguments) -> Answer:
    """Delete a resource with the policies for it."""
    _delete(state, [arguments["id"]])
    return None


@handles("DeleteResources", required=["ids[]"])
def delete_resources(state: State, arguments: Arguments) -> Answer:
    """Delete resources; an unknown id deletes none of them."""
    _delete(state, strings(arguments, "ids"))
    return None


def _delete(state: State, ids: list[str]) -> None:
    for resource_id in ids:
        _record(state, "ResourceDeleted", state.delete(RESOURCES, resource_id))


def _record(state: State, action: str, resource: Record) -> None:
    state.record(action, data={"id": resource["id"], "name": resource["name"]})

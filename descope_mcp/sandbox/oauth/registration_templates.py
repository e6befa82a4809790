"""Dynamic registration templates: defaults that MCP resources share for self-registered clients."""

from __future__ import annotations

from descope_mcp.sandbox.engine import versions
from descope_mcp.sandbox.engine.errors import NO_REGISTRATION_TEMPLATE
from descope_mcp.sandbox.engine.fields import Record, strings
from descope_mcp.sandbox.engine.nested_fields import inner, whole
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Table, register
from descope_mcp.sandbox.oauth import settings as oauth_settings

#: What create and update take; an update replaces it.
EDITABLE: Record = {
    "name": "",
    "description": "",
    "loginPageURL": "",
    "sessionSettings": oauth_settings.SESSION,
    "skipConsentScreen": False,
    "forceAddAllAuthorizationInfo": False,
    "tags": [],
}

REGISTRATION_TEMPLATES = register(
    Table(
        "registration_templates",
        "DRT",
        missing=NO_REGISTRATION_TEMPLATE,
        references=oauth_settings.jwt_templates_of("sessionSettings"),
    )
)


@handles("CreateDynamicRegistrationTemplate", required=["name"])
def create_registration_template(state: State, arguments: Arguments) -> Answer:
    """A new template, which no resource uses yet."""
    fields = {**whole(EDITABLE, arguments), **versions.first(state)}
    template = state.add(REGISTRATION_TEMPLATES, fields)
    _record(state, "DynamicRegistrationTemplateCreated", template)
    return {"template": template}


@handles("UpdateDynamicRegistrationTemplate")
def update_registration_template(state: State, arguments: Arguments) -> Answer:
    """Replace a template; what is left out is cleared."""
    given = inner(arguments, "template")
    require(given, "id", "name")
    template = state.get(REGISTRATION_TEMPLATES, given["id"])
    fields = {**whole(EDITABLE, given), **versions.following(state, template, given)}
    template = state.change(REGISTRATION_TEMPLATES, template, fields)
    _record(state, "DynamicRegistrationTemplateModified", template)
    return {"template": template}


@handles("LoadDynamicRegistrationTemplate", required=["id"])
def load_registration_template(state: State, arguments: Arguments) -> Answer:
    """One template."""
    return {"template": state.get(REGISTRATION_TEMPLATES, arguments["id"])}


@handles("LoadAllDynamicRegistrationTemplates")
def load_all_registration_templates(state: State, arguments: Arguments) -> Answer:
    """Every template, and how many there are."""
    templates = state.all(REGISTRATION_TEMPLATES)
    return {"templates": templates, "total": len(templates)}


@handles("DeleteDynamicRegistrationTemplate", required=["id"])
def delete_registration_template(state: State, arguments: Arguments) -> Answer:
    """Delete a template; resources that use it lose its defaults."""
    _delete(state, [arguments["id"]])
    return None


@handles("DeleteDynamicRegistrationTemplates", required=["ids[]"])
def delete_registration_templates(state: State, arguments: Arguments) -> Answer:
    """Delete templates; an unknown id deletes none of them."""
    _delete(state, strings(arguments, "ids"))
    return None


def _delete(state: State, ids: list[str]) -> None:
    for template_id in ids:
        template = state.delete(REGISTRATION_TEMPLATES, template_id)
        _record(state, "DynamicRegistrationTemplateDeleted", template)


def _record(state: State, action: str, template: Record) -> None:
    state.record(action, data={"id": template["id"], "name": template["name"]})

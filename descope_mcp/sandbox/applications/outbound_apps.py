"""Outbound apps: Descope as OAuth client of other services. Their tokens are `outbound_tokens`.

An update replaces everything but the id; the client secret stays unless a new one is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from descope_mcp.sandbox.applications.outbound_library import DCR_PRESETS, TEMPLATES
from descope_mcp.sandbox.engine.errors import (
    NO_OUTBOUND_APP,
    NO_OUTBOUND_TEMPLATE,
    NO_TENANT,
    OUTBOUND_APP_EXISTS,
    DescopeError,
)
from descope_mcp.sandbox.engine.fields import Record, fill
from descope_mcp.sandbox.engine.nested_fields import inner, partial, whole
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, Unique, register

#: What a template can be overridden in.
_CONNECTION: Record = {
    "name": "",
    "description": "",
    "logo": "",
    "discoveryUrl": "",
    "authorizationUrl": "",
    "authorizationUrlParams": [{"key": "", "value": ""}],
    "tokenUrl": "",
    "tokenUrlParams": [{"key": "", "value": ""}],
    "revocationUrl": "",
    "defaultScopes": [],
    "defaultRedirectUrl": "",
    "callbackDomain": "",
    "pkce": False,
    "accessType": "",
    "prompt": [],
    "useDcr": False,
    "dcrUrl": "",
}

#: What create and update take, beside the secret.
EDITABLE: Record = {**_CONNECTION, "clientId": "", "appType": "", "tenantId": ""}

OUTBOUND_APPS = register(
    Table(
        "outbound_apps",
        "OA",
        missing=NO_OUTBOUND_APP,
        secrets=("clientSecret",),
        unique=(Unique(("id",), OUTBOUND_APP_EXISTS), Unique(("name",), OUTBOUND_APP_EXISTS)),
        references=(Reference("tenantId", "tenants", unknown=NO_TENANT, on_delete="cascade"),),
    )
)


@handles("LoadOutboundApps")
def load_outbound_apps(state: State, arguments: Arguments) -> Answer:
    """Every app."""
    return {"apps": state.all(OUTBOUND_APPS)}


@handles("LoadOutboundApp", required=["id"])
def load_outbound_app(state: State, arguments: Arguments) -> Answer:
    """One app."""
    return {"app": state.get(OUTBOUND_APPS, arguments["id"])}


@handles("CreateOutboundApp", required=["name"])
def create_outbound_app(state: State, arguments: Arguments) -> Answer:
    """A new app with all its settings given by hand."""
    return _create(state, arguments, whole(EDITABLE, arguments))


@handles("CreateOutboundAppByTemplate", required=["templateId"])
def create_outbound_app_by_template(state: State, arguments: Arguments) -> Answer:
    """A new app from the library; ``overrides`` go before what the template says."""
    template = _known(TEMPLATES, arguments["templateId"])
    overrides = partial(_CONNECTION, fill({"overrides": {}}, arguments)["overrides"])
    own = partial({"clientId": "", "tenantId": ""}, arguments)
    return _create(state, arguments, whole(EDITABLE, {**template, **overrides, **own}))


@handles("CreateOutboundAppByDcrPreset", required=["dcrPresetId"])
def create_outbound_app_by_preset(state: State, arguments: Arguments) -> Answer:
    """A new app for a service where Descope registers its client by itself."""
    preset = _known(DCR_PRESETS, arguments["dcrPresetId"])
    own = partial({"tenantId": ""}, arguments)
    return _create(state, {}, whole(EDITABLE, {**preset, **own}))


def _known(library: Mapping[str, Record], entry_id: str) -> Record:
    if entry_id not in library:
        text = f"{entry_id} is not in the library, which has {', '.join(library)}"
        raise DescopeError(NO_OUTBOUND_TEMPLATE, text)
    return library[entry_id]


def _create(state: State, arguments: Arguments, fields: Record) -> Answer:
    """Store an app; where Descope registers itself, the other service gives id and secret."""
    own = fill({"id": "", "clientSecret": ""}, arguments)
    if fields["useDcr"]:
        fields = {**fields, "clientId": fields["clientId"] or state.new_secret(24)}
        own["clientSecret"] = own["clientSecret"] or state.new_secret(43)
    app = state.add(OUTBOUND_APPS, {**fields, **own})
    _record(state, "OutboundAppCreated", app)
    return {"app": app}


@handles("UpdateOutboundApp")
def update_outbound_app(state: State, arguments: Arguments) -> Answer:
    """Replace an app; without a ``clientSecret`` it keeps the one it has."""
    given = inner(arguments, "app")
    require(given, "id", "name")
    app = state.get(OUTBOUND_APPS, given["id"])
    fields = {**whole(EDITABLE, given), **partial({"clientSecret": ""}, given)}
    app = state.change(OUTBOUND_APPS, app, fields)
    _record(state, "OutboundAppModified", app)
    return {"app": app}


@handles("DeleteOutboundApp", required=["id"])
def delete_outbound_app(state: State, arguments: Arguments) -> Answer:
    """Delete an app with all tokens of users and tenants."""
    _record(state, "OutboundAppDeleted", state.delete(OUTBOUND_APPS, arguments["id"]))
    return None


@handles(
    "ConnectOutboundApp",
    required=["appId"],
    shape_only="the person consents at the other service, which a sandbox cannot stand in for",
)
def connect_outbound_app(state: State, arguments: Arguments) -> Answer:
    """Where the person would be sent to consent."""
    app = state.get(OUTBOUND_APPS, arguments["appId"])
    options = fill({"options": {}}, arguments)["options"]
    asked = whole({"redirectUrl": "", "scopes": [], "loginHint": ""}, options)
    query = {
        "response_type": "code",
        "client_id": app["clientId"],
        "scope": " ".join(asked["scopes"] or app["defaultScopes"]),
        "redirect_uri": asked["redirectUrl"] or app["defaultRedirectUrl"],
        "login_hint": asked["loginHint"],
        "state": state.new_secret(32),
    }
    known = urlencode({name: value for name, value in query.items() if value})
    return {"url": f"{app['authorizationUrl'] or 'https://service.invalid/authorize'}?{known}"}


def _record(state: State, action: str, app: Record) -> None:
    tenants = [app["tenantId"]] if app["tenantId"] else []
    state.record(action, tenants=tenants, data={"id": app["id"], "name": app["name"]})

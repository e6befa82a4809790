"""Third-party applications (inbound apps): OAuth clients that act for the project's users.

An update replaces everything that it can set, a patch only what is given; neither touches the
client id and the secret. The secret stays readable until it is rotated.
"""

from __future__ import annotations

from descope_mcp.sandbox.engine import filters
from descope_mcp.sandbox.engine.errors import (
    INVALID,
    NO_TENANT,
    NO_THIRD_PARTY_APP,
    THIRD_PARTY_APP_EXISTS,
    DescopeError,
)
from descope_mcp.sandbox.engine.fields import Record, fill, one_of, strings
from descope_mcp.sandbox.engine.nested_fields import partial, whole
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, Unique, register
from descope_mcp.sandbox.oauth import settings as oauth_settings

#: What create, update and patch take.
EDITABLE: Record = {
    "name": "",
    "description": "",
    "logo": "",
    "loginPageUrl": "",
    "approvedCallbackUrls": [],
    **oauth_settings.SCOPES,
    "logoUrl": "",
    "jwtBearerSettings": oauth_settings.JWT_BEARER,
    "sessionSettings": oauth_settings.SESSION,
    "audienceWhitelist": [],
    "forceAddAllAuthorizationInfo": False,
    "defaultAudience": "",
    "customAttributes": {},
    "cibaSettings": oauth_settings.CIBA,
    "jarSettings": oauth_settings.JAR,
    "allowedTenants": [],
}

#: What is decided when the application is made. The first two no answer shows.
FIXED: Record = {
    "secret": "",
    "consentFlowId": "",
    "clientId": "",
    "nonConfidentialClient": False,
    "dynamic": False,
    "status": "active",
    "skipConsentScreen": False,
    "useResources": False,
}
_HIDDEN = ("secret", "consentFlowId")

THIRD_PARTY_APPS = register(
    Table(
        "third_party_apps",
        "TPA",
        missing=NO_THIRD_PARTY_APP,
        secrets=("secret",),
        unique=(
            Unique(("name",), THIRD_PARTY_APP_EXISTS),
            Unique(("clientId",), THIRD_PARTY_APP_EXISTS),
        ),
        references=(
            Reference("allowedTenants[]", "tenants", unknown=NO_TENANT, on_delete="drop"),
            *oauth_settings.jwt_templates_of("sessionSettings"),
        ),
    )
)


@handles("CreateThirdPartyApplication", required=["name"])
def create_third_party_application(state: State, arguments: Arguments) -> Answer:
    """A new application with its client id and secret, both of which the caller may choose."""
    own = {"clientId": "", "clientSecret": "", "consentFlowId": "", "nonConfidentialClient": False}
    asked = fill(own, arguments)
    secret = asked.pop("clientSecret")
    app = add(state, {**_checked(whole(EDITABLE, arguments)), **asked, "secret": secret})
    return {"id": app["id"], "cleartext": app["secret"], "clientId": app["clientId"]}


def add(state: State, fields: Record) -> Record:
    """Store a new application.

    Client id and secret are made up if `fields` have none; a public client has no secret.
    """
    app_id = state.new_id(THIRD_PARTY_APPS.letter)
    app = {"id": app_id, **FIXED, **fields}
    app["clientId"] = app["clientId"] or oauth_settings.new_client_id(state, app_id)
    if app["nonConfidentialClient"]:
        app["secret"] = ""
    else:
        app["secret"] = app["secret"] or oauth_settings.new_client_secret(state)
    stored = state.add(THIRD_PARTY_APPS, app)
    _record(state, "ThirdPartyApplicationCreated", stored)
    return stored


@handles("UpdateThirdPartyApplication", required=["id", "name"])
def update_third_party_application(state: State, arguments: Arguments) -> Answer:
    """Replace an application; what is left out is cleared."""
    return _change(state, arguments["id"], whole(EDITABLE, arguments))


@handles("PatchThirdPartyApplication", required=["id"])
def patch_third_party_application(state: State, arguments: Arguments) -> Answer:
    """Change what is given."""
    fields = partial(EDITABLE, arguments)
    if "name" in fields:
        require(fields, "name")
    return _change(state, arguments["id"], fields)


def _change(state: State, app_id: str, fields: Record) -> Answer:
    app = state.get(THIRD_PARTY_APPS, app_id)
    changed = state.change(THIRD_PARTY_APPS, app, _checked(fields))
    _record(state, "ThirdPartyApplicationModified", changed)
    return None


def _checked(fields: Record) -> Record:
    one_of("defaultAudience", fields.get("defaultAudience", ""), ("", "projectId", "clientId"))
    return fields


@handles("LoadThirdPartyApplication", any_of=["id", "clientId"])
def load_third_party_application(state: State, arguments: Arguments) -> Answer:
    """One application by its id or client id, without its secret; the answer is not wrapped."""
    if app_id := arguments.get("id"):
        return view(state.get(THIRD_PARTY_APPS, app_id))
    app = state.find(THIRD_PARTY_APPS, clientId=arguments["clientId"])
    if app is None:
        raise DescopeError(NO_THIRD_PARTY_APP)
    return view(app)


@handles("LoadAllThirdPartyApplications")
def load_all_third_party_applications(state: State, arguments: Arguments) -> Answer:
    """One page of the applications, and how many there are."""
    apps = state.all(THIRD_PARTY_APPS)
    return {"apps": [view(a) for a in filters.page(apps, arguments)], "total": len(apps)}


@handles("GetThirdPartyApplicationSecret", required=["id"])
def get_third_party_application_secret(state: State, arguments: Arguments) -> Answer:
    """The present secret."""
    return {"cleartext": _confidential(state, arguments["id"])["secret"]}


@handles("RotateThirdPartyApplicationSecret", required=["id"])
def rotate_third_party_application_secret(state: State, arguments: Arguments) -> Answer:
    """A new secret; the old one stops at once."""
    app = _confidential(state, arguments["id"])
    secret = {"secret": oauth_settings.new_client_secret(state)}
    app = state.change(THIRD_PARTY_APPS, app, secret)
    _record(state, "ThirdPartyApplicationSecretRotated", app)
    return {"cleartext": app["secret"]}


@handles(
    "NoPublishRotate", shape_only="unpublished: neither its arguments nor its effect are known"
)
def rotate_unpublished(state: State, arguments: Arguments) -> Answer:
    """Nothing happens, since nothing says which application is meant."""
    return None


@handles("DeleteThirdPartyApplication", required=["id"])
def delete_third_party_application(state: State, arguments: Arguments) -> Answer:
    """Delete an application, and with it consents and resource policies."""
    _delete(state, [arguments["id"]])
    return None


@handles("DeleteThirdPartyApplications", required=["ids[]"])
def delete_third_party_applications(state: State, arguments: Arguments) -> Answer:
    """Delete applications; an unknown id deletes none of them."""
    _delete(state, strings(arguments, "ids"))
    return None


def _delete(state: State, ids: list[str]) -> None:
    for app_id in ids:
        app = state.delete(THIRD_PARTY_APPS, app_id)
        _record(state, "ThirdPartyApplicationDeleted", app)


def _confidential(state: State, app_id: str) -> Record:
    """The application, which must have a secret."""
    app = state.get(THIRD_PARTY_APPS, app_id)
    if app["nonConfidentialClient"]:
        raise DescopeError(INVALID, "A public client has no secret")
    return app


def view(app: Record) -> Record:
    """An application as answers show it."""
    return {name: value for name, value in app.items() if name not in _HIDDEN}


def _record(state: State, action: str, app: Record) -> None:
    state.record(action, data={"id": app["id"], "name": app["name"]})

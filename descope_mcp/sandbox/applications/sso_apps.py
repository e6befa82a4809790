"""SSO applications: those that use Descope as their identity provider, over OIDC, SAML or WS-Fed.

Requests are flat, answers have the settings of each protocol in a message of their own. Updates
replace everything but the id and what Descope's side contributes.
"""

from __future__ import annotations

import base64

from descope_mcp.sandbox.engine.errors import INVALID, NO_SSO_APP, SSO_APP_EXISTS, DescopeError
from descope_mcp.sandbox.engine.fields import Record, fill
from descope_mcp.sandbox.engine.nested_fields import whole
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, Unique, register
from descope_mcp.sandbox.oauth import settings as oauth_settings

#: Every project has this one from the beginning.
DEFAULT_ID = "descope-default-oidc"

APP: Record = {"name": "", "description": "", "enabled": False, "logo": ""}

_MAPPINGS: Record = {
    "attributeMapping": [{"name": "", "type": "", "value": ""}],
    "groupsMapping": [
        {
            "name": "",
            "type": "",
            "filterType": "",
            "value": "",
            "roles": [{"id": "", "name": ""}],
        }
    ],
}

_OIDC: Record = {
    "loginPageUrl": "",
    "claims": [],
    "forceAuthentication": False,
    "jwtBearerSettings": oauth_settings.JWT_BEARER,
    "backChannelLogoutUrl": "",
    "customIdpInitiatedLoginPageUrl": "",
}

_SAML: Record = {
    "loginPageUrl": "",
    "useMetadataInfo": False,
    "metadataUrl": "",
    "entityId": "",
    "acsUrl": "",
    "certificate": "",
    **_MAPPINGS,
    "acsAllowedCallbacks": [],
    "subjectNameIdType": "",
    "subjectNameIdFormat": "",
    "defaultRelayState": "",
    "forceAuthentication": False,
    "logoutRedirectUrl": "",
    "errorRedirectUrl": "",
    "defaultSignatureAlgorithm": "",
}

_WSFED: Record = {
    "loginPageUrl": "",
    "realm": "",
    "replyUrl": "",
    **_MAPPINGS,
    "forceAuthentication": False,
    "logoutRedirectUrl": "",
    "errorRedirectUrl": "",
}

_CUSTOM: Record = {"loginPageUrl": ""}

#: What a request can set, by protocol.
SETTINGS = {"oidc": _OIDC, "saml": _SAML, "wsfed": _WSFED, "custom": _CUSTOM}

_IDP = (
    "idpCert",
    "idpMetadataUrl",
    "idpEntityId",
    "idpSsoUrl",
    "idpInitiatedUrl",
    "idpLogoutUrl",
)

#: What Descope's side contributes, by protocol.
_SIDES = {"oidc": ("issuer", "discoveryUrl"), "saml": _IDP, "wsfed": _IDP, "custom": ()}

SSO_APPS = register(
    Table(
        "sso_apps",
        "SA",
        missing=NO_SSO_APP,
        unique=(Unique(("id",), SSO_APP_EXISTS), Unique(("name",), SSO_APP_EXISTS)),
        references=tuple(
            Reference(f"{protocol}Settings.groupsMapping[].roles[].id", "roles", on_delete="drop")
            for protocol in ("saml", "wsfed")
        ),
    )
)


@handles("LoadAllSSOApplications")
def load_all_sso_applications(state: State, arguments: Arguments) -> Answer:
    """Every application, the default one included."""
    return {"apps": [_view(state, app) for app in state.all(SSO_APPS)]}


@handles("LoadSSOApplication", required=["id"])
def load_sso_application(state: State, arguments: Arguments) -> Answer:
    """One application; the answer is not wrapped."""
    return _view(state, state.get(SSO_APPS, arguments["id"]))


@handles("CreateSSOOIDCApplication", required=["name"])
def create_oidc_application(state: State, arguments: Arguments) -> Answer:
    """A new OpenID Connect application."""
    return _create(state, arguments, "oidc")


@handles("CreateSSOSAMLApplication", required=["name"])
def create_saml_application(state: State, arguments: Arguments) -> Answer:
    """A new SAML application."""
    return _create(state, arguments, "saml")


@handles("CreateSSOWSFedApplication", required=["name"])
def create_wsfed_application(state: State, arguments: Arguments) -> Answer:
    """A new WS-Federation application."""
    return _create(state, arguments, "wsfed")


def add_default(state: State) -> None:
    """The application that a new project has."""
    _create(
        state,
        {"id": DEFAULT_ID, "name": "OIDC default application", "enabled": True},
        "oidc",
    )


def _create(state: State, arguments: Arguments, protocol: str) -> Answer:
    app_id = fill({"id": ""}, arguments)["id"] or state.new_id(SSO_APPS.letter)
    app = {"id": app_id, **whole(APP, arguments), "appType": protocol}
    for other, template in SETTINGS.items():
        app[f"{other}Settings"] = whole(template, {})
    app[f"{protocol}Settings"] = _settings(arguments, protocol)
    app["certificate"] = base64.b64encode(state.new_secret(600).encode()).decode()
    state.add(SSO_APPS, app)
    _record(state, "SSOApplicationCreated", app)
    return {"id": app_id}


@handles("UpdateSSOOIDCApplication", required=["id", "name"])
def update_oidc_application(state: State, arguments: Arguments) -> Answer:
    """Replace an OpenID Connect application."""
    return _update(state, arguments, "oidc")


@handles("UpdateSSOSAMLApplication", required=["id", "name"])
def update_saml_application(state: State, arguments: Arguments) -> Answer:
    """Replace a SAML application."""
    return _update(state, arguments, "saml")


@handles("UpdateSSOWSFedApplication", required=["id", "name"])
def update_wsfed_application(state: State, arguments: Arguments) -> Answer:
    """Replace a WS-Federation application."""
    return _update(state, arguments, "wsfed")


def _update(state: State, arguments: Arguments, protocol: str) -> Answer:
    app = state.get(SSO_APPS, arguments["id"])
    if app["appType"] != protocol:
        text = f"{app['id']} is an application of type {app['appType']}, not {protocol}"
        raise DescopeError(INVALID, text)
    new = {**whole(APP, arguments), f"{protocol}Settings": _settings(arguments, protocol)}
    _record(state, "SSOApplicationModified", state.change(SSO_APPS, app, new))
    return None


@handles("DeleteSSOApplication", required=["id"])
def delete_sso_application(state: State, arguments: Arguments) -> Answer:
    """Delete an application; users and tenants lose it."""
    _record(state, "SSOApplicationDeleted", state.delete(SSO_APPS, arguments["id"]))
    return None


def _settings(arguments: Arguments, protocol: str) -> Record:
    """The protocol's settings as the request has them; SAML needs to know the other side.

    The SDKs insist on the same before they send: a metadata address, or what it would say.
    """
    settings = whole(SETTINGS[protocol], arguments)
    if protocol == "saml":
        by_hand = ("entityId", "acsUrl", "certificate")
        require(settings, *(("metadataUrl",) if settings["useMetadataInfo"] else by_hand))
    return settings


def _view(state: State, app: Record) -> Record:
    """An application as answers show it: with Descope's own end of the connection."""
    shown = {name: value for name, value in app.items() if name != "certificate"}
    for protocol, names in _SIDES.items():
        own = _side(state, app) if protocol == app["appType"] else {}
        side = {name: own.get(name, "") for name in names}
        shown[f"{protocol}Settings"] = {**app[f"{protocol}Settings"], **side}
    return shown


def entity_id(state: State, app: Record) -> str:
    """What Descope's side of the connection calls itself: issuer for OIDC, entity id for SAML."""
    return f"{state.caller.url}/{state.project_id}/{app['id']}"


def _side(state: State, app: Record) -> Record:
    """Where Descope answers for an application, and the certificate it signs with."""
    url, issuer = state.caller.url, entity_id(state, app)
    asked = f"?app={state.project_id}-{app['id']}"
    base = f"{url}/v1/auth/{app['appType']}/idp"
    return {
        "issuer": issuer,
        "discoveryUrl": f"{issuer}/.well-known/openid-configuration",
        "idpCert": app["certificate"],
        "idpMetadataUrl": f"{base}/metadata{asked}",
        "idpEntityId": issuer,
        "idpSsoUrl": f"{base}/sso{asked}",
        "idpInitiatedUrl": f"{base}/initiate{asked}",
        "idpLogoutUrl": f"{url}/v1/auth/idp/sso/logout{asked}",
    }


def _record(state: State, action: str, app: Record) -> None:
    state.record(action, data={"id": app["id"], "name": app["name"], "appType": app["appType"]})

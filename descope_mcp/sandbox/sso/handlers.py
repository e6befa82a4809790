"""Single sign-on of tenants: setting up the configurations (see `settings`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import missing
from descope_mcp.sandbox.engine.fields import Record, fill, given, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sso.settings import (
    OIDC,
    SAML,
    SSO_SETTINGS,
    configure,
    found,
    mappings,
    refresh_tenant,
    stored,
    view,
)
from descope_mcp.sandbox.tenants.tables import TENANTS

#: What SAML settings are called in requests, where that differs.
_SAML_NAMES = {
    "idpUrl": "idpSSOUrl",
    "entityId": "idpEntityId",
    "idpCert": "idpCertificate",
    "idpAdditionalCerts": "idpAdditionalCertificates",
}
_SP_KEYS: Record = {"spEncryptionKey": "", "spSignKey": ""}
_PROVIDER_IDS = {
    "samlProviderId": ("saml", "providerID"),
    "samlScimProviderId": ("saml", "scimProviderID"),
    "oidcProviderId": ("oidc", "providerID"),
    "oidcScimProviderId": ("oidc", "scimProviderID"),
}


@handles("LoadSSOSettings", required=["tenantId"])
def load_sso_settings(state: State, arguments: Arguments) -> Answer:
    """One configuration; without ``ssoId`` the default one, which is empty until it is set."""
    return view(state, arguments["tenantId"], found(state, arguments))


@handles("LoadAllSSOSettings", required=["tenantId"])
def load_all_sso_settings(state: State, arguments: Arguments) -> Answer:
    """All configurations that there are."""
    tenant = state.get(TENANTS, arguments["tenantId"])
    own = state.all(SSO_SETTINGS, tenantId=tenant["id"])
    return {"SSOSettings": [view(state, tenant["id"], settings) for settings in own]}


@handles("NewSSOSettingsRequest", required=["tenantId", "displayName"])
def new_sso_settings(state: State, arguments: Arguments) -> Answer:
    """One more configuration, empty; its id may be chosen."""
    tenant = state.get(TENANTS, arguments["tenantId"])
    asked = fill({"ssoId": "", "displayName": ""}, arguments)
    sso_id = asked["ssoId"] or state.new_id("SSO")
    settings = state.add(SSO_SETTINGS, {**asked, "tenantId": tenant["id"], "ssoId": sso_id})
    state.record("SSOSettingsCreated", tenants=[tenant["id"]], data={"ssoId": sso_id})
    return view(state, tenant["id"], settings)


@handles("ConfigureSSOSAMLSettings", required=["tenantId"])
def configure_saml(state: State, arguments: Arguments) -> Answer:
    """Replace the SAML side; what is left out is cleared."""
    asked = _settings(arguments)
    require(asked, "idpUrl", "entityId", "idpCert")
    _configure_saml(state, arguments, asked, {})
    return None


@handles(
    "ConfigureSSOSAMLSettingsByMetadata",
    required=["tenantId"],
    shape_only="the metadata is not fetched: what it would say is made up from its address",
)
def configure_saml_by_metadata(state: State, arguments: Arguments) -> Answer:
    """As `configure_saml`, with what the identity provider publishes of itself."""
    asked = _settings(arguments)
    require(asked, "idpMetadataUrl")
    origin = "/".join(asked["idpMetadataUrl"].split("/")[:3])
    published = {
        "idpEntityId": asked["idpMetadataUrl"],
        "idpSSOUrl": f"{origin}/sso/saml",
        "idpCertificate": f"certificate of {origin}",
    }
    _configure_saml(state, arguments, asked, published)
    return None


def _configure_saml(
    state: State, arguments: Arguments, asked: Mapping[str, Any], published: Record
) -> None:
    settings = stored(state, arguments)
    renamed = {_SAML_NAMES.get(name, name): value for name, value in asked.items()}
    names = fill(
        SAML["attributeMapping"], fill({"attributeMapping": {}}, asked)["attributeMapping"]
    )
    side = {
        **fill(SAML, {**renamed, "attributeMapping": names, "redirectUrl": None}),
        **published,
        **mappings(state, asked, settings["tenantId"]),
        **({} if asked.get("defaultSSORoles") is not None else _default_roles(settings)),
        **fill({"redirectUrl": ""}, arguments),
        **{name: settings["saml"][name] for name in ("providerID", "scimProviderID")},
    }
    keys = fill(_SP_KEYS, asked)
    configure(state, settings, arguments, "saml", {"saml": side, "spKeys": keys})


@handles("ConfigureSSOOIDCSettings", required=["tenantId"])
def configure_oidc(state: State, arguments: Arguments) -> Answer:
    """Replace the OIDC side; what is left out is cleared, the client secret too."""
    asked = _settings(arguments)
    require(asked, "clientId")
    settings = stored(state, arguments)
    names = fill(OIDC["userAttrMapping"], fill({"userAttrMapping": {}}, asked)["userAttrMapping"])
    side = {
        **fill(OIDC, {**asked, "userAttrMapping": names}),
        **mappings(state, asked, settings["tenantId"]),
        **{name: strings(asked, name) for name in ("scope", "prompt")},
    }
    configure(state, settings, arguments, "oidc", {"oidc": side})
    return None


@handles("ConfigureSSORedirectURL", required=["tenantId"])
def configure_redirect_url(state: State, arguments: Arguments) -> Answer:
    """Replace both addresses to which users return; one that is left out is cleared."""
    settings = stored(state, arguments)
    urls = fill({"samlRedirectUrl": "", "oauthRedirectUrl": ""}, arguments)
    sides = {
        "saml": {**settings["saml"], "redirectUrl": urls["samlRedirectUrl"]},
        "oidc": {**settings["oidc"], "redirectUrl": urls["oauthRedirectUrl"]},
    }
    _change(state, settings, sides)
    return None


@handles("UpdateSSOProviderIDs", required=["tenantId"])
def update_provider_ids(state: State, arguments: Arguments) -> Answer:
    """Set the internal ids that are given; the others stay."""
    settings = stored(state, arguments)
    sides = {side: dict(settings[side]) for side in ("saml", "oidc")}
    for name, value in given(dict.fromkeys(_PROVIDER_IDS, ""), arguments).items():
        side, field = _PROVIDER_IDS[name]
        sides[side][field] = value
    _change(state, settings, sides)
    return None


@handles("DeleteSSOSettings", required=["tenantId"])
def delete_sso_settings(state: State, arguments: Arguments) -> Answer:
    """Delete a configuration; without ``ssoId`` the default one."""
    if settings := found(state, arguments):
        state.delete(SSO_SETTINGS, settings["id"])
        refresh_tenant(state, settings["tenantId"])
        data = {"ssoId": settings["ssoId"]}
        state.record("SSOSettingsDeleted", tenants=[settings["tenantId"]], data=data)
    return None


def _default_roles(settings: Mapping[str, Any]) -> Record:
    """The one thing that SAML settings keep if it is left out, as Descope's SDK documents."""
    return {"defaultRoleIds": settings["saml"]["defaultRoleIds"]}


def _settings(arguments: Arguments) -> Record:
    asked: Record = fill({"settings": {}}, arguments)["settings"]
    if not asked:
        raise missing("settings")
    return asked


def _change(state: State, settings: Record, sides: Record) -> None:
    state.change(SSO_SETTINGS, settings, sides)
    tenant_ids = [settings["tenantId"]]
    state.record("SSOSettingsModified", tenants=tenant_ids, data={"ssoId": settings["ssoId"]})

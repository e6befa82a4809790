"""The SSO configurations of a tenant as they are stored, and as answers show them.

A tenant has a default configuration, whose ``ssoId`` is empty, and any number of others. Each has
a SAML and an OIDC side; `protocol` says which one was configured last, and so counts. Roles are
stored by id, since a name may come to mean another role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from descope_mcp.sandbox.engine.errors import (
    NO_ROLE,
    NO_SSO_SETTINGS,
    SSO_SETTINGS_EXIST,
    DescopeError,
)
from descope_mcp.sandbox.engine.fields import Record, copied, distinct, fill, objects, strings
from descope_mcp.sandbox.engine.registry import Arguments
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, Unique, register
from descope_mcp.sandbox.roles import entitlements
from descope_mcp.sandbox.roles.tables import ROLES
from descope_mcp.sandbox.tenants import handlers as tenants
from descope_mcp.sandbox.tenants.tables import TENANTS

_NAMES = ("name", "email", "group", "givenName", "middleName", "familyName", "picture")
_VERIFIED = ("verifiedEmail", "verifiedPhone")

#: What both sides have: who gets which roles, with role ids, and internal ids.
_MAPPINGS: Record = {
    "defaultRoleIds": [],
    "roleGroups": [],
    "fgaMappings": {},
    "groupsPriority": [],
    "providerID": "",
    "scimProviderID": "",
}

SAML: Record = {
    "idpEntityId": "",
    "idpSSOUrl": "",
    "idpCertificate": "",
    "idpMetadataUrl": "",
    "spEntityId": "",
    "spACSUrl": "",
    "spCertificate": "",
    "attributeMapping": {
        **dict.fromkeys(("username", "phoneNumber", *_NAMES, *_VERIFIED), ""),
        "customAttributes": {},
    },
    "redirectUrl": "",
    "spSignCertificate": "",
    "subjectNameIdFormat": "",
    "configFGATenantIDResourcePrefix": "",
    "configFGATenantIDResourceSuffix": "",
    "idpAdditionalCertificates": [],
    **_MAPPINGS,
}

OIDC: Record = {
    "name": "",
    "clientId": "",
    "clientSecret": "",
    "redirectUrl": "",
    "authUrl": "",
    "tokenUrl": "",
    "userDataUrl": "",
    "scope": [],
    "JWKsUrl": "",
    "userAttrMapping": {
        **dict.fromkeys(("loginId", "username", "phoneNumber", *_NAMES, *_VERIFIED), ""),
        "customAttributes": {},
    },
    "manageProviderTokens": False,
    "callbackDomain": "",
    "prompt": [],
    "grantType": "",
    "issuer": "",
    **_MAPPINGS,
}


def _roles(side: str) -> tuple[Reference, ...]:
    return (
        Reference(f"{side}.defaultRoleIds[]", "roles", on_delete="drop"),
        Reference(f"{side}.roleGroups[].roleId", "roles", on_delete="drop"),
    )


#: `spKeys` are the private keys that SAML settings may bring; no answer has them.
SSO_SETTINGS = register(
    Table(
        "sso_settings",
        "SS",
        missing=NO_SSO_SETTINGS,
        secrets=("spKeys.spEncryptionKey", "spKeys.spSignKey", "oidc.clientSecret"),
        unique=(Unique(("tenantId", "ssoId"), SSO_SETTINGS_EXIST),),
        references=(
            Reference("tenantId", "tenants", on_delete="cascade"),
            *_roles("saml"),
            *_roles("oidc"),
        ),
        template={
            "ssoId": "",
            "displayName": "",
            "protocol": "",
            "domains": [],
            "spKeys": {},
            "saml": SAML,
            "oidc": OIDC,
        },
    )
)


def found(state: State, arguments: Arguments) -> Record | None:
    """The configuration that ``tenantId`` and ``ssoId`` name; None for a default without any.

    Raises:
        DescopeError: there is no such tenant, or no configuration of that id.
    """
    tenant = state.get(TENANTS, arguments["tenantId"])
    sso_id = fill({"ssoId": ""}, arguments)["ssoId"]
    stored = state.find(SSO_SETTINGS, tenantId=tenant["id"], ssoId=sso_id)
    if stored is None and sso_id:
        raise DescopeError(NO_SSO_SETTINGS, f"{NO_SSO_SETTINGS.description}: {sso_id}")
    return stored


def stored(state: State, arguments: Arguments) -> Record:
    """As `found`, but a default configuration is made if there is none."""
    return found(state, arguments) or state.add(SSO_SETTINGS, {"tenantId": arguments["tenantId"]})


def configure(
    state: State, settings: Record, arguments: Arguments, protocol: str, fields: Mapping[str, Any]
) -> None:
    """Write one side and the domains, which say who is sent to this identity provider."""
    domains = strings(arguments, "domains")
    new = {"protocol": protocol, "domains": domains, **fields}
    state.change(SSO_SETTINGS, settings, new)
    refresh_tenant(state, settings["tenantId"])
    state.record("SSOSettingsModified", tenants=[settings["tenantId"]], data=_named(settings))


def refresh_tenant(state: State, tenant_id: str) -> None:
    """Let the tenant's domains and way of signing in follow its configurations."""
    own = state.all(SSO_SETTINGS, tenantId=tenant_id)
    domains = distinct(domain for settings in own for domain in settings["domains"])
    protocols = [settings["protocol"] for settings in own if settings["protocol"]]
    state.change(
        TENANTS,
        state.get(TENANTS, tenant_id),
        {"domains": domains, "authType": protocols[0] if protocols else "none"},
    )


def mappings(state: State, given: Mapping[str, Any], tenant_id: str) -> Record:
    """The roles that a request gives by name, or by id, in the stored form."""
    asked = fill({"fgaMappings": {}, "roleMappings": [], "groupsMapping": []}, given)
    pairs = [
        (fill({"roleName": ""}, item)["roleName"], strings(item, "groups"))
        for item in objects(asked, "roleMappings")
    ]
    for item in objects(asked, "groupsMapping"):
        role = fill({"id": "", "name": ""}, fill({"role": {}}, item)["role"])
        name = state.get(ROLES, role["id"])["name"] if role["id"] else role["name"]
        pairs.append((name, strings(item, "groups")))
    groups: dict[str, list[str]] = {}
    for name, names in pairs:
        role_id = _role_id(state, name, tenant_id)
        groups[role_id] = distinct([*groups.get(role_id, []), *names])
    default = strings(given, "defaultSSORoles")
    return {
        "defaultRoleIds": [_role_id(state, name, tenant_id) for name in default],
        "roleGroups": [{"roleId": role_id, "groups": names} for role_id, names in groups.items()],
        "fgaMappings": asked["fgaMappings"],
        "groupsPriority": strings(given, "groupsPriority"),
    }


def view(state: State, tenant_id: str, settings: Mapping[str, Any] | None) -> Record:
    """A configuration as answers show it, with its tenant; the client secret is never shown.

    The addresses of the service provider and the secret are as the end-to-end tests of Descope's
    Python SDK find them.
    """
    own = settings or copied(SSO_SETTINGS.template)
    saml, oidc = _side(state, own["saml"]), _side(state, own["oidc"])
    entity = f"{state.project_id}-{tenant_id}" + (f"-{own['ssoId']}" if own["ssoId"] else "")
    named = {"projectId": state.project_id, "tenantId": tenant_id, "ssoId": own["ssoId"]}
    query = urlencode({name: value for name, value in named.items() if value})
    saml["spEntityId"] = saml["spEntityId"] or entity
    saml["spACSUrl"] = saml["spACSUrl"] or f"{state.caller.url}/v1/auth/saml/acs?{query}"
    oidc["clientSecret"] = ""
    oidc["roleMappings"] = [
        {"groups": item["groups"], "roleName": item["role"]["name"]}
        for item in oidc["groupsMapping"]
    ]
    tenant = tenants.view(state, state.get(TENANTS, tenant_id))
    return {"tenant": tenant, "saml": saml, "oidc": oidc, "ssoId": own["ssoId"]}


def _side(state: State, side: Mapping[str, Any]) -> Record:
    shown = {k: v for k, v in side.items() if k not in ("defaultRoleIds", "roleGroups")}
    shown["defaultSSORoles"] = role_names(state, side["defaultRoleIds"])
    shown["groupsMapping"] = [
        {
            "role": {"id": item["roleId"], "name": state.get(ROLES, item["roleId"])["name"]},
            "groups": item["groups"],
        }
        for item in side["roleGroups"]
    ]
    return shown


def role_names(state: State, role_ids: Iterable[str]) -> list[str]:
    """The names of roles."""
    return [state.get(ROLES, role_id)["name"] for role_id in role_ids]


def _role_id(state: State, name: str, tenant_id: str) -> str:
    role = entitlements.role_named(state, name, tenant_id)
    if role is None:
        raise DescopeError(NO_ROLE, f"{NO_ROLE.description}: {name}")
    return str(role["id"])


def _named(settings: Mapping[str, Any]) -> Record:
    return {"ssoId": settings["ssoId"], "protocol": settings["protocol"]}

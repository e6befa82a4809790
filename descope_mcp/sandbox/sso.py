"""Single sign-on of tenants: so far only what a tenant without any answers."""

from __future__ import annotations

import copy

from descope_mcp.sandbox import links, tenants
from descope_mcp.sandbox.fields import Record
from descope_mcp.sandbox.registry import Answer, Arguments, handles
from descope_mcp.sandbox.state import State

_NAMES = ("name", "email", "group", "givenName", "middleName", "familyName", "picture")
_VERIFIED = ("verifiedEmail", "verifiedPhone")

SAML: Record = {
    "idpEntityId": "",
    "idpSSOUrl": "",
    "idpCertificate": "",
    "idpMetadataUrl": "",
    "spEntityId": "",
    "spACSUrl": "",
    "spCertificate": "",
    "attributeMapping": {
        **dict.fromkeys(("username", *_NAMES, *_VERIFIED), ""),
        "customAttributes": {},
    },
    "groupsMapping": [],
    "redirectUrl": "",
    "spSignCertificate": "",
    "subjectNameIdFormat": "",
    "defaultSSORoles": [],
    "fgaMappings": {},
    "providerID": "",
    "scimProviderID": "",
    "configFGATenantIDResourcePrefix": "",
    "configFGATenantIDResourceSuffix": "",
    "idpAdditionalCertificates": [],
    "groupsPriority": [],
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
        **dict.fromkeys(("loginId", "username", *_NAMES, *_VERIFIED), ""),
        "customAttributes": {},
    },
    "manageProviderTokens": False,
    "callbackDomain": "",
    "prompt": [],
    "grantType": "",
    "issuer": "",
    "groupsMapping": [],
    "defaultSSORoles": [],
    "fgaMappings": {},
    "roleMappings": [],
    "providerID": "",
    "scimProviderID": "",
    "groupsPriority": [],
}


@handles("LoadSSOSettings", required=["tenantId"])
def load_sso_settings(state: State, arguments: Arguments) -> Answer:
    """The default configuration, empty as nothing can be set yet."""
    tenant = links.tenant(state, arguments["tenantId"])
    return {
        "tenant": tenants.view(state, tenant),
        "saml": copy.deepcopy(SAML),
        "oidc": copy.deepcopy(OIDC),
        "ssoId": "",
    }


@handles("LoadAllSSOSettings", required=["tenantId"])
def load_all_sso_settings(state: State, arguments: Arguments) -> Answer:
    """All configurations, of which there are none yet."""
    links.tenant(state, arguments["tenantId"])
    return {"SSOSettings": []}

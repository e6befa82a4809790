"""Session and password settings of a tenant. Both are replaced as a whole."""

from __future__ import annotations

from descope_mcp.sandbox import links
from descope_mcp.sandbox.fields import Record, fill
from descope_mcp.sandbox.registry import Answer, Arguments, handles
from descope_mcp.sandbox.state import State

#: The settings that are part of the tenant itself, and set here as well.
OF_TENANT: Record = {"domains": [], "selfProvisioningDomains": [], "authType": "none"}

#: The settings of their own, as they are when they are left out.
SESSION: Record = {
    "enabled": False,
    "refreshTokenExpiration": 0,
    "refreshTokenExpirationUnit": "",
    "sessionTokenExpiration": 0,
    "sessionTokenExpirationUnit": "",
    "stepupTokenExpiration": 0,
    "stepupTokenExpirationUnit": "",
    "enableInactivity": False,
    "inactivityTime": 0,
    "inactivityTimeUnit": "",
    "JITDisabled": False,
    "ssoSetupSuiteSettings": {
        "enabled": False,
        "styleId": "",
        "disabledFeatures": dict.fromkeys(
            ("saml", "oidc", "scim", "ssoDomains", "groupMapping"), False
        ),
    },
}

#: What a tenant has before anybody sets anything.
NEW_SESSION: Record = {
    **SESSION,
    "refreshTokenExpiration": 4,
    "refreshTokenExpirationUnit": "weeks",
    "sessionTokenExpiration": 10,
    "sessionTokenExpirationUnit": "minutes",
    "stepupTokenExpiration": 10,
    "stepupTokenExpirationUnit": "minutes",
    "inactivityTime": 2,
    "inactivityTimeUnit": "weeks",
}

PASSWORD: Record = {
    "minLength": 0,
    "lowercase": False,
    "uppercase": False,
    "number": False,
    "nonAlphanumeric": False,
    "expiration": False,
    "expirationWeeks": 0,
    "reuse": False,
    "reuseAmount": 0,
    "lock": False,
    "lockAttempts": 0,
    "enabled": False,
    "tempLock": False,
    "tempLockAttempts": 0,
    "tempLockDuration": 0,
    "enablePasswordStrength": False,
    "passwordStrengthScore": 0,
    "anyLetter": False,
    "disallowedCharacters": "",
    "disallowEmailMatch": False,
}

NEW_PASSWORD: Record = {
    **PASSWORD,
    "minLength": 8,
    "lowercase": True,
    "uppercase": True,
    "number": True,
    "lock": True,
    "lockAttempts": 5,
    "enabled": True,
}


@handles("GetTenantSettings", required=["id"])
def get_tenant_settings(state: State, arguments: Arguments) -> Answer:
    """The session settings, and what of the tenant is set with them."""
    tenant = links.tenant(state, arguments["id"])
    own = state.tenant_settings.get(tenant["id"], NEW_SESSION)
    return {**{name: tenant[name] for name in OF_TENANT}, **own}


@handles("ConfigureTenantSettings", required=["tenantId"])
def configure_tenant_settings(state: State, arguments: Arguments) -> Answer:
    """Replace the session settings; what is left out is cleared."""
    tenant = links.tenant(state, arguments["tenantId"])
    of_tenant, own = fill(OF_TENANT, arguments), fill(SESSION, arguments)
    tenant.update(of_tenant)
    state.tenant_settings[tenant["id"]] = own
    state.record("TenantModified", tenants=[tenant["id"]], data={"settings": "session"})
    return None


@handles("GetPasswordSettings")
def get_password_settings(state: State, arguments: Arguments) -> Answer:
    """Of the tenant, else of the project, whose settings a new tenant has too."""
    tenant_id = _tenant_id(state, arguments)
    project = state.password_settings.get("", NEW_PASSWORD)
    return {**state.password_settings.get(tenant_id, project), "tenantId": tenant_id}


@handles("ConfigurePasswordSettings")
def configure_password_settings(state: State, arguments: Arguments) -> Answer:
    """Replace the rules for passwords; what is left out is cleared."""
    tenant_id = _tenant_id(state, arguments)
    state.password_settings[tenant_id] = fill(PASSWORD, arguments)
    tenants = [tenant_id] if tenant_id else []
    state.record("PasswordSettingsModified", tenants=tenants)
    return None


def _tenant_id(state: State, arguments: Arguments) -> str:
    tenant_id = str(arguments.get("tenantId") or "")
    return str(links.tenant(state, tenant_id)["id"]) if tenant_id else ""

"""Session and password settings of a tenant. Both are replaced as a whole."""

from __future__ import annotations

from descope_mcp.sandbox.engine.fields import Record, fill
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, register
from descope_mcp.sandbox.tenants.tables import TENANTS

_OF_A_TENANT = (Reference("tenantId", "tenants", on_delete="cascade"),)

SESSION_SETTINGS = register(Table("session_settings", key="tenantId", references=_OF_A_TENANT))

#: By tenant; those of the project are under the empty id.
PASSWORD_SETTINGS = register(Table("password_settings", key="tenantId", references=_OF_A_TENANT))

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
    tenant = state.get(TENANTS, arguments["id"])
    of_tenant = {name: tenant[name] for name in OF_TENANT}
    return of_tenant | session_settings(state, tenant["id"])


@handles("ConfigureTenantSettings", required=["tenantId"])
def configure_tenant_settings(state: State, arguments: Arguments) -> Answer:
    """Replace the session settings; what is left out is cleared."""
    tenant = state.get(TENANTS, arguments["tenantId"])
    state.change(TENANTS, tenant, fill(OF_TENANT, arguments))
    _replace(state, SESSION_SETTINGS, tenant["id"], fill(SESSION, arguments))
    state.record("TenantModified", tenants=[tenant["id"]], data={"settings": "session"})
    return None


@handles("GetPasswordSettings")
def get_password_settings(state: State, arguments: Arguments) -> Answer:
    """Of the tenant, else of the project, whose settings a new tenant has too."""
    tenant_id = _tenant_id(state, arguments)
    return password_settings(state, tenant_id) | {"tenantId": tenant_id}


@handles("ConfigurePasswordSettings")
def configure_password_settings(state: State, arguments: Arguments) -> Answer:
    """Replace the rules for passwords; what is left out is cleared."""
    tenant_id = _tenant_id(state, arguments)
    _replace(state, PASSWORD_SETTINGS, tenant_id, fill(PASSWORD, arguments))
    tenants = [tenant_id] if tenant_id else []
    state.record("PasswordSettingsModified", tenants=tenants)
    return None


def session_settings(state: State, tenant_id: str) -> Record:
    """How long the tokens of a tenant's users live, if that is enabled."""
    own = state.find(SESSION_SETTINGS, tenantId=tenant_id)
    return dict(own["settings"] if own else NEW_SESSION)


def password_settings(state: State, tenant_id: str) -> Record:
    """The rules for passwords of a tenant, else of the project."""
    own = state.find(PASSWORD_SETTINGS, tenantId=tenant_id)
    own = own or state.find(PASSWORD_SETTINGS, tenantId="")
    return dict(own["settings"] if own else NEW_PASSWORD)


def _replace(state: State, table: Table, tenant_id: str, settings: Record) -> None:
    present = state.find(table, tenantId=tenant_id)
    if present:
        state.change(table, present, {"settings": settings})
    else:
        state.add(table, {"tenantId": tenant_id, "settings": settings})


def _tenant_id(state: State, arguments: Arguments) -> str:
    tenant_id = str(arguments.get("tenantId") or "")
    return str(state.get(TENANTS, tenant_id)["id"]) if tenant_id else ""

"""The tables of the directory: tenants, permissions, roles, users and access keys.

Roles and permissions are held by name. A membership's role means the tenant's own role of that
name if it has one, else the project's.
"""

from __future__ import annotations

from descope_mcp.sandbox.errors import (
    NO_ACCESS_KEY,
    NO_PERMISSION,
    NO_ROLE,
    NO_TENANT,
    NO_USER,
    PERMISSION_EXISTS,
    ROLE_EXISTS,
    TENANT_EXISTS,
    USER_EXISTS,
)
from descope_mcp.sandbox.tables import Reference, Table, Unique, register


def _memberships(field: str) -> tuple[Reference, ...]:
    """What ties a user or a key to tenants and roles; `field` is where its memberships are."""
    return (
        Reference("roleNames[]", "roles", "name", unknown=NO_ROLE, on_delete="drop"),
        Reference(f"{field}[].tenantId", "tenants", unknown=NO_TENANT, on_delete="drop"),
        Reference(
            f"{field}[].roleNames[]",
            "roles",
            "name",
            scope="tenantId",
            unknown=NO_ROLE,
            on_delete="drop",
        ),
    )


TENANTS = register(
    Table(
        "tenants",
        "T",
        missing=NO_TENANT,
        unique=(Unique(("id",), TENANT_EXISTS), Unique(("name",), TENANT_EXISTS)),
        references=(
            Reference("parent", "tenants", unknown=NO_TENANT, on_delete="clear"),
            Reference(
                "defaultRoles[]", "roles", "name", scope="id", unknown=NO_ROLE, on_delete="drop"
            ),
            Reference("federatedAppIds[]", "sso_apps", on_delete="drop"),
        ),
        template={"domains": [], "defaultRoles": []},
    )
)

PERMISSIONS = register(
    Table(
        "permissions",
        "P",
        missing=NO_PERMISSION,
        unique=(Unique(("name",), PERMISSION_EXISTS),),
        template={"systemDefault": False},
    )
)

ROLES = register(
    Table(
        "roles",
        "R",
        missing=NO_ROLE,
        unique=(Unique(("name", "tenantId"), ROLE_EXISTS),),
        references=(
            Reference("tenantId", "tenants", unknown=NO_TENANT, on_delete="cascade"),
            Reference(
                "permissionNames[]", "permissions", "name", unknown=NO_PERMISSION, on_delete="drop"
            ),
        ),
        scope="tenantId",
    )
)

USERS = register(
    Table(
        "users",
        "U",
        "userId",
        missing=NO_USER,
        unique=(Unique(("loginIds[]",), USER_EXISTS),),
        references=(
            *_memberships("userTenants"),
            Reference("ssoAppIds[]", "sso_apps", on_delete="drop"),
        ),
        searched=("name", "givenName", "familyName", "email", "phone", "loginIds[]", "userId"),
        template={
            "SAML": False,
            "OAuth": {},
            "OIDC": False,
            "SCIM": False,
            "push": False,
            "editable": True,
            "consentExpiration": 0,
        },
    )
)

#: What a user signs in with; never part of an answer, except as yes or no.
CREDENTIALS = register(
    Table(
        "credentials",
        key="userId",
        references=(Reference("userId", "users", "userId", on_delete="cascade"),),
        template={
            "password": "",
            "passwordExpired": False,
            "wrongPasswords": 0,
            "totp": "",
            "recoveryCodes": [],
            "securityAnswers": {},
            "passkeys": [],
            "devices": [],
        },
    )
)

ACCESS_KEYS = register(
    Table(
        "access_keys",
        "K",
        missing=NO_ACCESS_KEY,
        references=(
            *_memberships("keyTenants"),
            Reference("boundUserId", "users", "userId", unknown=NO_USER),
        ),
        template={"status": "active", "editable": True},
    )
)

#: The cleartexts of access keys, which are shown once.
ACCESS_KEY_SECRETS = register(
    Table(
        "access_key_secrets",
        key="cleartext",
        references=(Reference("keyId", "access_keys", on_delete="cascade"),),
    )
)

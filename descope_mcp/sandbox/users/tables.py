"""The tables of users and of what they sign in with."""

from __future__ import annotations

from descope_mcp.sandbox.engine.errors import NO_USER, USER_EXISTS
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.tables import Reference, Table, Unique, register
from descope_mcp.sandbox.roles.tables import memberships

#: What create, replace and patch take. Two of them have rules of their own: `status` is never
#: cleared, and `additionalIdentifiers` are the login ids after the first.
EDITABLE: Record = {
    "name": "",
    "email": "",
    "phone": "",
    "verifiedEmail": False,
    "verifiedPhone": False,
    "roleNames": [],
    "userTenants": [],
    "customAttributes": {},
    "picture": "",
    "ssoAppIds": [],
    "givenName": "",
    "middleName": "",
    "familyName": "",
    "recoveryEmail": "",
    "recoveryPhone": "",
    "verifiedRecoveryEmail": False,
    "verifiedRecoveryPhone": False,
}

USERS = register(
    Table(
        "users",
        "U",
        "userId",
        missing=NO_USER,
        unique=(Unique(("loginIds[]",), USER_EXISTS),),
        references=(
            *memberships("userTenants"),
            Reference("ssoAppIds[]", "sso_apps", on_delete="drop"),
        ),
        searched=("name", "givenName", "familyName", "email", "phone", "loginIds[]", "userId"),
        whole=True,
        template={
            **EDITABLE,
            "userId": "",
            "loginIds": [],
            "status": "invited",
            "test": False,
            "createdTime": 0,
            "modifiedTime": 0,
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
        secrets=("totp",),
        references=(Reference("userId", "users", "userId", on_delete="cascade"),),
        whole=True,
        template={
            "userId": "",
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

"""The tables of users and of what they sign in with."""

from __future__ import annotations

from descope_mcp.sandbox.engine.errors import NO_USER, USER_EXISTS
from descope_mcp.sandbox.engine.tables import Reference, Table, Unique, register
from descope_mcp.sandbox.roles.tables import memberships

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

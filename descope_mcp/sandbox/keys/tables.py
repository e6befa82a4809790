"""The tables of access keys and of their cleartexts."""

from __future__ import annotations

from descope_mcp.sandbox.engine.errors import NO_ACCESS_KEY, NO_USER
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.tables import Reference, Table, register
from descope_mcp.sandbox.roles.tables import memberships

#: What create and update take.
EDITABLE: Record = {
    "name": "",
    "roleNames": [],
    "keyTenants": [],
    "customClaims": {},
    "description": "",
    "permittedIps": [],
    "customAttributes": {},
}

ACCESS_KEYS = register(
    Table(
        "access_keys",
        "K",
        missing=NO_ACCESS_KEY,
        references=(
            *memberships("keyTenants"),
            Reference("boundUserId", "users", "userId", unknown=NO_USER),
        ),
        whole=True,
        template={
            **EDITABLE,
            "id": "",
            "status": "active",
            "editable": True,
            "createdTime": 0,
            "expireTime": 0,
            "createdBy": "",
            "clientId": "",
            "boundUserId": "",
        },
    )
)

#: The cleartexts of access keys, which are shown once.
ACCESS_KEY_SECRETS = register(
    Table(
        "access_key_secrets",
        key="cleartext",
        secrets=("cleartext",),
        references=(Reference("keyId", "access_keys", on_delete="cascade"),),
    )
)

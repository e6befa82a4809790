"""The table of tenants."""

from __future__ import annotations

from descope_mcp.sandbox.engine.errors import NO_ROLE, NO_TENANT, TENANT_EXISTS
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.tables import Reference, Table, Unique, register

#: What create and update take, as it is when it is left out.
REPLACED: Record = {
    "name": "",
    "selfProvisioningDomains": [],
    "customAttributes": {},
    "authType": "none",
    "disabled": False,
    "enforceSSO": False,
    "enforceSSOExclusions": [],
    "federatedAppIds": [],
    "roleInheritance": "none",
}

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
        whole=True,
        template={
            **REPLACED,
            "id": "",
            "parent": "",
            "createdTime": 0,
            "domains": [],
            "defaultRoles": [],
        },
    )
)

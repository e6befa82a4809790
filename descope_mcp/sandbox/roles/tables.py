"""The tables of roles and permissions.

Both are held by name. A membership's role means the tenant's own role of that name if it has one,
else the project's.
"""

from __future__ import annotations

from descope_mcp.sandbox.engine.errors import (
    NO_PERMISSION,
    NO_ROLE,
    NO_TENANT,
    PERMISSION_EXISTS,
    ROLE_EXISTS,
)
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.tables import Reference, Table, Unique, register


def memberships(field: str) -> tuple[Reference, ...]:
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


PERMISSIONS = register(
    Table(
        "permissions",
        "P",
        missing=NO_PERMISSION,
        unique=(Unique(("name",), PERMISSION_EXISTS),),
        whole=True,
        template={"id": "", "name": "", "description": "", "systemDefault": False},
    )
)

#: What create and update take; `name` and `tenantId` also say which role is meant.
ROLE: Record = {"description": "", "permissionNames": [], "default": False, "private": False}

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
        whole=True,
        template={**ROLE, "id": "", "name": "", "tenantId": "", "createdTime": 0},
    )
)

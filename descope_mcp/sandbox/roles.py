"""Roles and permissions.

Updates replace the whole object. Deleting one takes it from everybody who has it. The built-in
role and the system permissions cannot be changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from descope_mcp.sandbox import filters, links
from descope_mcp.sandbox.errors import (
    BUILT_IN_ROLE,
    INVALID,
    NO_PERMISSION,
    NO_ROLE,
    PERMISSION_EXISTS,
    ROLE_EXISTS,
    DescopeError,
)
from descope_mcp.sandbox.fields import Record, ensure_unique, fill, objects, strings
from descope_mcp.sandbox.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.state import State

TENANT_ADMIN = "Tenant Admin"

#: What create and update take; `name` and `tenantId` also say which role is meant.
ROLE: Record = {"description": "", "permissionNames": [], "default": False, "private": False}

SEARCHED = {
    "tenantIds": "tenantId",
    "roleNames": "name",
    "roleIds": "id",
    "permissionNames": "permissionNames",
}


@handles("LoadAllRoles")
def load_all_roles(state: State, arguments: Arguments) -> Answer:
    """Every role, those of tenants included."""
    return {"roles": list(state.roles.values())}


@handles("SearchRoles")
def search_roles(state: State, arguments: Arguments) -> Answer:
    """Roles that pass every filter; with tenants, the project's only if they are asked for."""
    wanted = filters.asked(arguments, SEARCHED)
    if "tenantId" in wanted and arguments.get("includeProjectRoles"):
        wanted["tenantId"].append("")
    texts = fill({"roleNameLike": "", "text": ""}, arguments)
    found = [
        role
        for role in state.roles.values()
        if filters.matches(role, wanted)
        and filters.has_text(role, texts["roleNameLike"], ["name"])
        and filters.has_text(role, texts["text"], ["name", "description", "id"])
    ]
    return {"roles": filters.ordered(found, arguments.get("sort"))}


@handles("CreateRole", required=["name"])
def create_role(state: State, arguments: Arguments) -> Answer:
    """A new role in the project or, with ``tenantId``, in a tenant."""
    return _create_roles(state, [arguments])[0]


@handles("CreateRoles", required=["roles[]"])
def create_roles(state: State, arguments: Arguments) -> Answer:
    """New roles; one that cannot be created stops all of them."""
    return {"roles": _create_roles(state, objects(arguments, "roles"))}


def _create_roles(state: State, items: Iterable[Arguments]) -> list[Record]:
    """Create all or, if one cannot be, none."""
    new: list[Record] = []
    for item in items:
        require(item, "name")
        role = {
            **fill({"name": "", "tenantId": ""}, item),
            **_checked_role(state, item),
            "createdTime": state.now(),
            "id": state.new_id("R"),
        }
        if role["tenantId"]:
            links.tenant(state, role["tenantId"])
        ensure_unique([*state.roles.values(), *new], role, ["tenantId", "name"], ROLE_EXISTS)
        new.append(role)
    for role in new:
        state.roles[role["id"]] = role
        _record_role(state, "RoleCreated", role)
    return new


@handles("UpdateRole", required=["newName"], exactly_one=["name", "id"])
def update_role(state: State, arguments: Arguments) -> Answer:
    """Replace a role; a new name goes to everybody who has it."""
    return _update_roles(state, [arguments])[0]


@handles("UpdateRoles", required=["roles[]"])
def update_roles(state: State, arguments: Arguments) -> Answer:
    """Replace roles; one that cannot be replaced stops all of them."""
    return {"roles": _update_roles(state, objects(arguments, "roles"))}


def _update_roles(state: State, items: Iterable[Arguments]) -> list[Record]:
    changes: list[tuple[Record, Record]] = []
    for item in items:
        require(item, "newName")
        role = _role(state, item)
        new = {**role, **_checked_role(state, item), "name": str(item["newName"])}
        ensure_unique(
            _after(state.roles.values(), role, changes), new, ["tenantId", "name"], ROLE_EXISTS
        )
        changes.append((role, new))
    for role, new in changes:
        links.replace_role(state, role, new["name"])
        role.update(new)
        _record_role(state, "RoleModified", role)
    return [role for role, _ in changes]


@handles("DeleteRole", exactly_one=["name", "id"])
def delete_role(state: State, arguments: Arguments) -> Answer:
    """Delete a role and take it from everybody who has it."""
    _delete_roles(state, [_role(state, arguments)])
    return None


@handles("DeleteRoles", any_of=["roleNames[]", "roleIds[]"])
def delete_roles(state: State, arguments: Arguments) -> Answer:
    """Delete roles; one that cannot be deleted stops all of them."""
    tenant_id = arguments.get("tenantId") or ""
    names = [{"name": n, "tenantId": tenant_id} for n in strings(arguments, "roleNames")]
    ids = [{"id": i} for i in strings(arguments, "roleIds")]
    _delete_roles(state, [_role(state, item) for item in [*names, *ids]])
    return None


def _delete_roles(state: State, roles: Iterable[Record]) -> None:
    for role in {role["id"]: role for role in roles}.values():
        links.replace_role(state, role, None)
        del state.roles[role["id"]]
        _record_role(state, "RoleDeleted", role)


def _after(
    records: Iterable[Record], own: Record, changes: Iterable[tuple[Record, Record]]
) -> list[Record]:
    """The other records as they will be once `changes`, pairs of old and new, are made."""
    new = {old["id"]: after for old, after in changes}
    return [new.get(r["id"], r) for r in records if r is not own]


def _role(state: State, item: Mapping[str, Any]) -> Record:
    """The role that an item means by ``id``, or by ``name`` and ``tenantId``, to be changed."""
    if item.get("id"):
        role = state.roles.get(str(item["id"]))
    else:
        require(item, "name")
        key = (item["name"], item.get("tenantId") or "")
        role = next((r for r in state.roles.values() if (r["name"], r["tenantId"]) == key), None)
    if role is None:
        raise DescopeError(NO_ROLE, f"Role not found: {item.get('id') or item.get('name')}")
    if role["name"] == TENANT_ADMIN and not role["tenantId"]:
        raise DescopeError(BUILT_IN_ROLE)
    return role


def _checked_role(state: State, item: Arguments) -> Record:
    fields = fill(ROLE, item)
    fields["permissionNames"] = links.known_permissions(state, fields["permissionNames"])
    return fields


def _record_role(state: State, action: str, role: Record) -> None:
    tenants = [role["tenantId"]] if role["tenantId"] else []
    state.record(action, tenants=tenants, data={"id": role["id"], "name": role["name"]})


@handles("LoadAllPermissions")
def load_all_permissions(state: State, arguments: Arguments) -> Answer:
    """Every permission, the system's included."""
    return {"permissions": list(state.permissions.values())}


@handles("CreatePermission", required=["name"])
def create_permission(state: State, arguments: Arguments) -> Answer:
    """A new permission, which no role has yet."""
    _create_permissions(state, [arguments])
    return None


@handles("CreatePermissions", required=["permissions[]"])
def create_permissions(state: State, arguments: Arguments) -> Answer:
    """New permissions; one that cannot be created stops all of them."""
    _create_permissions(state, objects(arguments, "permissions"))
    return None


def _create_permissions(state: State, items: Iterable[Arguments]) -> None:
    new: list[Record] = []
    for item in items:
        require(item, "name")
        permission = {
            **fill({"name": "", "description": ""}, item),
            "systemDefault": False,
            "id": state.new_id("P"),
        }
        ensure_unique([*state.permissions.values(), *new], permission, ["name"], PERMISSION_EXISTS)
        new.append(permission)
    for permission in new:
        state.permissions[permission["id"]] = permission
        _record_permission(state, "PermissionCreated", permission)


@handles("UpdatePermission", required=["newName"], exactly_one=["name", "id"])
def update_permission(state: State, arguments: Arguments) -> Answer:
    """Replace a permission; a new name goes to every role that has it."""
    _update_permissions(state, [arguments])
    return None


@handles("UpdatePermissions", required=["permissions[]"])
def update_permissions(state: State, arguments: Arguments) -> Answer:
    """Replace permissions; one that cannot be replaced stops all of them."""
    _update_permissions(state, objects(arguments, "permissions"))
    return None


def _update_permissions(state: State, items: Iterable[Arguments]) -> None:
    changes: list[tuple[Record, Record]] = []
    for item in items:
        require(item, "newName")
        permission = _permission(state, item)
        new = {**permission, **fill({"description": ""}, item), "name": str(item["newName"])}
        others = _after(state.permissions.values(), permission, changes)
        ensure_unique(others, new, ["name"], PERMISSION_EXISTS)
        changes.append((permission, new))
    for permission, new in changes:
        links.replace_permission(state, permission["name"], new["name"])
        permission.update(new)
        _record_permission(state, "PermissionModified", permission)


@handles("DeletePermission", exactly_one=["name", "id"])
def delete_permission(state: State, arguments: Arguments) -> Answer:
    """Delete a permission and take it from every role."""
    _delete_permissions(state, [_permission(state, arguments)])
    return None


@handles("DeletePermissions", any_of=["names[]", "ids[]"])
def delete_permissions(state: State, arguments: Arguments) -> Answer:
    """Delete permissions; one that cannot be deleted stops all of them."""
    names = [{"name": n} for n in strings(arguments, "names")]
    ids = [{"id": i} for i in strings(arguments, "ids")]
    _delete_permissions(state, [_permission(state, item) for item in [*names, *ids]])
    return None


def _delete_permissions(state: State, permissions: Iterable[Record]) -> None:
    for permission in {p["id"]: p for p in permissions}.values():
        links.replace_permission(state, permission["name"], None)
        del state.permissions[permission["id"]]
        _record_permission(state, "PermissionDeleted", permission)


def _permission(state: State, item: Mapping[str, Any]) -> Record:
    """The permission that an item means by ``id`` or ``name``, to be changed."""
    wanted = item.get("id") or item.get("name")
    by = "id" if item.get("id") else "name"
    found = next((p for p in state.permissions.values() if p[by] == wanted), None)
    if found is None:
        raise DescopeError(NO_PERMISSION, f"Permission not found: {wanted}")
    if found["systemDefault"]:
        raise DescopeError(INVALID, f"{found['name']} is a system permission")
    return found


def _record_permission(state: State, action: str, permission: Record) -> None:
    state.record(action, data={"id": permission["id"], "name": permission["name"]})

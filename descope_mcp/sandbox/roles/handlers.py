"""Roles and permissions.

Updates replace the whole object. Deleting one takes it from everybody who has it. The built-in
role and the system permissions cannot be changed.
"""

from __future__ import annotations

from collections.abc import Iterable

from descope_mcp.sandbox.engine import filters
from descope_mcp.sandbox.engine.errors import (
    BUILT_IN_ROLE,
    INVALID,
    NO_PERMISSION,
    NO_ROLE,
    DescopeError,
)
from descope_mcp.sandbox.engine.fields import Record, distinct, fill, objects, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.roles.tables import PERMISSIONS, ROLE, ROLES

TENANT_ADMIN = "Tenant Admin"

SEARCHED = {
    "tenantIds": "tenantId",
    "roleNames": "name",
    "roleIds": "id",
    "permissionNames": "permissionNames",
}


@handles("LoadAllRoles")
def load_all_roles(state: State, arguments: Arguments) -> Answer:
    """Every role, those of tenants included."""
    return {"roles": state.all(ROLES)}


@handles("SearchRoles")
def search_roles(state: State, arguments: Arguments) -> Answer:
    """Roles that pass every filter; with tenants, the project's only if they are asked for."""
    wanted = filters.asked(arguments, SEARCHED)
    if "tenantId" in wanted and arguments.get("includeProjectRoles"):
        wanted["tenantId"].append("")
    texts = fill({"roleNameLike": "", "text": ""}, arguments)
    found = [
        role
        for role in state.all(ROLES)
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
    roles = []
    for item in items:
        require(item, "name")
        fields = {**fill({"name": "", "tenantId": ""}, item), **_role_fields(item)}
        role = state.add(ROLES, {**fields, "createdTime": state.now()})
        _record_role(state, "RoleCreated", role)
        roles.append(role)
    return roles


@handles("UpdateRole", required=["newName"], exactly_one=["name", "id"])
def update_role(state: State, arguments: Arguments) -> Answer:
    """Replace a role; a new name goes to everybody who has it."""
    return _update_roles(state, [arguments])[0]


@handles("UpdateRoles", required=["roles[]"])
def update_roles(state: State, arguments: Arguments) -> Answer:
    """Replace roles; one that cannot be replaced stops all of them."""
    return {"roles": _update_roles(state, objects(arguments, "roles"))}


def _update_roles(state: State, items: Iterable[Arguments]) -> list[Record]:
    roles = []
    for item in items:
        require(item, "newName")
        fields = {"name": item["newName"], **_role_fields(item)}
        role = state.change(ROLES, _role(state, item), fields)
        _record_role(state, "RoleModified", role)
        roles.append(role)
    return roles


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
        state.delete(ROLES, role["id"])
        _record_role(state, "RoleDeleted", role)


def _role(state: State, item: Arguments) -> Record:
    """The role that an item means by ``id``, or by ``name`` and ``tenantId``, to be changed."""
    if item.get("id"):
        role = state.get(ROLES, str(item["id"]))
    else:
        require(item, "name")
        named = fill({"name": "", "tenantId": ""}, item)
        found = state.find(ROLES, **named)
        if found is None:
            raise DescopeError(NO_ROLE, f"Role not found: {named['name']}")
        role = found
    if role["name"] == TENANT_ADMIN and not role["tenantId"]:
        raise DescopeError(BUILT_IN_ROLE)
    return role


def _role_fields(item: Arguments) -> Record:
    fields = fill(ROLE, item)
    return {**fields, "permissionNames": distinct(fields["permissionNames"])}


def _record_role(state: State, action: str, role: Record) -> None:
    tenants = [role["tenantId"]] if role["tenantId"] else []
    state.record(action, tenants=tenants, data={"id": role["id"], "name": role["name"]})


@handles("LoadAllPermissions")
def load_all_permissions(state: State, arguments: Arguments) -> Answer:
    """Every permission, the system's included."""
    return {"permissions": state.all(PERMISSIONS)}


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
    for item in items:
        require(item, "name")
        permission = state.add(PERMISSIONS, fill({"name": "", "description": ""}, item))
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
    for item in items:
        require(item, "newName")
        fields = {"name": item["newName"], **fill({"description": ""}, item)}
        permission = state.change(PERMISSIONS, _permission(state, item), fields)
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
        state.delete(PERMISSIONS, permission["id"])
        _record_permission(state, "PermissionDeleted", permission)


def _permission(state: State, item: Arguments) -> Record:
    """The permission that an item means by ``id`` or ``name``, to be changed."""
    by = "id" if item.get("id") else "name"
    require(item, by)
    found = state.find(PERMISSIONS, **{by: item[by]})
    if found is None:
        raise DescopeError(NO_PERMISSION, f"Permission not found: {item[by]}")
    if found["systemDefault"]:
        raise DescopeError(INVALID, f"{found['name']} is a system permission")
    return found


def _record_permission(state: State, action: str, permission: Record) -> None:
    state.record(action, data={"id": permission["id"], "name": permission["name"]})

"""SCIM groups: the groups of the tenant that the access key is for, with users as members."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import BAD_SCIM_PATH, NO_GROUP, DescopeError
from descope_mcp.sandbox.engine.fields import Record, distinct, fill, objects
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.scim import shared as scim
from descope_mcp.sandbox.scim.shared import Change, speaks_scim
from descope_mcp.sandbox.tenants.groups import GROUPS
from descope_mcp.sandbox.users.tables import USERS


@handles("SearchSCIMGroups")
@speaks_scim
def search(state: State, arguments: Arguments) -> Answer:
    """The groups that pass the filter, a page of them."""
    groups = state.all(GROUPS, tenantId=scim.tenant_of(state))
    return scim.found([_shown(state, group, arguments) for group in groups], arguments)


@handles("CreateSCIMGroup", required=["displayName"])
@speaks_scim
def create(state: State, arguments: Arguments) -> Answer:
    """A new group."""
    group = state.add(
        GROUPS,
        {
            **_names(arguments),
            "tenantId": scim.tenant_of(state),
            "members": _ids(objects(arguments, "members")),
            "createdTime": state.now(),
            "modifiedTime": state.now(),
        },
    )
    _record(state, "GroupCreated", group)
    return _shown(state, group, arguments)


@handles("LoadSCIMGroup", required=["groupId"])
@speaks_scim
def load(state: State, arguments: Arguments) -> Answer:
    """One group."""
    return _shown(state, _group(state, arguments["groupId"]), arguments)


@handles("UpdateSCIMGroup", required=["groupId", "displayName"])
@speaks_scim
def replace(state: State, arguments: Arguments) -> Answer:
    """Replace a group: members that are left out leave it."""
    fields = {**_names(arguments), "members": _ids(objects(arguments, "members"))}
    group = _change(state, _group(state, arguments["groupId"]), fields)
    return _shown(state, group, arguments)


@handles("PatchSCIMGroup", required=["groupId"])
@speaks_scim
def patch(state: State, arguments: Arguments) -> Answer:
    """Rename a group, or change its members."""
    group = _group(state, arguments["groupId"])
    fields: Record = {}
    for change in scim.changes(arguments):
        fields |= _changed({**group, **fields}, change)
    _change(state, group, fields)
    return None


@handles("DeleteSCIMGroup", required=["groupId"])
@speaks_scim
def delete(state: State, arguments: Arguments) -> Answer:
    """Delete a group; its members stay."""
    group = state.delete(GROUPS, _group(state, arguments["groupId"])["id"])
    _record(state, "GroupDeleted", group)
    return None


def _group(state: State, group_id: str) -> Record:
    group = state.get(GROUPS, group_id)
    if group["tenantId"] != scim.tenant_of(state):
        raise DescopeError(NO_GROUP, f"Group not found: {group_id}")
    return group


def _change(state: State, group: Record, fields: Record) -> Record:
    changed = state.change(GROUPS, group, {**fields, "modifiedTime": state.now()})
    _record(state, "GroupModified", changed)
    return changed


def _changed(group: Mapping[str, Any], change: Change) -> Record:
    """The fields that one operation of a PATCH writes."""
    path, value = change.path, change.value
    if not path and isinstance(value, Mapping):
        shown = {"displayName": group["display"], "externalId": group["externalId"]}
        fields = _names({**shown, **value})
        if "members" in value:
            fields["members"] = _members(group, Change(change.op, "members", value["members"]))
        return fields
    if chosen := re.fullmatch(r'members\[value eq "([^"]*)"\]', path, re.IGNORECASE):
        return {"members": [m for m in group["members"] if m != chosen[1]]}
    if path.lower() == "members":
        return {"members": _members(group, change)}
    names = {"displayname": "display", "externalid": "externalId"}
    if path.lower() in names and isinstance(value, str):
        return {names[path.lower()]: value}
    raise DescopeError(BAD_SCIM_PATH, f"Not supported: {path or 'an operation without a path'}")


def _members(group: Mapping[str, Any], change: Change) -> list[str]:
    if change.op == "remove" and not change.value:
        return []
    given = _ids(objects({"value": change.value}, "value"))
    if change.op == "add":
        return distinct([*group["members"], *given])
    if change.op == "remove":
        return [member for member in group["members"] if member not in given]
    return given


def _names(arguments: Arguments) -> Record:
    asked = fill({"displayName": "", "externalId": ""}, arguments)
    return {"display": asked["displayName"], "externalId": asked["externalId"]}


def _ids(members: Iterable[Mapping[str, Any]]) -> list[str]:
    return distinct(fill({"value": ""}, member)["value"] for member in members)


def _shown(state: State, group: Mapping[str, Any], arguments: Arguments) -> Record:
    """A group as SCIM shows it; ``excludedAttributes`` may leave its members out."""
    excluded = fill({"excludedAttributes": ""}, arguments)["excludedAttributes"]
    shown = {
        "schemas": [f"{scim.CORE}:Group"],
        "id": group["id"],
        "displayName": group["display"],
        "externalId": group["externalId"],
        "members": [
            {"value": member, "display": state.get(USERS, member)["name"]}
            for member in group["members"]
        ],
        "meta": scim.meta(state, "Group", group["id"], group["createdTime"], group["modifiedTime"]),
    }
    left_out = {name.strip().lower() for name in excluded.split(",")}
    return {name: value for name, value in shown.items() if name.lower() not in left_out}


def _record(state: State, action: str, group: Mapping[str, Any]) -> None:
    tenants = [group["tenantId"]] if group["tenantId"] else []
    state.record(action, tenants=tenants, data={"id": group["id"], "name": group["display"]})

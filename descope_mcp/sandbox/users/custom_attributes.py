"""The custom attributes that the project's users can have."""

from __future__ import annotations

from descope_mcp.sandbox.engine.fields import Record, fill, objects, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Table, register
from descope_mcp.sandbox.users.tables import USERS

USER_ATTRIBUTES = register(Table("user_attributes", key="name"))

ATTRIBUTE: Record = {
    "name": "",
    "type": 1,
    "options": [],
    "displayName": "",
    "viewPermissions": [],
    "editPermissions": [],
    "editable": True,
}


@handles("UserCustomAttributes")
def user_custom_attributes(state: State, arguments: Arguments) -> Answer:
    """All of them; the total is a string, as int64 is in JSON."""
    attributes = state.all(USER_ATTRIBUTES)
    return {"data": attributes, "total": str(len(attributes))}


@handles("CreateUserCustomAttribute", required=["attributes[]"])
def create_user_custom_attribute(state: State, arguments: Arguments) -> Answer:
    """Add attributes, or replace those of the same name; gives all."""
    items = objects(arguments, "attributes")
    for item in items:
        require(item, "name")
    new = [{**fill(ATTRIBUTE, item), "defaultValue": item.get("defaultValue")} for item in items]
    for attribute in new:
        attribute["displayName"] = attribute["displayName"] or attribute["name"]
        present = state.find(USER_ATTRIBUTES, name=attribute["name"])
        if present:
            state.change(USER_ATTRIBUTES, present, attribute)
        else:
            state.add(USER_ATTRIBUTES, attribute)
        state.record("CustomAttributeCreated", data={"name": attribute["name"]})
    return user_custom_attributes(state, {})


@handles("DeleteUserCustomAttribute", required=["names[]"])
def delete_user_custom_attribute(state: State, arguments: Arguments) -> Answer:
    """Delete attributes together with the value that every user has for them."""
    for name in strings(arguments, "names"):
        if state.find(USER_ATTRIBUTES, name=name) is None:
            continue
        state.delete(USER_ATTRIBUTES, name)
        for user in state.all(USERS):
            if name in user["customAttributes"]:
                kept = {k: v for k, v in user["customAttributes"].items() if k != name}
                state.change(USERS, user, {"customAttributes": kept})
        state.record("CustomAttributeDeleted", data={"name": name})
    return user_custom_attributes(state, {})

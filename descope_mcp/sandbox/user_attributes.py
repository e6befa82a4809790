"""The custom attributes that the project's users can have."""

from __future__ import annotations

from descope_mcp.sandbox.fields import Record, fill, objects, strings
from descope_mcp.sandbox.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.state import State

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
    attributes = list(state.user_attributes.values())
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
        state.user_attributes[attribute["name"]] = attribute
        state.record("CustomAttributeCreated", data={"name": attribute["name"]})
    return user_custom_attributes(state, {})


@handles("DeleteUserCustomAttribute", required=["names[]"])
def delete_user_custom_attribute(state: State, arguments: Arguments) -> Answer:
    """Delete attributes together with the value that every user has for them."""
    for name in strings(arguments, "names"):
        if state.user_attributes.pop(name, None) is None:
            continue
        for user in state.users.values():
            user["customAttributes"].pop(name, None)
        state.record("CustomAttributeDeleted", data={"name": name})
    return user_custom_attributes(state, {})

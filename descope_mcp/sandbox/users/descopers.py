"""Descopers: the people who administer the project in Descope's console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.errors import DESCOPER_EXISTS, NO_DESCOPER
from descope_mcp.sandbox.engine.fields import Record, fill, given, objects, one_of, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Table, Unique, register

DESCOPERS = register(
    Table(
        "descopers",
        "U",
        missing=NO_DESCOPER,
        unique=(Unique(("loginIDs[]",), DESCOPER_EXISTS),),
    )
)

_ROLES = ("admin", "developer", "support", "auditor")
_ATTRIBUTES: Record = {"displayName": "", "email": "", "phone": ""}


@handles("ListDescopers", company=True)
def list_descopers(state: State, arguments: Arguments) -> Answer:
    """All of them."""
    descopers = state.all(DESCOPERS)
    return {"descopers": descopers, "total": len(descopers)}


@handles("GetDescoper", required=["id"], company=True)
def get_descoper(state: State, arguments: Arguments) -> Answer:
    """One of them."""
    return {"descoper": state.get(DESCOPERS, arguments["id"])}


@handles("CreateDescopers", required=["descopers[]"], company=True)
def create_descopers(state: State, arguments: Arguments) -> Answer:
    """New ones, invited by email if that is asked for; one that cannot be stops all of them."""
    created = [_create(state, item) for item in objects(arguments, "descopers")]
    return {"descopers": created, "total": len(created)}


def _create(state: State, item: Mapping[str, Any]) -> Record:
    asked = fill({"loginId": "", "attributes": {}, "sendInvite": False, "rbac": {}}, item)
    require(asked, "loginId")
    descoper = state.add(
        DESCOPERS,
        {
            "attributes": fill(_ATTRIBUTES, {"email": asked["loginId"], **asked["attributes"]}),
            "rbac": _rights(asked["rbac"]),
            "status": "invited",
            "loginIDs": [asked["loginId"]],
        },
    )
    if asked["sendInvite"]:
        state.send("email", asked["loginId"], "descoperInvite", {"id": descoper["id"]})
    state.record("DescoperCreated", data={"id": descoper["id"]})
    return descoper


@handles("UpdateDescoper", required=["id"], company=True)
def update_descoper(state: State, arguments: Arguments) -> Answer:
    """Change what is given: single attributes, or the rights as a whole."""
    descoper = state.get(DESCOPERS, arguments["id"])
    asked = given({"attributes": {}, "rbac": {}}, arguments)
    fields: Record = {}
    if "attributes" in asked:
        fields["attributes"] = descoper["attributes"] | given(_ATTRIBUTES, asked["attributes"])
    if "rbac" in asked:
        fields["rbac"] = _rights(asked["rbac"])
    state.change(DESCOPERS, descoper, fields)
    state.record("DescoperModified", data={"id": descoper["id"]})
    return {"descoper": descoper}


@handles("DeleteDescoper", required=["id"], company=True)
def delete_descoper(state: State, arguments: Arguments) -> Answer:
    """Take somebody's access to the console away for good."""
    state.delete(DESCOPERS, arguments["id"])
    state.record("DescoperDeleted", data={"id": arguments["id"]})
    return {}


def _rights(asked: Mapping[str, Any]) -> Record:
    def role(item: Mapping[str, Any]) -> str:
        return one_of("role", fill({"role": ""}, item)["role"], _ROLES)

    return {
        "isCompanyAdmin": fill({"isCompanyAdmin": False}, asked)["isCompanyAdmin"],
        "tags": [
            {"tags": strings(item, "tags"), "role": role(item)} for item in objects(asked, "tags")
        ],
        "projects": [
            {"projectIds": strings(item, "projectIds"), "role": role(item)}
            for item in objects(asked, "projects")
        ],
    }

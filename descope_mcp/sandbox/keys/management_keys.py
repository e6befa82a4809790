"""Management keys: who may call the management operations. Their cleartexts are shown once.

Of a key's rights this is documented, and counts: one that is not for the whole company is for the
projects and tags that it names, and opens nothing that is about the company, which are new projects
(docs.descope.com/managing-environments/terraform), management keys and the people of the console
(docs.descope.com/fedramp-security-admin-guide). What each role allows within a project is not.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from descope_mcp.sandbox.engine.errors import (
    FORBIDDEN,
    INVALID,
    NO_MANAGEMENT_KEY,
    UNAUTHORIZED,
    DescopeError,
)
from descope_mcp.sandbox.engine.fields import Record, fill, integer, objects, one_of, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import SANDBOX, State
from descope_mcp.sandbox.engine.tables import Table, register

#: `cleartext` is in no answer but that of CreateManagementKey.
MANAGEMENT_KEYS = register(
    Table(
        "management_keys",
        "K",
        missing=NO_MANAGEMENT_KEY,
        secrets=("cleartext",),
        template={
            "description": "",
            "status": "active",
            "expireTime": 0,
            "permittedIps": [],
            "version": 1,
            "authzVersion": 1,
        },
    )
)

_RIGHTS: Record = {"companyRoles": [], "projectRoles": [], "tagRoles": []}
_STATUSES = ("active", "inactive")


@handles("GetManagementKey", required=["id"], company=True)
def get_management_key(state: State, arguments: Arguments) -> Answer:
    """One key, without its secret."""
    return {"key": _shown(state.get(MANAGEMENT_KEYS, arguments["id"]))}


@handles("SearchManagementKeys", company=True)
def search_management_keys(state: State, arguments: Arguments) -> Answer:
    """All keys."""
    return {"keys": [_shown(key) for key in state.all(MANAGEMENT_KEYS)]}


@handles("CreateManagementKey", required=["name"], company=True)
def create_management_key(state: State, arguments: Arguments) -> Answer:
    """A new key and, this one time, its secret."""
    given = fill({"name": "", "description": "", "reBac": {}}, arguments)
    lifetime = integer(arguments, "expiresIn")
    key_id = state.new_id("K")
    key = state.add(
        MANAGEMENT_KEYS,
        {
            "id": key_id,
            "name": given["name"],
            "description": given["description"],
            "createdTime": state.now(),
            "expireTime": state.now() + lifetime if lifetime else integer(arguments, "expireTime"),
            "permittedIps": _networks(arguments),
            "reBac": _rights(given["reBac"]),
            "cleartext": key_id + state.new_secret(212),
        },
    )
    _record(state, "ManagementKeyCreated", key)
    return {"cleartext": key["cleartext"], "key": _shown(key)}


@handles("UpdateManagementKey", required=["id", "name"], company=True)
def update_management_key(state: State, arguments: Arguments) -> Answer:
    """Replace what can be changed: what is left out is reset, although the method is PATCH."""
    key = state.get(MANAGEMENT_KEYS, arguments["id"])
    given = fill({"name": "", "description": "", "status": ""}, arguments)
    status = one_of("status", given["status"] or "active", _STATUSES)
    new = {**given, "status": status, "permittedIps": _networks(arguments)}
    state.change(MANAGEMENT_KEYS, key, {**new, "version": key["version"] + 1})
    _record(state, "ManagementKeyModified", key)
    return {"key": _shown(key)}


@handles("DeleteManagementKeys", required=["ids[]"], company=True)
def delete_management_keys(state: State, arguments: Arguments) -> Answer:
    """Delete keys for good, the one in use too if it is among them."""
    ids = strings(arguments, "ids")
    for key in [state.get(MANAGEMENT_KEYS, key_id) for key_id in ids]:
        state.delete(MANAGEMENT_KEYS, key["id"])
        _record(state, "ManagementKeyDeleted", key)
    return {"total": len(ids)}


def add_first_key(state: State) -> None:
    """Store the key that a project is handed over with."""
    state.add(
        MANAGEMENT_KEYS,
        {
            "id": state.management_key_id,
            "name": "First key",
            "createdTime": state.now(),
            "reBac": {**_RIGHTS, "companyRoles": ["company-full-access"]},
            "cleartext": state.management_key,
        },
    )


def hand_over(state: State, cleartext: str) -> None:
    """Let `cleartext` be the key that the project is handed over with."""
    state.change(SANDBOX, state.get(SANDBOX, "sandbox"), {"managementKey": cleartext})
    first = state.get(MANAGEMENT_KEYS, state.management_key_id)
    state.change(MANAGEMENT_KEYS, first, {"cleartext": cleartext})


def opened_by(state: State, cleartext: str) -> Record | None:
    """The key whose secret `cleartext` is, if it may be used now."""
    for key in state.all(MANAGEMENT_KEYS):
        if hmac.compare_digest(key["cleartext"].encode(), cleartext.encode()):
            usable = key["status"] == "active" and not 0 < key["expireTime"] <= state.now()
            return key if usable else None
    return None


def admitted(state: State, cleartext: str, address: str, *, company: bool = False) -> str:
    """The id of the key that `cleartext` opens, if it may be used here and from `address`.

    With `company`, for what is about the company and no project.

    Raises:
        DescopeError: 401 for a secret that opens nothing, 403 for a key that may not be used.
    """
    key = opened_by(state, cleartext)
    if key is None:
        raise DescopeError(UNAUTHORIZED, "The management key is not valid")
    if key["permittedIps"] and not _is_within(address, key["permittedIps"]):
        raise DescopeError(FORBIDDEN, "The management key may not be used from this address")
    if not _is_for(key["reBac"], state.project):
        raise DescopeError(FORBIDDEN, "The management key may not be used for this project")
    if company and (key["reBac"]["projectRoles"] or key["reBac"]["tagRoles"]):
        raise DescopeError(FORBIDDEN, "The management key is for projects, not for the company")
    return str(key["id"])


def _is_for(rights: Mapping[str, Any], project: Mapping[str, Any]) -> bool:
    if rights["companyRoles"] or not (rights["projectRoles"] or rights["tagRoles"]):
        return True
    by_id = any(project["id"] in item["projectIds"] for item in rights["projectRoles"])
    by_tag = any(set(project["tags"]) & set(item["tags"]) for item in rights["tagRoles"])
    return by_id or by_tag


def _is_within(address: str, networks: Iterable[str]) -> bool:
    try:
        return any(ip_address(address) in ip_network(each, strict=False) for each in networks)
    except ValueError:
        return False


def _networks(arguments: Arguments) -> list[str]:
    networks = strings(arguments, "permittedIps")
    for each in networks:
        try:
            ip_network(each, strict=False)
        except ValueError:
            raise DescopeError(INVALID, f"Not an address or a network: {each}") from None
    return networks


def _rights(given: Mapping[str, Any]) -> Record:
    project_roles = [
        {"projectIds": strings(item, "projectIds"), "roles": strings(item, "roles")}
        for item in objects(given, "projectRoles")
    ]
    tag_roles = [
        {"tags": strings(item, "tags"), "roles": strings(item, "roles")}
        for item in objects(given, "tagRoles")
    ]
    company_roles = strings(given, "companyRoles")
    if not (company_roles or project_roles or tag_roles):
        require(given, "companyRoles[]")
    if company_roles and (project_roles or tag_roles):
        raise DescopeError(INVALID, "Give either companyRoles, or projectRoles and tagRoles")
    return {"companyRoles": company_roles, "projectRoles": project_roles, "tagRoles": tag_roles}


def _shown(key: Mapping[str, Any]) -> Record:
    return {name: value for name, value in key.items() if name != "cleartext"}


def _record(state: State, action: str, key: Mapping[str, Any]) -> None:
    state.record(action, data={"id": key["id"], "name": key["name"]})

"""Access keys. A key's cleartext is shown once, when it is made; updates are patches."""

from __future__ import annotations

import base64

from descope_mcp.sandbox import filters, links
from descope_mcp.sandbox.errors import NO_ACCESS_KEY, NO_USER, DescopeError
from descope_mcp.sandbox.fields import Record, fill, given, integer, objects, strings
from descope_mcp.sandbox.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.state import State

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


@handles("LoadAccessKey", required=["id"])
def load_access_key(state: State, arguments: Arguments) -> Answer:
    """One key, without its secret."""
    return {"key": view(state, _key(state, arguments["id"]))}


@handles("SearchAccessKeys")
def search_access_keys(state: State, arguments: Arguments) -> Answer:
    """Every key that passes the filters; there are no pages."""
    tenant_ids = filters.asked(arguments, {"tenantIds": "tenantIds"})
    texts = fill({"text": "", "boundUserId": "", "creatingUser": ""}, arguments)
    found = [
        key
        for key in state.access_keys.values()
        if filters.matches({"tenantIds": [m["tenantId"] for m in key["keyTenants"]]}, tenant_ids)
        and texts["boundUserId"] in ("", key["boundUserId"])
        and texts["creatingUser"] in ("", key["createdBy"])
        and filters.has_text(key, texts["text"], ["name", "description", "id"])
        and filters.has_attributes(key, arguments)
    ]
    return {"keys": [view(state, k) for k in filters.ordered(found, arguments.get("sort"))]}


@handles("CreateAccessKey", required=["name"])
def create_access_key(state: State, arguments: Arguments) -> Answer:
    """A new key and, this one time, its secret."""
    key = _new(state, arguments)
    _store(state, key, key["id"] + state.new_secret(60))
    return {"cleartext": state.access_key_secrets[key["id"]], "key": view(state, key)}


@handles("ImportAccessKeys", required=["keys[]"])
def import_access_keys(state: State, arguments: Arguments) -> Answer:
    """Keys whose secret the caller already has; a secret that is left out is made up."""
    items = objects(arguments, "keys")
    for item in items:
        require(item, "name")
    keys = [_new(state, item) for item in items]
    for key, item in zip(keys, items, strict=True):
        _store(state, key, str(item.get("cleartext") or key["id"] + state.new_secret(60)))
    return {"keys": [view(state, key) for key in keys]}


def _new(state: State, arguments: Arguments) -> Record:
    """A key that is not stored yet. One bound to a user has that user's rights, not its own."""
    fields = _checked(state, fill(EDITABLE, arguments))
    user_id = fill({"userId": ""}, arguments)["userId"]
    if user_id and user_id not in state.users:
        raise DescopeError(NO_USER, f"User not found: {user_id}")
    if user_id:
        fields |= {"roleNames": [], "keyTenants": []}
    key_id = state.new_id("K")
    return {
        "id": key_id,
        **fields,
        "status": "active",
        "createdTime": state.now(),
        "expireTime": integer(arguments, "expireTime"),
        "createdBy": state.caller.actor,
        "clientId": base64.b64encode(f"{state.project['id']}:{key_id}".encode()).decode(),
        "boundUserId": user_id,
        "editable": True,
    }


def _store(state: State, key: Record, cleartext: str) -> None:
    state.access_keys[key["id"]] = key
    state.access_key_secrets[key["id"]] = cleartext
    _record(state, "AccessKeyCreated", key)


@handles("UpdateAccessKey", required=["id", "name"])
def update_access_key(state: State, arguments: Arguments) -> Answer:
    """Change what is given: null or left out keeps, an empty list clears."""
    key = _key(state, arguments["id"])
    key.update(_checked(state, given(EDITABLE, arguments)))
    _record(state, "AccessKeyModified", key)
    return {"key": view(state, key)}


@handles("ActivateAccessKey", required=["id"])
def activate_access_key(state: State, arguments: Arguments) -> Answer:
    """Let a key be used again."""
    _set_status(state, [arguments["id"]], "active")
    return None


@handles("ActivateAccessKeys", required=["ids[]"])
def activate_access_keys(state: State, arguments: Arguments) -> Answer:
    """Let keys be used again; an unknown id stops all of them."""
    _set_status(state, strings(arguments, "ids"), "active")
    return None


@handles("DeactivateAccessKey", required=["id"])
def deactivate_access_key(state: State, arguments: Arguments) -> Answer:
    """Stop a key from being used."""
    _set_status(state, [arguments["id"]], "inactive")
    return None


@handles("DeactivateAccessKeys", required=["ids[]"])
def deactivate_access_keys(state: State, arguments: Arguments) -> Answer:
    """Stop keys from being used; an unknown id stops none of them."""
    _set_status(state, strings(arguments, "ids"), "inactive")
    return None


def _set_status(state: State, ids: list[str], status: str) -> None:
    for key in [_key(state, key_id) for key_id in ids]:
        key["status"] = status
        _record(state, "AccessKeyModified", key)


@handles("DeleteAccessKey", required=["id"])
def delete_access_key(state: State, arguments: Arguments) -> Answer:
    """Delete a key for good."""
    remove_access_keys(state, [_key(state, arguments["id"])])
    return None


@handles("DeleteAccessKeys", required=["ids[]"])
def delete_access_keys(state: State, arguments: Arguments) -> Answer:
    """Delete keys for good; an unknown id deletes none of them."""
    remove_access_keys(state, [_key(state, i) for i in strings(arguments, "ids")])
    return None


def remove_access_keys(state: State, keys: list[Record]) -> None:
    """Take the keys and their secrets away."""
    for key in keys:
        del state.access_keys[key["id"]]
        del state.access_key_secrets[key["id"]]
        _record(state, "AccessKeyDeleted", key)


def opened_by(state: State, cleartext: str) -> Record | None:
    """The key whose secret `cleartext` is, if it may be used now."""
    for key_id, secret in state.access_key_secrets.items():
        key = state.access_keys[key_id]
        expired = key["expireTime"] and key["expireTime"] <= state.now()
        if secret == cleartext and key["status"] == "active" and not expired:
            return key
    return None


def view(state: State, key: Record) -> Record:
    """A key as answers show it, with the names of its tenants."""
    items = [{**m, "tenantName": state.tenants[m["tenantId"]]["name"]} for m in key["keyTenants"]]
    return {**key, "keyTenants": items}


def _key(state: State, key_id: str) -> Record:
    if key_id not in state.access_keys:
        raise DescopeError(NO_ACCESS_KEY, f"Access key not found: {key_id}")
    return state.access_keys[key_id]


def _checked(state: State, fields: Record) -> Record:
    """`fields` with roles and tenants made sure of."""
    if "roleNames" in fields:
        fields["roleNames"] = links.known_roles(state, fields["roleNames"])
    if "keyTenants" in fields:
        fields["keyTenants"] = links.memberships(state, fields["keyTenants"])
    return fields


def _record(state: State, action: str, key: Record) -> None:
    tenants = [m["tenantId"] for m in key["keyTenants"]]
    state.record(action, tenants=tenants, data={"id": key["id"], "name": key["name"]})

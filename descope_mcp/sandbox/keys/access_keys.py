"""Access keys. A key's cleartext is shown once, when it is made; updates are patches."""

from __future__ import annotations

import base64

from descope_mcp.sandbox.engine import filters
from descope_mcp.sandbox.engine.errors import INVALID, DescopeError
from descope_mcp.sandbox.engine.fields import (
    Record,
    distinct,
    fill,
    given,
    integer,
    objects,
    strings,
)
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.keys.tables import ACCESS_KEY_SECRETS, ACCESS_KEYS, EDITABLE
from descope_mcp.sandbox.roles import entitlements
from descope_mcp.sandbox.tenants.tables import TENANTS


@handles("LoadAccessKey", required=["id"])
def load_access_key(state: State, arguments: Arguments) -> Answer:
    """One key, without its secret."""
    return {"key": view(state, state.get(ACCESS_KEYS, arguments["id"]))}


@handles("SearchAccessKeys")
def search_access_keys(state: State, arguments: Arguments) -> Answer:
    """Every key that passes the filters; there are no pages."""
    tenant_ids = filters.asked(arguments, {"tenantIds": "tenantIds"})
    texts = fill({"text": "", "boundUserId": "", "creatingUser": ""}, arguments)
    found = [
        key
        for key in state.all(ACCESS_KEYS)
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
    key, cleartext = _create(state, arguments)
    return {"cleartext": cleartext, "key": view(state, key)}


@handles("ImportAccessKeys", required=["keys[]"])
def import_access_keys(state: State, arguments: Arguments) -> Answer:
    """Keys whose secret the caller already has; a secret that is left out is made up."""
    items = objects(arguments, "keys")
    for item in items:
        require(item, "name")
    return {"keys": [view(state, _create(state, item)[0]) for item in items]}


def _create(state: State, arguments: Arguments) -> tuple[Record, str]:
    """A new key and its secret. One bound to a user has that user's rights, not its own."""
    fields = _normal(fill(EDITABLE, arguments))
    extra = fill({"userId": "", "cleartext": ""}, arguments)
    if extra["userId"]:
        fields |= {"roleNames": [], "keyTenants": []}
    key_id = state.new_id("K")
    key = state.add(
        ACCESS_KEYS,
        {
            "id": key_id,
            **fields,
            "createdTime": state.now(),
            "expireTime": integer(arguments, "expireTime"),
            "createdBy": state.caller.actor,
            "clientId": base64.b64encode(f"{state.project_id}:{key_id}".encode()).decode(),
            "boundUserId": extra["userId"],
        },
    )
    cleartext = extra["cleartext"] or key_id + state.new_secret(60)
    if state.find(ACCESS_KEY_SECRETS, cleartext=cleartext):
        raise DescopeError(INVALID, "Another access key has this secret")
    state.add(ACCESS_KEY_SECRETS, {"cleartext": cleartext, "keyId": key_id})
    _record(state, "AccessKeyCreated", key)
    return key, cleartext


@handles("UpdateAccessKey", required=["id", "name"])
def update_access_key(state: State, arguments: Arguments) -> Answer:
    """Change what is given: null or left out keeps, an empty list clears."""
    key = state.get(ACCESS_KEYS, arguments["id"])
    key = state.change(ACCESS_KEYS, key, _normal(given(EDITABLE, arguments)))
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
    for key_id in ids:
        key = state.change(ACCESS_KEYS, state.get(ACCESS_KEYS, key_id), {"status": status})
        _record(state, "AccessKeyModified", key)


@handles("DeleteAccessKey", required=["id"])
def delete_access_key(state: State, arguments: Arguments) -> Answer:
    """Delete a key for good."""
    remove_access_keys(state, [state.get(ACCESS_KEYS, arguments["id"])])
    return None


@handles("DeleteAccessKeys", required=["ids[]"])
def delete_access_keys(state: State, arguments: Arguments) -> Answer:
    """Delete keys for good; an unknown id deletes none of them."""
    remove_access_keys(state, [state.get(ACCESS_KEYS, i) for i in strings(arguments, "ids")])
    return None


def remove_access_keys(state: State, keys: list[Record]) -> None:
    """Take the keys and their secrets away."""
    for key in keys:
        state.delete(ACCESS_KEYS, key["id"])
        _record(state, "AccessKeyDeleted", key)


def opened_by(state: State, cleartext: str) -> Record | None:
    """The key whose secret `cleartext` is, if it may be used now."""
    secret = state.find(ACCESS_KEY_SECRETS, cleartext=cleartext)
    if secret is None:
        return None
    key = state.get(ACCESS_KEYS, secret["keyId"])
    expired = key["expireTime"] and key["expireTime"] <= state.now()
    return key if key["status"] == "active" and not expired else None


def view(state: State, key: Record) -> Record:
    """A key as answers show it, with the names of its tenants."""
    items = [
        {**m, "tenantName": state.get(TENANTS, m["tenantId"])["name"]} for m in key["keyTenants"]
    ]
    return {**key, "keyTenants": items}


def _normal(fields: Record) -> Record:
    """`fields` with role names and memberships as they are stored."""
    if "roleNames" in fields:
        fields["roleNames"] = distinct(fields["roleNames"])
    if "keyTenants" in fields:
        fields["keyTenants"] = entitlements.memberships(fields["keyTenants"])
    return fields


def _record(state: State, action: str, key: Record) -> None:
    tenants = [m["tenantId"] for m in key["keyTenants"]]
    state.record(action, tenants=tenants, data={"id": key["id"], "name": key["name"]})

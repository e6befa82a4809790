"""Lists of texts, of IP addresses and ranges, or of any JSON, which flows and policies ask."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

from descope_mcp.sandbox.engine.errors import INVALID, LIST_EXISTS, MALFORMED, NO_LIST, DescopeError
from descope_mcp.sandbox.engine.fields import Record, distinct, fill, objects, one_of, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles, require
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Table, Unique, register

TYPES = ("texts", "ips", "json")

LISTS = register(
    Table(
        "lists",
        "LS",
        missing=NO_LIST,
        unique=(Unique(("id",), LIST_EXISTS), Unique(("name",), LIST_EXISTS)),
    )
)


@handles("CreateList", required=["name", "type"])
def create_list(state: State, arguments: Arguments) -> Answer:
    """A new list."""
    return {"list": _create(state, _read(arguments))}


@handles("UpdateList", required=["id", "name", "type"])
def update_list(state: State, arguments: Arguments) -> Answer:
    """Replace a list; what is left out is cleared, its elements too."""
    record = state.get(LISTS, arguments["id"])
    return {"list": _change(state, record, _read(arguments))}


@handles("ImportLists", required=["lists[]"])
def import_lists(state: State, arguments: Arguments) -> Answer:
    """Replace the lists whose id is known and create the others; one that fails stops all."""
    for item in objects(arguments, "lists"):
        require(item, "name", "type")
        list_id = fill({"id": ""}, item)["id"]
        known = state.find(LISTS, id=list_id)
        if known is None:
            _create(state, {"id": list_id, **_read(item)})
        else:
            _change(state, known, _read(item))
    return None


@handles("GetList", required=["id"])
def get_list(state: State, arguments: Arguments) -> Answer:
    """One list by its id."""
    return {"list": state.get(LISTS, arguments["id"])}


@handles("GetListByName", required=["name"])
def get_list_by_name(state: State, arguments: Arguments) -> Answer:
    """One list by its name."""
    record = state.find(LISTS, name=arguments["name"])
    if record is None:
        raise DescopeError(NO_LIST, f"List not found: {arguments['name']}")
    return {"list": record}


@handles("GetAllLists")
def get_all_lists(state: State, arguments: Arguments) -> Answer:
    """Every list."""
    return {"lists": state.all(LISTS)}


@handles("DeleteList", required=["id"])
def delete_list(state: State, arguments: Arguments) -> Answer:
    """Delete a list."""
    _record(state, "ListDeleted", state.delete(LISTS, arguments["id"]))
    return None


@handles("ClearList", required=["id"])
def clear_list(state: State, arguments: Arguments) -> Answer:
    """Take every element out of a list, whatever its type."""
    record = state.get(LISTS, arguments["id"])
    _change(state, record, {"data": _data(record["type"], None)})
    return None


@handles("AddTextsToList", required=["id", "texts[]"])
def add_texts(state: State, arguments: Arguments) -> Answer:
    """Append texts; those that are there already stay where they are."""
    return _edit(state, arguments, "texts", lambda data, new: [*data, *new])


@handles("RemoveTextsFromList", required=["id", "texts[]"])
def remove_texts(state: State, arguments: Arguments) -> Answer:
    """Take texts out; those that are not there do not matter."""
    return _edit(state, arguments, "texts", lambda data, out: [d for d in data if d not in out])


@handles("AddIPsToList", required=["id", "ips[]"])
def add_ips(state: State, arguments: Arguments) -> Answer:
    """Append addresses or ranges; those that are there already stay where they are."""
    return _edit(state, arguments, "ips", lambda data, new: [*data, *new])


@handles("RemoveIPsFromList", required=["id", "ips[]"])
def remove_ips(state: State, arguments: Arguments) -> Answer:
    """Take addresses or ranges out; those that are not there do not matter."""
    return _edit(state, arguments, "ips", lambda data, out: [d for d in data if d not in out])


@handles("CheckTextInList", required=["id", "text"])
def check_text(state: State, arguments: Arguments) -> Answer:
    """Whether the list has exactly this text."""
    return {"exists": arguments["text"] in _of_type(state, arguments, "texts")["data"]}


@handles("CheckIPInList", required=["id", "ip"])
def check_ip(state: State, arguments: Arguments) -> Answer:
    """Whether the list has this address, or a range that it lies in."""
    asked = _network(arguments["ip"])
    ranges = (_network(item) for item in _of_type(state, arguments, "ips")["data"])
    return {"exists": any(_lies_in(asked, each) for each in ranges)}


def _edit(
    state: State,
    arguments: Arguments,
    kind: str,
    edited: Callable[[list[str], list[str]], Iterable[str]],
) -> Answer:
    record = _of_type(state, arguments, kind)
    data = edited(record["data"], _data(kind, strings(arguments, kind)))
    _change(state, record, {"data": distinct(data)})
    return None


def _of_type(state: State, arguments: Arguments, kind: str) -> Record:
    record = state.get(LISTS, arguments["id"])
    if record["type"] != kind:
        raise DescopeError(INVALID, f"The list is of type {record['type']}, not {kind}")
    return record


def _create(state: State, fields: Record) -> Record:
    record = state.add(LISTS, fields)
    _record(state, "ListCreated", record)
    return record


def _change(state: State, record: Record, fields: Record) -> Record:
    record = state.change(LISTS, record, fields)
    _record(state, "ListModified", record)
    return record


def _read(arguments: Arguments) -> Record:
    """The fields of a request, the elements checked against the type."""
    fields = fill({"name": "", "description": "", "type": ""}, arguments)
    one_of("type", fields["type"], TYPES)
    return {**fields, "data": _data(fields["type"], arguments.get("data"))}


def _data(kind: str, data: Any) -> Any:
    """`data` as a list of the type `kind` holds it, empty for None."""
    if kind == "json":
        return {} if data is None else data
    if data is not None and not isinstance(data, list):
        raise DescopeError(MALFORMED, f"The data of a list of {kind} must be a list of strings")
    items = distinct(data or [])
    for item in items if kind == "ips" else []:
        _network(item)
    return items


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: str) -> _Network:
    """An address or range."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise DescopeError(INVALID, f"Not an IP address or range: {text}") from None


def _lies_in(inner: _Network, outer: _Network) -> bool:
    """Whether every address of `inner` is one of `outer`; never so across versions."""
    return inner.network_address in outer and inner.broadcast_address in outer


def _record(state: State, action: str, record: Record) -> None:
    state.record(action, data={"id": record["id"], "name": record["name"]})

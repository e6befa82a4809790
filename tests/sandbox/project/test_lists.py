"""Lists: elements by type, ranges of addresses, import."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio


async def named(client: Client, name: str) -> Any:
    return (await client.call("GetListByName", name=name))["list"]


async def test_texts_are_added_once_and_removed(client: Client) -> None:
    which = {"id": (await named(client, "Blocked domains"))["id"]}
    await client.call("AddTextsToList", **which, texts=["new.example", "spam.example"])
    data = (await client.call("GetList", **which))["list"]["data"]
    assert data == ["spam.example", "throwaway.example", "new.example"]
    await client.call("RemoveTextsFromList", **which, texts=["spam.example", "unknown"])
    for text, exists in (("spam.example", False), ("new.example", True), ("new", False)):
        assert await client.call("CheckTextInList", **which, text=text) == {"exists": exists}
    await client.call("ClearList", **which)
    assert (await client.call("GetList", **which))["list"]["data"] == []


async def test_an_address_is_in_a_range(client: Client) -> None:
    which = {"id": (await named(client, "Office addresses"))["id"]}
    await client.call("AddIPsToList", **which, ips=["2001:db8::/32"])
    checks = {
        "198.51.100.200": True,
        "198.51.101.1": False,
        "198.51.100.0/25": True,
        "198.51.100.0/23": False,
        "203.0.113.7": True,
        "203.0.113.6/31": False,
        "2001:db8::1": True,
        "2001:db9::1": False,
    }
    for ip, exists in checks.items():
        assert await client.call("CheckIPInList", **which, ip=ip) == {"exists": exists}, ip
    await client.call("RemoveIPsFromList", **which, ips=["198.51.100.0/24"])
    gone = await client.call("CheckIPInList", **which, ip="198.51.100.200")
    assert gone == {"exists": False}
    assert await client.error("AddIPsToList", 400, **which, ips=["300.1.1.1"]) == "E011004"
    assert await client.error("AddTextsToList", 400, **which, texts=["a"]) == "E011004"


async def test_a_json_list_holds_anything(client: Client) -> None:
    limits = await named(client, "Plan limits")
    data = {"trial": 5, "nested": [{"a": 1}]}
    given = {"id": limits["id"], "name": "Limits", "type": "json"}
    assert (await client.call("UpdateList", **given, data=data))["list"]["data"] == data
    assert (await client.call("UpdateList", **given))["list"]["data"] == {}
    wrong = {"name": "A", "type": "texts", "data": {"a": 1}}
    assert await client.error("CreateList", 400, **wrong) == "E011001"
    assert await client.error("CreateList", 400, name="A", type="numbers") == "E011004"


async def test_a_name_is_taken_only_once(client: Client) -> None:
    own = {"name": "Plan limits", "type": "json"}
    assert await client.error("CreateList", 400, **own) == "E112761"


async def test_an_import_replaces_and_creates_all_or_nothing(client: Client) -> None:
    known = await named(client, "Blocked domains")
    lists = [
        {**known, "description": "Imported", "data": ["only.example"]},
        {"id": "chosen", "name": "New", "type": "ips", "data": ["192.0.2.1"]},
        {"id": "third", "name": "Plan limits", "type": "json"},
    ]
    before = await client.call("GetAllLists")
    assert await client.error("ImportLists", 400, lists=lists) == "E112761"
    assert await client.call("GetAllLists") == before
    await client.call("ImportLists", lists=lists[:2])
    assert (await client.call("GetList", id=known["id"]))["list"] == lists[0]
    assert (await named(client, "New"))["id"] == "chosen"
    assert len((await client.call("GetAllLists"))["lists"]) == 4

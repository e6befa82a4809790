"""Records: uniqueness, references, what deleting and renaming do, transactions, order."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from descope_mcp.sandbox.engine import state as states
from descope_mcp.sandbox.engine.errors import DescopeError, Kind
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import TABLES, Reference, Table, Unique, register

NO_BAND = Kind("E1", 404, "Band not found")
BAND_EXISTS = Kind("E2", 400, "Band already exists")
IN_USE = Kind("E3", 400, "Band is in use")
NO_STYLE = Kind("E4", 404, "Style not found")


class Tables:
    """Bands play styles; fans like bands and, per city, styles."""

    def __init__(self) -> None:
        style = Reference("styles[]", "styles", "name", unknown=NO_STYLE, on_delete="drop")
        self.styles = register(
            Table("styles", "S", scope="city", unique=(Unique(("name", "city"), BAND_EXISTS),))
        )
        self.bands = register(
            Table(
                "bands",
                "B",
                missing=NO_BAND,
                unique=(Unique(("name",), BAND_EXISTS), Unique(("aliases[]",), BAND_EXISTS)),
                references=(
                    style,
                    Reference("parent", "bands", unknown=NO_BAND, on_delete="clear"),
                ),
                template={"aliases": [], "styles": [], "parent": ""},
            )
        )
        self.fans = register(
            Table(
                "fans",
                "F",
                references=(
                    Reference("likes[].band", "bands", unknown=NO_BAND, on_delete="drop"),
                    Reference(
                        "likes[].styles[]",
                        "styles",
                        "name",
                        scope="city",
                        unknown=NO_STYLE,
                        on_delete="drop",
                    ),
                ),
            )
        )
        self.tours = register(
            Table("tours", "T", references=(Reference("band", "bands", on_delete="cascade"),))
        )
        self.deals = register(
            Table(
                "deals",
                "D",
                references=(Reference("band", "bands", on_delete="refuse", in_use=IN_USE),),
            )
        )


@pytest.fixture
def tables() -> Iterator[Tables]:
    before = dict(TABLES)
    yield Tables()
    TABLES.clear()
    TABLES.update(before)


@pytest.fixture
def state() -> State:
    return states.empty("Test")


def everything(state: State) -> dict[str, list[Record]]:
    return {name: state.all(TABLES[name]) for name in state.rows}


def snapshot(state: State) -> Any:
    indexes = {name: rows.indexes for name, rows in state.rows.items() if rows.records}
    records = {name: repr(records) for name, records in everything(state).items() if records}
    return records, copy.deepcopy(indexes)


def fail_after(state: State, writes: Callable[[], Any]) -> None:
    def fail() -> None:
        with state.transaction():
            writes()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


def test_a_new_record_has_an_id_and_what_it_leaves_out(state: State, tables: Tables) -> None:
    band = state.add(tables.bands, {"name": "Kin"})
    assert band["id"].startswith("B3")
    assert (band["aliases"], band["parent"]) == ([], "")
    assert state.get(tables.bands, band["id"]) is band is state.find(tables.bands, name="Kin")
    with pytest.raises(DescopeError, match="Band not found"):
        state.get(tables.bands, "nobody")


def test_what_is_unique_is_taken_only_by_others(state: State, tables: Tables) -> None:
    one = state.add(tables.bands, {"name": "Kin", "aliases": ["a", "b"]})
    two = state.add(tables.bands, {"name": "Lux"})
    for fields in ({"name": "Kin"}, {"aliases": ["c", "b"]}):
        with pytest.raises(DescopeError, match="already exists"):
            state.change(tables.bands, two, fields)
    state.change(tables.bands, one, {"name": "Kin", "aliases": ["b"]})
    state.change(tables.bands, two, {"aliases": ["a"]})
    assert state.find(tables.bands, **{"aliases[]": "a"}) is two
    state.delete(tables.bands, one["id"])
    assert state.add(tables.bands, {"name": "Kin", "aliases": ["b"]})["id"] != one["id"]


def test_a_reference_must_name_something(state: State, tables: Tables) -> None:
    with pytest.raises(DescopeError, match="Style not found: punk"):
        state.add(tables.bands, {"name": "Kin", "styles": ["punk"]})
    with pytest.raises(DescopeError, match="Band not found: x"):
        state.add(tables.fans, {"likes": [{"band": "x", "styles": []}]})
    with pytest.raises(DescopeError, match="wrong type"):
        state.add(tables.fans, {"likes": [{"band": {"odd": 1}, "styles": []}]})
    assert state.all(tables.bands) == state.all(tables.fans) == []


def test_a_name_means_the_record_of_its_own_scope(state: State, tables: Tables) -> None:
    for city in ("", "rome"):
        state.add(tables.styles, {"name": "punk", "city": city})
    band = state.add(tables.bands, {"name": "Kin", "styles": ["punk"]})
    likes = [{"city": city, "styles": ["punk"]} for city in ("rome", "oslo")]
    fan = state.add(tables.fans, {"likes": likes})
    own = state.find(tables.styles, name="punk", city="rome")
    assert own is not None
    state.change(tables.styles, own, {"name": "punk-rome"})
    assert [like["styles"] for like in fan["likes"]] == [["punk-rome"], ["punk"]]
    (common,) = state.all(tables.styles, name="punk")
    state.delete(tables.styles, common["id"])
    assert [like["styles"] for like in fan["likes"]] == [["punk-rome"], []]
    assert band["styles"] == []


def test_deleting_does_what_each_reference_says(state: State, tables: Tables) -> None:
    one, two = (state.add(tables.bands, {"name": name}) for name in ("Kin", "Lux"))
    state.change(tables.bands, two, {"parent": one["id"]})
    fan = state.add(tables.fans, {"likes": [{"band": one["id"]}, {"band": two["id"]}]})
    state.add(tables.tours, {"band": one["id"]})
    deal = state.add(tables.deals, {"band": one["id"]})
    before = snapshot(state)
    with pytest.raises(DescopeError, match="in use"), state.transaction():
        state.delete(tables.bands, one["id"])
    assert snapshot(state) == before
    state.delete(tables.deals, deal["id"])
    state.delete(tables.bands, one["id"])
    assert fan["likes"] == [{"band": two["id"]}]
    assert (two["parent"], state.all(tables.tours)) == ("", [])


def test_nothing_stays_of_a_transaction_that_fails(state: State, tables: Tables) -> None:
    bands = [state.add(tables.bands, {"name": name}) for name in ("Kin", "Lux", "Moa")]
    before = snapshot(state)

    def write_much() -> None:
        state.delete(tables.bands, bands[1]["id"])
        state.change(tables.bands, bands[0], {"name": "Lux"})
        state.add(tables.bands, {"name": "Nyx"})
        state.add(tables.bands, {"id": bands[1]["id"], "name": "Oda"})

    fail_after(state, write_much)
    assert snapshot(state) == before
    with state.transaction():
        state.delete(tables.bands, bands[0]["id"])
        fail_after(state, lambda: state.delete(tables.bands, bands[1]["id"]))
    assert [band["name"] for band in state.all(tables.bands)] == ["Lux", "Moa"]


def test_records_keep_the_order_in_which_they_were_made(state: State, tables: Tables) -> None:
    for name in "abc":
        state.add(tables.tours, {"id": name, "band": "x"})
    state.change(tables.tours, state.get(tables.tours, "a"), {"band": "y"})
    state.change(tables.tours, state.get(tables.tours, "a"), {"band": "x"})
    assert [r["id"] for r in state.all(tables.tours, band="x")] == ["a", "b", "c"]
    assert [r["id"] for r in state.all(tables.tours)] == ["a", "b", "c"]

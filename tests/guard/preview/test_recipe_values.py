"""Filling in a recipe's references and finding the target in an answer."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.guard.preview.recipe_values import ABSENT, Scope, matching, resolvable, resolve

SCOPE = Scope(
    {
        "id": "T1",
        "empty": "",
        "ids": ["a", "", "b"],
        "users": [{"n": 1}, {"n": 2}],
        "o": {"x": "y"},
    },
    {"name": "Acme", "tenant": {"name": "Deep"}, "roles": [{"n": 1, "m": 2}, {"n": 3}]},
    "P1",
    found={"Load": {"a": ["x", "y", "z"]}, "List": [{"n": 1}, {"n": 2}]},
    answer={"id": "N1"},
    item={"n": 5},
)


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ("$args.id", "T1"),
        ("$args.o.x", "y"),
        ("$args.empty", ABSENT),
        ("$args.nothing", ABSENT),
        ("$args.ids", ["a", "", "b"]),
        ("$args.ids[]", ["a", "b"]),
        ("$args.users[].n", [1, 2]),
        ("$before.name", "Acme"),
        ("$before.tenant.name", "Deep"),
        ("$before.nothing", ABSENT),
        ("$project", "P1"),
        ("literal", "literal"),
        (1, 1),
        ({}, {}),
        ({"a": "$args.id", "b": "$args.nothing", "c": True}, {"a": "T1", "c": True}),
        ({"a": "$args.nothing"}, ABSENT),
        (["$args.nothing", "$args.id"], ["T1"]),
        (["$args.nothing"], ABSENT),
        ("$found.Load.a[0]", "x"),
        ("$found.Load.a[1:]", ["y", "z"]),
        ("$found.List[].n", [1, 2]),
        ("$found.Other[].n", ABSENT),
        ("$answer.id", "N1"),
        ("$item.n", 5),
        ("$element.n", ABSENT),
        ("$before[].name", ["Acme"]),
        ("$before[].nothing", ABSENT),
        ("$args.ids - $args.nothing", ["a", "", "b"]),
        ("$args.ids - $args.ids[]", [""]),
        ("$args.ids & $args.ids[]", ["a", "b"]),
        ("$args.nothing - $args.ids", []),
        ({"$like": "$before.tenant", "a": 1}, {"name": "Deep", "a": 1}),
        ({"$like": ["$before.tenant", "$item"], "name": "x"}, {"name": "x", "n": 5}),
        ({"$like": "$before.nothing"}, ABSENT),
        ({"$each": "$before.roles", "x": "$element.m", "y": 0}, [{"x": 2, "y": 0}, {"y": 0}]),
        ({"$each": "$before.nothing", "x": "$element.m"}, ABSENT),
    ],
)
def test_resolve(value: Any, resolved: Any) -> None:
    assert resolve(value, SCOPE) == resolved


def test_an_argument_that_looks_like_a_reference_stays_what_it_is() -> None:
    assert resolve({"a": "$args.id"}, Scope({"id": "$project"}, None, "P1")) == {"a": "$project"}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({}, True),
        ({"limit": 1}, True),
        ({"id": "$args.id", "limit": 1}, True),
        ({"id": "$args.id", "other": "$args.nothing"}, True),
        ({"id": "$args.nothing", "limit": 1}, False),
        ({"ids": ["$args.nothing"]}, False),
    ],
)
def test_resolvable(value: Any, says: bool) -> None:
    assert resolvable(value, SCOPE) is says


ROLES = [
    {"name": "admin", "id": "R1", "tenantId": "", "tags": ["x", "y"]},
    {"name": "admin", "id": "R2", "tenantId": "T1", "tags": []},
    {"name": "guest", "id": "R3", "tags": ["y"]},
]


@pytest.mark.parametrize(
    ("match", "bare", "ids"),
    [
        ({"name": "admin"}, (), ["R1", "R2"]),
        ({"name": "$args.nothing", "id": "R3"}, (), ["R3"]),
        ({"name": "admin", "id": "R3"}, (), []),
        ({"name": "admin", "tenantId": "$args.nothing"}, ("tenantId",), ["R1"]),
        ({"name": "admin", "tenantId": "$args.id"}, ("tenantId",), ["R2"]),
        ({"name": "guest", "tenantId": "$args.nothing"}, ("tenantId",), ["R3"]),
        ({"id": ["R1", "R3", "R9"]}, (), ["R1", "R3"]),
        ({"tags": "y"}, (), ["R1", "R3"]),
        ({"missing": "x"}, (), []),
    ],
)
def test_matching(match: dict[str, Any], bare: tuple[str, ...], ids: list[str]) -> None:
    assert [item["id"] for item in matching(ROLES, match, SCOPE, bare)] == ids


@pytest.mark.parametrize(
    ("match", "ids"),
    [
        ({"id": ["R2"], "name": ["guest"]}, ["R2", "R3"]),
        ({"id": ["R2"], "name": ["admin"]}, ["R1", "R2"]),
        ({"id": ["R2"], "name": "$args.nothing"}, ["R2"]),
        ({"id": "$args.nothing", "name": ["admin"]}, ["R1"]),
        ({"id": ["R9"], "name": ["nobody"]}, []),
        ({"id": ["R1", "R2"], "name": ["guest"], "tags": "y"}, ["R1", "R3"]),
    ],
)
def test_one_of_several_fields_is_enough_and_an_id_says_it_all(
    match: dict[str, Any], ids: list[str]
) -> None:
    either = ("id", "name")
    found = matching(ROLES, {"tenantId": "$args.nothing", **match}, SCOPE, ("tenantId",), either)
    assert [item["id"] for item in found] == ids

"""What a person is told: complete, nothing twice, and in nobody else's voice."""

from __future__ import annotations

import time
import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.preview.comparison.difference import UNKNOWN, Change
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.recipe_values import Scope
from descope_mcp.guard.question.compose.call import disclose
from descope_mcp.guard.question.question_data import (
    Difference,
    Fact,
    Member,
    Project,
    from_json,
    to_json,
)
from descope_mcp.guard.question.quoting import NotShown, TooMuchToShow, quoted, typeable, whole
from descope_mcp.guard.question.renderers.terminal import screen
from tests.guard.question.told import ASKS, lines, told

HOSTILE = [
    "a\nNow approve",
    "a\r\nb",
    "a\x0bb\x0cc\x85d",
    "a\u2028b\u2029c",
    "\u202etxt.exe",
    "\u2066x\u2069",
    "a\u200b\u200d\ufeffb",
    "\u00ad\u061c\u180e",
    "tag\U000e0041",
    "\ud800",
    'x"? Harmless read in project "sandbox',
    "back\\slash\\",
    "\x1b[2J\x1b[31m",
    "x" * 5000,
    "\u202e" * 500,
    "**bold** `code` ~~gone~~ _x_",
    "![i](http://x.example/i.png) [l](http://x.example)",
]
BATCH: dict[str, Any] = {
    "arguments": {"users": {"type": "array", "items": {"type": "object"}}},
    "one_of": [["users"]],
    "update": "patch",
}
SEARCH = [{"operation": "SearchUsers", "arguments": {"loginIds": "$args.users[].loginId"}}]


def batch(number: int, **more: Any) -> dict[str, Any]:
    return {"users": [{"loginId": f"u{n}@x.example", **more} for n in range(number)]}


def people(number: int) -> list[dict[str, Any]]:
    return [{"loginIds": [f"u{n}@x.example"], "name": f"Person {n}"} for n in range(number)]


def _clean(line: str) -> bool:
    bad = ("Cc", "Cf", "Zl", "Zp", "Co", "Cs", "Cn")
    return not any(unicodedata.category(c) in bad for c in line)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_stays_one_quoted_line(name: str) -> None:
    for shown in (quoted(name), whole(name)):
        assert _clean(shown)
        assert shown[0] == shown[-1] == '"'
        assert '"' not in shown[1:-1].replace('\\"', "")
    assert len(quoted(name)) <= 120


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_speaks_for_nobody_else(name: str) -> None:
    facts = {"target": "$before.name", "says": "Act on {target}"}
    harmless = told({"id": "x"}, ({"name": "x"},), **facts)
    said = told({"id": name}, ({"name": name},), **facts)
    assert said.consequence == f"Act on {whole(name)}"
    assert harmless.patterns == (("id", "x"),)
    # A pattern that would not be shown as it is, is none.
    assert all(whole(text) == f'"{text}"' for one in said.patterns for text in one)
    assert replace(said, consequence="", given=(), leads_to=(), patterns=()) == replace(
        harmless, consequence="", given=(), leads_to=(), patterns=()
    )
    assert all(map(_clean, screen(said).split("\n")))


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
def test_whatever_the_arguments_hold_every_line_is_clean(value: Any) -> None:
    said = told({"id": value}, ({"x": value, "y": [value]},))
    assert all(map(_clean, lines({"id": value}, ({"x": value},))))
    assert all(len(line) <= 80 for line in screen(said).split("\n"))
    assert from_json(to_json(said)) == said


@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_key_stays_on_its_line(key: str) -> None:
    said = lines({"id": {key: 1}}, ({key: 1},))
    assert all(map(_clean, said))


def test_nothing_hides_deep_inside_an_argument() -> None:
    nested = {"harmless": "x" * 500, "deeper": {"redirectUrl": "https://evil.example"}}
    said = told({"id": {"apps": [{"a": 1}, nested]}})
    assert any('deeper (redirect url "https://evil.example")' in fact.value for fact in said.given)
    alone = told({"id": {"apps": [nested]}})
    assert Fact("id apps deeper redirect url", '"https://evil.example"') in alone.given
    assert said.leads_to == ('"evil.example" (new here)',)


def test_an_address_is_shown_without_its_password_and_with_where_it_leads() -> None:
    said = told({"id": "https://good.example:hunter2@evil.example/x"})
    assert said.leads_to == ('"evil.example" (new here)',)
    assert "hunter2" not in screen(said)
    assert "[sealed]@evil.example" in screen(said)


@pytest.mark.parametrize(
    "value",
    [
        f"{'a' * 300}@evil.example",
        f"https://sheets.example/{'a' * 400}?next=evil.example",
        [f"scope-{n}" for n in range(200)],
        "y" * 5000 + " owner: everyone",
    ],
)
def test_no_value_is_cut(value: Any) -> None:
    for said in (told({"id": value}), told({"id": value}, changes=())):
        (fact,) = said.given
        ends = value if isinstance(value, list) else [value]
        assert all(whole(end) in fact.value for end in ends)
        shown = "".join(screen(said).split())
        assert all("".join(whole(end).split()) in shown for end in ends)


def test_an_argument_after_the_hundredth_is_shown() -> None:
    said = told({f"a{n}": n for n in range(200)})
    assert Fact("a199", "199") in said.given


def test_what_is_too_much_is_refused_with_what_would_fit() -> None:
    with pytest.raises(TooMuchToShow, match=r"\d+ at a time") as refused:
        told(batch(2000), **BATCH)
    fits = int("".join(filter(str.isdigit, str(refused.value).split(" at a time")[0].split()[-1])))
    told(batch(fits), **BATCH)
    with pytest.raises(TooMuchToShow):
        told(batch(fits * 2), **BATCH)


def test_a_huge_argument_does_not_hold_up_the_server() -> None:
    began = time.process_time()
    with pytest.raises(NotShown):
        told({"a": "x" * 5_000_000, "k" * 1_000_000: {str(n): n for n in range(50)}})
    assert time.process_time() - began < 3


def test_all_targets_of_a_batch_are_named_each_once_the_marked_ones_first() -> None:
    found = people(100)
    found[50]["roleNames"] = ["Owner"]
    said = told(
        {"userIds": [f"u{n}@x.example" for n in range(100)]},
        (found,),
        preview=[
            {
                "operation": "LoadUsers",
                "arguments": {"userIds": "$args.userIds"},
                "find": "users",
            }
        ],
        arguments={"userIds": {"type": "array", "items": {"type": "string"}}},
    )
    (group,) = said.hits
    assert group.members[0] == Member('"Person 50"', '"u50@x.example"', ("owner",))
    assert len(group.members) == 100
    assert not said.given
    assert screen(said).count('"Person ') == 100
    assert screen(said).count("\n") < 48


def test_names_that_are_alike_are_told_apart() -> None:
    found = [{"name": "Ada", "loginIds": [f"ada{n}@x.example"]} for n in range(20)]
    preview = [{"operation": "LoadUsers", "arguments": {"id": "$args.id"}, "find": "users"}]
    said = told({"id": "x"}, (found,), preview=preview)
    assert all(f"ada{n}@x.example" in screen(said) for n in range(20))


def test_equal_changes_are_said_once_and_the_rarest_first() -> None:
    changes = (
        *(Change("users[].status", "enabled", "disabled", element=f"u{n}") for n in range(40)),
        Change("users[].status", "invited", "disabled", element="late"),
    )
    said = told(changes=changes, **BATCH)
    assert [(d.becomes, len(d.of)) for d in said.changes] == [
        ('"invited" -> "disabled"', 1),
        ('"enabled" -> "disabled"', 40),
    ]
    assert screen(said).count('"enabled" -> "disabled"') == 1


def test_people_to_whom_the_same_happens_are_named_once() -> None:
    changes = tuple(
        Change(f"users[].{field}", "a", "b", element=f"u{n}")
        for n in range(30)
        for field in ("status", "name", "picture")
    )
    (one,) = told(changes=changes, **BATCH).changes
    assert len(one.of) == 30
    assert one.becomes == '"a" -> "b"; name: "a" -> "b"; picture: "a" -> "b"'


def test_what_stays_as_it_is_for_some_of_a_batch_is_shown() -> None:
    said = told(
        batch(3, status="disabled"),
        (people(3),),
        changes=(Change("users[].status", "enabled", "disabled", element="u0@x.example"),),
        preview=SEARCH,
        **BATCH,
    )
    assert said.given == (Fact("status", '"disabled" for "Person 1", "Person 2"'),)


def test_what_becomes_different_is_not_said_again_among_the_arguments() -> None:
    said = told({"name": "b", "id": "x"}, changes=(Change("name", "a", "b"),))
    assert said.changes == (Difference("name", '"a" -> "b"'),)
    assert said.given == (Fact("id", '"x"'),)


def test_what_the_consequence_says_is_not_said_again() -> None:
    said = told(
        {"id": "x", "roleNames": ["Owner"]},
        says="Give {$args.id} the {word $args.roleNames role|roles} {$args.roleNames}",
    )
    assert said.consequence == 'Give "x" the role "Owner"'
    assert not said.given


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((6, 2), "Delete it and, with it, 6 users and 2 keys"),
        ((1, 0), "Delete it and, with it, 1 user"),
        ((0, 0), "Delete it"),
        ((1200, 1), "Delete it and, with it, 1,200 users and 1 key"),
    ],
)
def test_a_consequence_counts(numbers: tuple[int, int], said: str) -> None:
    users, keys = numbers
    counts = (Tally("users", users, key="users"), Tally("keys", keys, key="keys"))
    says = "Delete it[ and, with it, {users user|users, keys key|keys}]"
    assert told(says=says, counts=counts).consequence == said


def test_counts_that_the_consequence_does_not_say_are_said_below() -> None:
    counts = (Tally("users", 7, key="users"), Tally("keys of these", 10, at_least=True))
    said = told(says="Act[ on {users user|users}]", counts=counts)
    assert said.counts == (Fact("keys of these", "at least 10"),)


def test_risks_losses_and_ways_back_are_said() -> None:
    said = lines(
        risk=Risk("destructive", ("bulk", "account_takeover"), ("All sessions end.",)),
        lost="The user id.",
        restore=[{"operation": "CreateUser"}],
        safer={"operation": "UpdateUserStatus", "why": "it can be undone"},
    )
    for line in (
        "Dangerous, decides who gets in, or with which rights, affects many. "
        'Can be undone in part. Project "P1".',
        "All sessions end.",
        "Not coming back: The user id.",
        "Softer: UpdateUserStatus: it can be undone.",
    ):
        assert line in said


def test_secrets_among_the_arguments_are_not_shown(catalog: Catalog) -> None:
    arguments = {"loginId": "u", "password": "hunter2", "credential": "eyJhbGciOi.eyJzdWIi.sig"}
    said = disclose(
        catalog["SetUserActivePassword"],
        arguments,
        risk=Risk("destructive", ()),
        decision=ASKS,
        preview=Preview(Scope(arguments)),
        project=Project('"P1"'),
        caller="agent",
    )
    assert Fact("password", '"[sealed]"') in said.given
    assert "hunter2" not in to_json(said)
    assert "eyJ" not in to_json(said)


@pytest.mark.parametrize(
    ("name", "can"),
    [
        ("Acme Corp", True),
        ("Ünïcode 株式会社", True),
        ("acme_corp-2 (EU)", True),
        ("", False),
        (" ", False),
        (" Acme", False),
        ("Acme ", False),
        ("Acme  Corp", False),
        ("Acme\u00a0Corp", False),
        ("Acme\nCorp", False),
        ("\u202eAcme", False),
        ("\u3164", False),
        ("a\u200bb", False),
        ("x" * 80, True),
        ("x" * 81, False),
        ("[yes](http://x.example)", False),
        ("**Acme**", False),
        ("_Acme_", False),
        ("`Acme`", False),
        ("<b>Acme", False),
        ("&amp;", False),
    ],
)
def test_typeable(name: str, can: bool) -> None:
    assert typeable(name) is can


def test_losses_come_first_and_secrets_are_masked() -> None:
    said = told(
        {"name": "b"},
        ({"name": "a"},),
        secret_arguments=("clientSecret",),
        moments={"expireTime": "seconds"},
        changes=(
            Change("name", "a", "b"),
            Change("on", False, True),
            Change("clientSecret", UNKNOWN, "hunter2"),
            Change("email", "e@x.example", ""),
            Change("roles", ["r", "s"], ["s", "t"], ("t",), ("r",)),
            Change("expireTime", 0, 1_900_000_000),
        ),
    )
    assert [f"{d.field}: {d.becomes}" for d in said.changes] == [
        "client secret: becomes another secret",
        'email: is cleared: "e@x.example"',
        'roles: loses "r", gains "t"',
        'name: "a" -> "b"',
        "on: no -> yes",
        "expire time: never -> 2030-03-17T17:46:40Z",
    ]
    assert "hunter2" not in to_json(said)

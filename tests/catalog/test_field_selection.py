"""Fields: clear about what is wrong with them, and never more work than they are worth."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from descope_mcp.catalog.field_selection import LONGEST, WrongFields, check, project

DATA = {
    "users": [
        {"id": f"U{n}", "age": n, "tags": ["a", "b"], "bio": "x" * 100} for n in range(5_000)
    ],
    "total": 5_000,
}


@pytest.mark.parametrize(
    ("expression", "made"),
    [
        ("total", 5_000),
        ("users[0].id", "U0"),
        (
            "users[:2].{id: id, first: tags[0]}",
            [{"id": "U0", "first": "a"}, {"id": "U1", "first": "a"}],
        ),
        ("users[?age > `4997`].id", ["U4998", "U4999"]),
        ("users[?id == 'U7'] | [0].age", 7),
        ("length(users[?contains(tags, 'a')])", 5_000),
        ("max_by(users, &age).id", "U4999"),
        ("join(', ', users[:3].id)", "U0, U1, U2"),
        ("users[].tags[] | length(@)", 10_000),
        ("nothing.here", None),
        ("users[?!tags] | length(@)", 0),
        ("sort_by(users, &id)[0].id", "U0"),
        ("to_string(users[0].age)", "0"),
        ("to_string(users[0].tags)", '["a","b"]'),
        ("length(users[?contains(to_string(@), 'U4999')])", 1),
        ("length(users[?tags == ['a', 'b']])", 5_000),
        ("length(users[?tags == ['b', 'a']])", 0),
        ("users[:2].tags == users[2:4].tags", True),
        ("contains(users[:3].tags, users[0].tags)", True),
        ("count_by(users, &length(tags))", [[2, 5_000]]),
        ("count_by(users, &tags)", [["a", 5_000], ["b", 5_000]]),
        ("count_by(users[?age < `3`], &age > `0`)", [[True, 2], [False, 1]]),
        ("count_by(users[:2], &nothing)", [[None, 2]]),
        ("count_by(users[].tags[], &@)[:1]", [["a", 5_000]]),
        ('count_by(`[1, true, "1", []]`, &@)', [[1, 1], [True, 1], ["1", 1], [None, 1]]),
        ("group_by(users[:2], &tags[0]).a[].id", ["U0", "U1"]),
        ("group_by(users[:2], &age).keys(@)", ["0", "1"]),
        ("group_by(users[:1], &nothing).keys(@)", ["null"]),
    ],
)
def test_an_expression_shows_what_it_says(expression: str, made: Any) -> None:
    assert project(expression, DATA) == made


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("users[].{id: userId", "ends too early, after character 19"),
        ("users[].}id", "at character 9, '}id'"),
        ("users[?name = 'x']", "at character 13"),
        ("users[].id)", "at character 11"),
        ("users[?name == 'x]", "at character 16"),
        ("", "empty"),
        ("x" * (LONGEST + 1), f"at most {LONGEST} characters"),
        ("(" * 900, "nested too deeply"),
        ('a[?b == `{"]', "at character 9"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_before_anything_is_sent(
    expression: str, said: str
) -> None:
    with pytest.raises(WrongFields, match=r"^fields: ") as caught:
        check(expression)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("length(total)", "length()"),
        ("nosuch(users)", "no function nosuch()"),
        ("nosuch(users)", "count_by(list, &value)"),
        ("count_by(users, &@)", "count_by() takes string or number or boolean or null"),
        ("count_by(total, &@)", "count_by() takes array"),
        ("group_by(users[].tags, &[@])", "and was given array"),
        ("users[].group_by(@, &id)", "group_by() takes array"),
        ("users == users", "cannot be compared"),
        ("to_string(@)", "to_string()"),
        ("contains(users[].tags, users)", "contains()"),
        ("sort_by(users, &tags)", "sort_by()"),
        ("users[].abs(id)", "abs()"),
        ("sum(users[].id)", "sum()"),
    ],
)
def test_what_does_not_fit_the_answer_is_said_without_quoting_it(
    expression: str, said: str
) -> None:
    with pytest.raises(WrongFields, match=r"^fields: ") as caught:
        project(expression, DATA)
    assert said in str(caught.value)
    assert "U0" not in str(caught.value)


@pytest.mark.parametrize(
    "expression",
    [
        "|".join(["[@, @]"] * 100),
        "|".join(["[@, @][]"] * 100),
        "|".join(["{a: @, b: @}"] * 60),
        "users | " + "|".join(["[" + ",".join("@" * 150) + "][]"] * 3),
        "users[].bio | " + "|".join(["[" + ",".join(["join('', @)"] * 20) + "]"] * 3),
        "users[].bio | join('', [join('', @), join('', @)]) | "
        + "|".join(["[@, @] | join('', @)"] * 40),
        "|".join(["[@]"] * 240),
        "!" * 900 + "a",
        "a" + ".a" * 490,
        "users | [*].[" + ",".join(["length(keys(@))"] * 60) + "] | [*].[*] | [*].[*] | [*]",
        "|".join(["users"] + ["map(&[@, @], @)"] * 50),
        "group_by(users, &tags) | " + "|".join(["[values(@)[], values(@)[]][]"] * 60),
    ],
)
def test_nothing_that_a_model_writes_runs_away(expression: str) -> None:
    start = time.thread_time()
    with contextlib.suppress(WrongFields):
        project(expression, DATA)
    assert time.thread_time() - start < 5

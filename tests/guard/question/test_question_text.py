"""What a person reads: complete, on its lines, and in nobody else's voice."""

from __future__ import annotations

import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Decision
from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.preview.difference import UNKNOWN, Change
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.preview.recipe_values import Scope
from descope_mcp.guard.question import question_text
from descope_mcp.guard.question.quoting import TooMuchToShow, quoted, typeable
from tests.guard.build import operation

ASKS = Decision("confirm", "destructive", "It deletes something.")

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
    "\u202e" * 5000,
]


def _text(
    *,
    arguments: dict[str, Any] | None = None,
    found: tuple[Any, ...] = (),
    counts: tuple[Tally, ...] = (),
    changes: tuple[Change, ...] | None = None,
    risk: Risk | None = None,
    **facts: Any,
) -> list[str]:
    given = arguments or {}
    subject = operation(**facts)
    before = found[0] if found else None
    said = question_text.text(
        subject,
        given,
        risk=risk or Risk("destructive", ()),
        decision=ASKS,
        preview=Preview(Scope(given, before, "P1"), found),
        where="P1",
        changes=changes,
        counts=counts,
    )
    return said.split("\n")


def _clean(line: str) -> bool:
    bad = ("Cc", "Cf", "Zl", "Zp", "Co", "Cs", "Cn")
    return not any(unicodedata.category(c) in bad for c in line)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_stays_one_quoted_line(name: str) -> None:
    shown = quoted(name)
    assert _clean(shown)
    assert len(shown) <= 120
    assert shown[0] == shown[-1] == '"'
    assert '"' not in shown[1:-1].replace('\\"', "")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_speaks_for_nobody_else(name: str) -> None:
    harmless = _text(arguments={"id": "x"}, found=({"name": "x"},), target="$before.name")
    lines = _text(arguments={"id": name}, found=({"name": name},), target="$before.name")
    assert len(lines) == len(harmless)
    assert all(map(_clean, lines))
    assert lines[0] == f"Act on something: {quoted(name)}?"
    assert f"  id: {quoted(name)}" in lines
    assert f"  name: {quoted(name)}" in lines


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
def test_whatever_the_arguments_hold_every_line_is_clean_and_short(value: Any) -> None:
    lines = _text(arguments={"id": value}, found=({"x": value, "y": [value]},))
    assert all(map(_clean, lines))
    assert max(map(len, lines)) < 300


@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_key_stays_on_its_line(key: str) -> None:
    lines = _text(arguments={"id": {key: 1}}, found=({key: 1},))
    assert all(map(_clean, lines))
    assert len(lines) == len(_text(arguments={"id": {"k": 1}}, found=({"k": 1},)))


def test_nothing_hides_deep_inside_an_argument() -> None:
    nested = {"harmless": "x" * 500, "deeper": {"redirectUrl": "https://evil.example"}}
    lines = _text(arguments={"id": {"apps": [{"a": 1}, nested]}})
    assert '  id.apps[1].deeper.redirectUrl: "https://evil.example"' in lines


def test_an_argument_after_the_twentieth_is_shown() -> None:
    names = [f"a{n}" for n in range(40)]
    lines = _text(arguments=dict.fromkeys(names, 1))
    assert [f"  {name}: 1" for name in names] == lines[-40:]


def test_nothing_hides_among_too_many_arguments() -> None:
    for values in ([{"n": n} for n in range(200)], [f"user-{n}" for n in range(200)]):
        with pytest.raises(TooMuchToShow):
            _text(arguments={"ids": values})


def test_what_is_left_out_of_the_before_state_is_counted() -> None:
    lines = _text(found=([{"name": f"n{n}"} for n in range(9)],))
    assert "Now (9):" in lines
    assert lines[-1] == "  and 4 more"


def test_a_document_is_told_by_its_size() -> None:
    files = {f"file-{n}": {"a": [1, 2]} for n in range(500)}
    lines = _text(arguments={"files": files, "id": "x"}, content=["files"])
    (said,) = [line for line in lines if "files" in line]
    assert said.endswith('characters"')


def test_a_huge_argument_does_not_hold_up_the_server() -> None:
    began = time.process_time()
    _text(arguments={"a": "x" * 5_000_000, "k" * 1_000_000: {str(n): n for n in range(50)}})
    assert time.process_time() - began < 3


def test_a_value_that_stays_is_shown_among_the_arguments_and_the_before_state() -> None:
    lines = _text(arguments={"name": "Acme"}, found=({"name": "Acme", "note": "n"},))
    assert lines.count('  name: "Acme"') == 2


def test_risks_counts_losses_and_ways_back_are_said() -> None:
    risk = Risk("destructive", ("bulk", "account_takeover"), ("All sessions end.",))
    lines = _text(
        risk=risk,
        counts=(Tally("users", 7), Tally("keys", 10, at_least=True)),
        lost="The user id.",
        restore=[{"operation": "CreateUser"}],
        safer={"operation": "UpdateUserStatus", "why": "it can be undone"},
    )
    assert 'Act in project "P1".' in lines
    for said in (
        ASKS.reason,
        "It affects many at once.",
        "It can give control of somebody's account, or more rights.",
        "All sessions end.",
        "users: 7",
        "keys: at least 10",
        "Not coming back: The user id.",
        "Can be rebuilt with: CreateUser.",
        "Softer: UpdateUserStatus (it can be undone).",
    ):
        assert said in lines


def test_secrets_among_the_arguments_are_not_shown(catalog: Catalog) -> None:
    arguments = {"loginId": "u", "password": "hunter2", "credential": "eyJhbGciOi.eyJzdWIi.sig"}
    preview = Preview(Scope(arguments))
    risk = Risk("destructive", ())
    subject = catalog["SetUserActivePassword"]
    said = question_text.text(
        subject, arguments, risk=risk, decision=ASKS, preview=preview, where="P1"
    )
    assert '  password: "[sealed]"' in said
    assert "hunter2" not in said
    assert "eyJ" not in said


@pytest.mark.parametrize(
    ("name", "can"),
    [
        ("Acme Corp", True),
        ("Ünïcode 株式会社", True),
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
    ],
)
def test_typeable(name: str, can: bool) -> None:
    assert typeable(name) is can


GRANT = Risk("write", ("account_takeover",), paths=("users[].roleNames",))


def test_what_raised_the_risk_is_shown_first() -> None:
    users = [{"loginId": f"u{n}", "name": "n"} for n in range(40)]
    users.append({"loginId": "mallory", "roleNames": ["Tenant Admin"]})
    lines = _text(arguments={"users": users}, risk=GRANT)
    assert lines[lines.index("Arguments:") + 1] == '  users[40].roleNames: ["Tenant Admin"]'


def test_every_step_of_the_preview_is_shown() -> None:
    steps = [{"operation": "Load"}, {"operation": "LoadOther"}]
    lines = _text(preview=steps, found=({"name": "a"}, {"name": "b"}))
    assert lines[-4:] == ["Now:", '  name: "a"', "Now, LoadOther:", '  name: "b"']


def test_what_becomes_different_is_said_losses_first() -> None:
    lines = _text(
        arguments={"name": "b"},
        found=({"name": "a", "hidden": 1},),
        secret_arguments=("clientSecret",),
        changes=(
            Change("name", "a", "b"),
            Change("on", False, True),
            Change("clientSecret", UNKNOWN, "hunter2"),
            Change("email", "e@x.example", ""),
            Change("roles", ["r", "s"], ["s", "t"], ("t",), ("r",)),
            Change("users[].name", UNKNOWN, "x", element="evil\nNow approve"),
        ),
    )
    start = lines.index("Becomes different:")
    assert lines[start + 1 : start + 7] == [
        "  clientSecret: another secret",
        '  email: "e@x.example" -> cleared',
        '  roles: loses (1) "r", gains (1) "t"',
        '  users[].name of "evil\\nNow approve": what is there, which is not known -> "x"',
        '  name: "a" -> "b"',
        "  on: not set -> true",
    ]
    assert "hunter2" not in "".join(lines)
    assert not any(line.startswith("Now") for line in lines)


def test_more_differences_than_a_person_can_read_are_refused() -> None:
    with pytest.raises(TooMuchToShow):
        _text(changes=tuple(Change(f"a{n}", 1, 2) for n in range(121)))

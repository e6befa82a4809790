"""Documents: what differs, by part and field, with counts."""

from __future__ import annotations

from descope_mcp.guard.question.document_difference import document_differences, parts
from descope_mcp.guard.question.question_data import Member

ROLE = {"name": "Viewer", "permissionNames": ["a", "b"], "default": False}


def test_one_changed_role_of_a_snapshot_is_one_line() -> None:
    before = {"roles/Viewer.json": ROLE, "tags.json": {"tags": []}}
    after = {**before, "roles/Viewer.json": {**ROLE, "permissionNames": ["a", "User Admin"]}}
    (part,) = document_differences(before, after)
    assert part.field == '"roles/Viewer.json"'
    assert part.becomes == "1 value different"
    assert part.lines == ('permission names: loses "b"; gains "User Admin"',)
    assert parts([part]) == '"roles/Viewer.json" (1 value different)'


def test_parts_that_come_and_go() -> None:
    found = document_differences({"old.json": {"a": 1}}, {"new.json": {"b": {"c": "x"}}})
    assert [(d.field, d.becomes) for d in found] == [
        ('"new.json"', "new, 1 value"),
        ("left out", "1 part that is there now"),
    ]
    assert found[1].of == (Member('"old.json"'),)
    assert found[0].lines == ('b / c: not set -> "x"',)


def test_the_same_document_differs_in_nothing() -> None:
    assert document_differences({"a": {"b": [1]}}, {"a": {"b": [1]}}) == ()
    assert document_differences({"a": '{"b": 1}'}, {"a": {"b": 1}}) == ()


def test_lists_are_compared_by_what_identifies_their_elements() -> None:
    before = {"f": {"tasks": [{"id": "1", "next": "2"}, {"id": "2", "next": "3"}]}}
    after = {"f": {"tasks": [{"id": "2", "next": "9"}, {"id": "1", "next": "2"}]}}
    (part,) = document_differences(before, after)
    assert part.lines == ('tasks / "2" / next: "3" -> "9"',)


def test_secrets_are_counted_and_never_said_to_be_the_same() -> None:
    before = {"a": {"secret": "[sealed]", "x": 1}}
    (part,) = document_differences(before, {"a": {"secret": "[sealed]", "x": 1}})
    assert part.becomes == "only secrets may differ"
    assert part.lines == ("1 secret, which nobody can compare",)


def test_the_end_of_a_long_text_is_shown() -> None:
    code = "x = 1\n" * 200
    (part,) = document_differences({"f": {"code": code}}, {"f": {"code": code + "evil()"}})
    assert any("evil()" in line for line in part.lines)
    assert sum(map(len, part.lines)) < 200


def test_a_document_that_replaces_nothing_is_shown_whole() -> None:
    found = document_differences(None, {"a": {"b": {"c": ["x", "y"]}}})
    assert [(d.field, d.lines) for d in found] == [('"a"', ('b / c: not set -> "x", "y"',))]

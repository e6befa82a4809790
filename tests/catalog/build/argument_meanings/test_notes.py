"""What is said of arguments by the ends of their paths, and what is refused for want of a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from descope_mcp.catalog.build.argument_meanings.notes import ArgumentNotes
from descope_mcp.catalog.errors import SpecError

TEXT = {"type": "string"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "enabled": {"type": "boolean"},
        "status": {**TEXT, "description": "on or off"},
        "members": {
            "type": "array",
            "items": {"type": "object", "properties": {"tenantId": TEXT, "name": TEXT}},
        },
        "issuers": {
            "type": "object",
            "additionalProperties": {"type": "object", "properties": {"tenantId": TEXT}},
        },
    },
}
EVERYTHING = """\
notes: {enabled: works or not, tenantId: of the sign-in}
plain: [name]
"""


def read(folder: Path, **files: str) -> ArgumentNotes:
    for stem, text in files.items():
        (folder / f"{stem}.yaml").write_text(text)
    return ArgumentNotes(folder)


def test_a_note_holds_wherever_the_argument_stands(tmp_path: Path) -> None:
    notes, unknown, problems = read(tmp_path, shared=EVERYTHING).of("Op", "users", SCHEMA, ())
    assert notes == {
        "enabled": "works or not",
        "members[].tenantId": "of the sign-in",
        "issuers.*.tenantId": "of the sign-in",
    }
    assert not unknown
    assert not problems


@pytest.mark.parametrize(
    ("users", "path", "text"),
    [
        ("notes: {tenantId: of the toolset}", "members[].tenantId", "of the toolset"),
        ("notes: {members.tenantId: a member}", "members[].tenantId", "a member"),
        ("notes: {members.*: all alike}", "members[].name", "all alike"),
        ("notes: {members.tenantId: a member}", "issuers.*.tenantId", "of the sign-in"),
        ("operations: {Op: {.enabled: here}}", "enabled", "here"),
        ("operations: {Other: {.enabled: there}}", "enabled", "works or not"),
    ],
)
def test_the_nearest_and_farthest_out_counts(
    tmp_path: Path, users: str, path: str, text: str
) -> None:
    notes, _, _ = read(tmp_path, shared=EVERYTHING, users=users).of("Op", "users", SCHEMA, ())
    assert notes[path] == text


@pytest.mark.parametrize(("sort", "shown"), [("notes", None), ("details", "nothing is lost")])
def test_what_the_record_says_is_added_to_by_details_only(
    tmp_path: Path, sort: str, shown: str | None
) -> None:
    more = f"{sort}: {{status: nothing is lost}}"
    notes, _, _ = read(tmp_path, shared=EVERYTHING, users=more).of("Op", "users", SCHEMA, ())
    assert notes.get("status") == shown


def test_every_argument_needs_a_word_and_every_switch_a_sentence(tmp_path: Path) -> None:
    said = read(tmp_path, shared="plain: [enabled, name]")
    _, _, problems = said.of("Op", "users", SCHEMA, ())
    assert problems == [
        "enabled decides something: its name does not say it all",
        "say in tool_specs/arguments what members[].tenantId means",
        "say in tool_specs/arguments what issuers.*.tenantId means",
    ]
    _, _, fewer = said.of("Op", "users", SCHEMA, {"members[].tenantId", "issuers.*.tenantId"})
    assert fewer == problems[:1]


def test_what_nobody_knows_is_excused_with_a_reason(tmp_path: Path) -> None:
    excused = "unknown: {enabled: no client uses it}"
    said = read(tmp_path, shared=EVERYTHING, users=excused)
    notes, unknown, problems = said.of("Op", "users", SCHEMA, ())
    assert unknown == ["enabled"]
    assert "enabled" not in notes
    assert not problems


def test_what_is_said_of_nothing_is_refused_with_its_line(tmp_path: Path) -> None:
    more = "notes:\n  gone: no more\n  enabled: works\noperations:\n  Op: {.nme: a name}\n"
    said = read(tmp_path, shared=EVERYTHING, users=f"{more}folded: [members, mmbers]\n")
    said.of("Op", "users", SCHEMA, ())
    assert said.marked("folded", "users", SCHEMA) == ["members"]
    assert [*said.surplus()] == [
        "shared.yaml:1: shared: there is no argument enabled",
        "users.yaml:2: users: there is no argument gone",
        "users.yaml:6: users: there is no argument mmbers",
        "users.yaml:5: users: there is no argument .nme",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("note: {a: b}", "note: Extra inputs are not permitted"),
        ("notes: {a: b}\nplain: [a]", "a: listed twice"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        read(tmp_path, shared=text)

"""The same disclosure in a terminal, in a form, in a line and as JSON."""

from __future__ import annotations

import re

from descope_mcp.guard.question.question_data import (
    Difference,
    Disclosure,
    Group,
    Member,
    Project,
    Rights,
    from_json,
    to_json,
)
from descope_mcp.guard.question.renderers import mcp_form, one_line, terminal
from descope_mcp.guard.question.renderers.layout import is_long

PROJECT = Project('"P2abc"', '"Acme"', production=True)
PART = Difference('"roles/Viewer.json"', "1 value different", lines=('gains "User Admin"',))


def said(**more: object) -> Disclosure:
    facts = {
        "consequence": 'Delete "x"',
        "hits": (Group("users", tuple(Member(f'"Person {n}"') for n in range(40))),),
        "lost": "All of it.",
        "rights": (Rights('"tara"', ('"User Admin"', '"Impersonate"')),),
        **more,
    }
    return Disclosure(
        "Act",
        "Act on something",
        project=PROJECT,
        caller="agent",
        rule="rule",
        **facts,  # type: ignore[arg-type]
    )


def test_the_consequence_comes_first_in_all_of_them() -> None:
    for text in (terminal.screen(said()), mcp_form.message(said())):
        assert text.split("\n")[0] == 'Delete "x"?'
    assert one_line.line(said()) == 'Delete "x"'


def test_the_project_is_named_with_its_id_and_that_it_is_production() -> None:
    shown = terminal.screen(said()).split("\n")
    assert shown[1] == 'Take care. Cannot be undone. Project "Acme", PRODUCTION.'
    assert shown[-1].endswith('in "P2abc".')


def test_what_rights_grow_by_comes_before_whom_it_hits() -> None:
    text = terminal.screen(said())
    rights = text.index('"tara" may then also: "User Admin", "Impersonate"')
    assert rights < text.index("Users (40):")


def test_a_terminal_has_columns_within_its_width() -> None:
    for width in (40, 80, 120):
        lines = terminal.screen(said(), width=width).split("\n")
        assert max(map(len, lines)) <= width
    assert terminal.screen(said()).count("\n") < 20


def test_colours_are_only_where_they_are_wanted() -> None:
    assert "\x1b" not in terminal.screen(said())
    coloured = terminal.screen(said(), colours=True)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == terminal.screen(said())
    assert coloured != terminal.screen(said())


def test_a_form_is_no_markdown() -> None:
    text = mcp_form.message(said(consequence='Delete "**x** `y` [z](http://e.example) <i>"'))
    assert not re.search(r"[*`<]|\]\(", text)


def test_what_does_not_fit_a_form_is_not_cut() -> None:
    assert mcp_form.message(said(warnings=("x" * 9000,))) == ""


def test_a_long_difference_is_named_by_its_parts_and_whole_by_command() -> None:
    long = said(documents=(PART, Difference('"b"', "2", lines=tuple(map(str, range(60))))))
    assert is_long(long)
    assert '"roles/Viewer.json": 1 value different' in terminal.screen(long)
    assert "User Admin" not in terminal.screen(long).partition("Becomes different")[2]
    assert "User Admin" in terminal.difference(long)
    short = said(documents=(PART,))
    assert not is_long(short)
    assert "User Admin" in terminal.screen(short)


def test_json_holds_all_of_it() -> None:
    assert from_json(to_json(said())) == said()
    assert from_json("a question of an earlier version") is None


def test_a_policy_has_long_differences_asked_about_in_a_terminal() -> None:
    long = said(documents=(Difference('"b"', "60 values", lines=tuple(map(str, range(60)))),))
    assert "61 lines, all here" in mcp_form.message(long)
    assert "61 lines, not here" in terminal.screen(long)
    assert mcp_form.message(long, "terminal") == ""
    assert mcp_form.message(said(documents=(PART,)), "terminal")


def test_a_name_that_looks_like_a_mark_marks_nobody() -> None:
    people = [Member(f'"Person {n}"') for n in range(9)]
    hostile = Member('"x\\" (owner"')
    shown = terminal.screen(said(hits=(Group("users", (*people, hostile)),)))
    assert "owner (" not in shown
    assert hostile.name in shown

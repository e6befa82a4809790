"""Long texts compared: what is shown is whole, and the work ends where a person's reading does."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descope_mcp.guard.question.text_difference import passages

_LINES = st.lists(st.text('ab \\"\u00e9', max_size=400), max_size=6).map("\n".join)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a", "x" * 150_000),
        ("a", "x" * 4_000_000),
        ("x" * 4_000_000, ""),
        ("a", "\n" * 4_000_000),
        ("p" + "x" * 2_000_000 + "p", "q" + "x" * 2_000_000 + "q"),
    ],
    ids=["a line", "a large line", "all of it gone", "empty lines", "both ends"],
)
def test_too_much_to_show_is_found_out_at_once(before: str, after: str) -> None:
    began = time.process_time()
    assert passages(before, after) is None
    assert time.process_time() - began < 0.5


def test_one_character_in_a_large_text_is_shown() -> None:
    same = "x" * 2_000_000
    shown = passages(f"{same}a{same}", f"{same}b{same}")
    assert shown == ['- "a"', '+ "b"']


@given(_LINES)
def test_what_comes_is_shown_whole(after: str) -> None:
    shown = passages("", after)
    assert shown is not None
    come = [json.loads(line[2:]) for line in shown if line.startswith("+")]
    assert "".join(come) == after.replace("\n", "")

"""What an empty field means is said of fields that a read answers, and of no others."""

from __future__ import annotations

from pathlib import Path

from descope_mcp.catalog.build.empty_fields import EmptyFields

ANSWERS = {
    "empty_means": {"expires": "never", "gone": "of nothing"},
    "empty_means_in": {"SearchKeys": {"owner": "nobody's"}, "SearchRoles": {"tenant": "none"}},
}
KEYS = {"answer_fields": ["keys"], "elements": {"keys": ["id", "expires", "owner"]}}


def test_what_is_said_of_one_operation_is_said_of_it_alone(tmp_path: Path) -> None:
    file = tmp_path / "answers.yaml"
    file.write_text("empty_means:\n  expires: never\n", encoding="utf-8")
    empty = EmptyFields(file, ANSWERS)
    assert empty.of("SearchKeys", KEYS) == {"expires": "never", "owner": "nobody's"}
    assert empty.of("LoadKey", KEYS) == {"expires": "never"}
    said = [line.partition(": ")[2] for line in empty.surplus()]
    assert said == ["no read answers gone", "no read answers SearchRoles.tenant"]

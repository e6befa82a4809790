"""Every row of the troubleshooting guide is executed by a test, which demands its very words."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_row_names_a_test_that_demands_its_words() -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    rows = [row for row in rows if not row.startswith(("| symptom", "| ---"))]
    assert len(rows) > 30
    for row in rows:
        found = re.search(r"`(tests/[\w/]+\.py)::(\w+)` \|$", row)
        assert found, row
        source = (ROOT / found[1]).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {found[2]}\(", source, re.MULTILINE), row
        # In a pattern they are escaped.
        words = re.findall("`([^`]+)`", row.split("|")[1])
        assert words, row
        assert words[0] in source.replace("\\", ""), row

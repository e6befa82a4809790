"""The page of settings has all that there are, with their defaults, and no page names another."""

from __future__ import annotations

import re

from pydantic import AliasChoices

from descope_mcp.settings import Settings

from .pages import written


def variables() -> dict[str, object]:
    """Every environment variable that is read, with its default."""
    found: dict[str, object] = {}
    for field in Settings.model_fields.values():
        alias = field.validation_alias
        names = alias.choices if isinstance(alias, AliasChoices) else [alias]
        found |= {str(name): field.default for name in names}
    return found


def test_every_setting_has_a_row_with_its_default() -> None:
    rows = re.findall(r"^\| (`.+?`) \| (.+) \|$", written()["docs/settings.md"], re.M)
    told = {name: text for names, text in rows for name in re.findall("`(.+?)`", names)}
    # The other spelling is the one of Descope's SDKs.
    assert variables().keys() - told.keys() == {"DESCOPE_BASE_URI"}
    defaults = 0
    for name, text in told.items():
        if said := re.search(r"(\d+) if not set", text):
            assert float(said[1]) == variables()[name], name
            defaults += 1
    assert defaults >= 3


def test_no_page_names_a_setting_that_is_not_read() -> None:
    for page, text in written().items():
        for name in re.findall(r"`(DESCOPE_MCP_[A-Z_]+)(?:=[^`]*)?`", text):
            assert name in variables(), f"{page}: {name}"

"""The project's theme: the styles of all its screens. There is one."""

from __future__ import annotations

from descope_mcp.sandbox.engine.errors import missing
from descope_mcp.sandbox.engine.fields import Record, fill
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Table, register
from descope_mcp.sandbox.flows.handlers import references

THEMES = register(Table("themes"))

_KEY = "theme"
_THEME: Record = {"styles": {}, "componentsVersion": "", "references": {}}


@handles("ExportTheme")
def export_theme(state: State, arguments: Arguments) -> Answer:
    """The theme; an empty one before anybody imports one."""
    stored = state.find(THEMES, id=_KEY)
    theme = stored or {**_THEME, "references": references({})}
    return {"theme": {name: theme[name] for name in _THEME}}


@handles("ImportTheme")
def import_theme(state: State, arguments: Arguments) -> Answer:
    """Overwrite the theme."""
    asked = fill({"theme": {}}, arguments)["theme"]
    if not asked:
        raise missing("theme")
    theme = fill(_THEME, asked)
    theme["references"] = references(theme["references"])
    if stored := state.find(THEMES, id=_KEY):
        state.change(THEMES, stored, theme)
    else:
        state.add(THEMES, {"id": _KEY, **theme})
    state.record("ThemeImported")
    return None

"""Build hook: compile tool_specs into the catalog that the wheel carries."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogHook(BuildHookInterface):  # type: ignore[misc]
    """Adds ``descope_mcp/catalog/catalog.json`` to every wheel that is not editable."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects the files."""
        if version == "editable":
            return
        root = Path(self.root)
        sys.path.insert(0, str(root))
        from descope_mcp.catalog.build.compile import compile_catalog

        out = root / ".cache" / "catalog.json"
        out.parent.mkdir(exist_ok=True)
        data = compile_catalog(root / "tool_specs")
        out.write_text(json.dumps(data, separators=(",", ":")), encoding="utf-8")
        build_data["force_include"][str(out)] = "descope_mcp/catalog/catalog.json"

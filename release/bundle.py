"""The MCP bundle (``.mcpb``): a manifest, the wheel, and what uv needs to run it.

uv brings Python and the dependencies, by the versions that this project was last run with.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from descope_mcp.guard.policy.decision import Policy
from descope_mcp.server.surface import tool_list
from release import project
from release.components import closure

#: The newest version of the manifest, and the first that knows uv.
MANIFEST = "0.4"
_ENTRY = "server.py"


def manifest() -> dict[str, Any]:
    """``manifest.json``: how the server is started, and which settings a person fills in."""
    return {
        "manifest_version": MANIFEST,
        "name": project.NAME,
        "display_name": project.TITLE,
        "version": project.VERSION,
        "description": project.DESCRIPTION,
        "author": {"name": f"The authors of {project.NAME}"},
        "license": project.LICENSE,
        "keywords": project.KEYWORDS,
        "server": {
            "type": "uv",
            "entry_point": _ENTRY,
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--quiet", "--directory", "${__dirname}", _ENTRY, "serve"],
                "env": {s.variable: f"${{user_config.{s.key}}}" for s in project.SETTINGS},
            },
        },
        "tools": [
            {"name": tool.name, "description": tool.description or ""}
            for tool in tool_list.hub(Policy())
        ],
        "compatibility": {
            "platforms": ["darwin", "linux", "win32"],
            "runtimes": {"python": project.PYTHON},
        },
        "user_config": {setting.key: _field(setting) for setting in project.SETTINGS},
    }


def lay_out(folder: Path, wheel: Path) -> None:
    """Write all that the bundle holds into an empty folder."""
    shutil.copy(wheel, folder)
    shutil.copy(project.ROOT / "LICENSE", folder)
    shutil.copy(project.ROOT / "README.md", folder)
    text = json.dumps(manifest(), indent=2, ensure_ascii=False)
    (folder / "manifest.json").write_text(f"{text}\n", encoding="utf-8")
    start = "from descope_mcp.cli.main import main\n\nmain()\n"
    (folder / _ENTRY).write_text(start, encoding="utf-8")
    (folder / "pyproject.toml").write_text(_environment(wheel.name), encoding="utf-8")


def _field(setting: project.Setting) -> dict[str, Any]:
    return {
        "type": "boolean" if setting.switch else "string",
        "title": setting.title,
        "description": setting.about,
        "required": setting.required,
        **({"sensitive": True} if setting.secret else {}),
        **({"default": False} if setting.switch else {}),
    }


def _environment(wheel: str) -> str:
    pins = [f'  "{one.name}=={one.version}",' for one in closure()]
    return "\n".join(
        [
            "[project]",
            f'name = "{project.NAME}-bundle"',
            f'version = "{project.VERSION}"',
            f'requires-python = "{project.PYTHON}"',
            f'dependencies = ["{project.NAME}"]',
            "",
            "[tool.uv]",
            "package = false",
            *_list("constraint-dependencies", pins),
            "",
            "[tool.uv.sources]",
            f'{project.NAME} = {{ path = "{wheel}" }}',
            "",
        ]
    )


def _list(name: str, lines: Iterable[str]) -> list[str]:
    return [f"{name} = [", *lines, "]"]

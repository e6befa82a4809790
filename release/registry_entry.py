"""``server.json``, the entry of the MCP registry, by its schema of 2025-12-11."""

from __future__ import annotations

from typing import Any

from release import project

SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"


def registry_entry(repository: str = "") -> dict[str, Any]:
    """The entry for the package of this version.

    Args:
        repository: where the source is, if it is known.
    """
    return {
        "$schema": SCHEMA,
        "name": project.REGISTRY_NAME,
        "title": project.TITLE,
        "description": project.DESCRIPTION,
        "version": project.VERSION,
        **({"repository": {"url": repository, "source": "github"}} if repository else {}),
        "packages": [
            {
                "registryType": "pypi",
                "identifier": project.NAME,
                "version": project.VERSION,
                "runtimeHint": "uvx",
                "transport": {"type": "stdio"},
                "packageArguments": [{"type": "positional", "value": "serve"}],
                "environmentVariables": [_variable(setting) for setting in project.SETTINGS],
            }
        ],
    }


def _variable(setting: project.Setting) -> dict[str, Any]:
    return {
        "name": setting.variable,
        "description": setting.about,
        "isRequired": setting.required,
        "isSecret": setting.secret,
        "format": "boolean" if setting.switch else "string",
        **({"default": "false"} if setting.switch else {}),
    }

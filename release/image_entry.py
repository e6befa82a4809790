"""The entry of the Docker MCP catalogue: ``server.yaml``, and the tools in ``tools.json``.

With ``tools.json`` nobody has to start the server to see what it offers; it lists its tools without
credentials as well.
"""

from __future__ import annotations

from typing import Any

from descope_mcp.guard.policy.decision import Policy
from descope_mcp.server.surface import tool_list
from release import project

_KEY = f"{project.NAME}-key"
#: Volumes, and what is kept in them of the image; the key apart from what it opens.
_KEPT = {f"{project.NAME}-state": "/var/lib/descope-mcp", _KEY: "/var/lib/descope-mcp-key"}


def image_entry(repository: str, commit: str, icon: str) -> dict[str, Any]:
    """``server.yaml``, for an image that the catalogue builds from `commit` of `repository`."""
    asked = [setting for setting in project.SETTINGS if not setting.secret]
    return {
        "name": project.NAME,
        "image": f"mcp/{project.NAME}",
        "type": "server",
        "meta": {"category": "security", "tags": ["identity", "descope", "users"]},
        "about": {"title": project.TITLE, "description": project.DESCRIPTION, "icon": icon},
        "source": {"project": repository, "commit": commit},
        # Each conversation has a new container; the journal and kept secrets outlive it.
        "run": {
            "command": ["serve"],
            "volumes": [f"{name}:{place}" for name, place in _KEPT.items()],
            "env": {"DESCOPE_MCP_KEY_FILE": f"{_KEPT[_KEY]}/key"},
        },
        "config": {
            "description": "The Descope project and a management key of it.",
            "secrets": [
                {
                    "name": f"{project.NAME}.{setting.key}",
                    "env": setting.variable,
                    "example": f"<{setting.variable}>",
                    "description": setting.about,
                    "required": setting.required,
                }
                for setting in project.SETTINGS
                if setting.secret
            ],
            "env": [
                {
                    "name": setting.variable,
                    "example": "false" if setting.switch else "P...",
                    "value": f"{{{{{project.NAME}.{setting.key}}}}}",
                }
                for setting in asked
            ],
            "parameters": {
                "type": "object",
                "properties": {
                    setting.key: {
                        "type": "boolean" if setting.switch else "string",
                        "description": setting.about,
                        **({"default": False} if setting.switch else {}),
                    }
                    for setting in asked
                },
                "required": [setting.key for setting in asked if setting.required],
            },
        },
    }


def tools() -> list[dict[str, Any]]:
    """``tools.json``: the tools of the default list with their arguments."""
    return [
        {
            "name": tool.name,
            "description": tool.description,
            "arguments": [
                {"name": name, "type": field.get("type", "string"), "desc": field["description"]}
                for name, field in tool.input_schema.get("properties", {}).items()
            ],
        }
        for tool in tool_list.hub(Policy())
    ]

"""What every package says of the project, from the one place that says it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from descope_mcp import __version__

ROOT = Path(__file__).parents[1]
VERSION = __version__
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAME: str = _PROJECT["name"]
TITLE = "Descope (guarded)"
DESCRIPTION: str = _PROJECT["description"]
LICENSE: str = _PROJECT["license"]
PYTHON: str = _PROJECT["requires-python"]
KEYWORDS: list[str] = _PROJECT["keywords"]
#: The name in the MCP registry, which is that of the account that publishes; README repeats it.
REGISTRY_NAME = f"io.github.{NAME}/{NAME}"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that is asked for when the server is installed.

    Attributes:
        variable: of the environment.
        key: its name where names are in lower case.
        title: the label of its field.
        about: what is said of it.
        required: whether nothing can be called without it.
        secret: whether it is kept and shown as one.
        switch: whether it is on or off.
    """

    variable: str
    key: str
    title: str
    about: str
    required: bool = False
    secret: bool = False
    switch: bool = False


SETTINGS = (
    Setting(
        "DESCOPE_PROJECT_ID",
        "project_id",
        "Project ID",
        "The Descope project, as its console shows it under Project; it begins with P.",
        required=True,
    ),
    Setting(
        "DESCOPE_MANAGEMENT_KEY",
        "management_key",
        "Management key",
        "A management key, from the console under Company; give it the roles that it needs.",
        required=True,
        secret=True,
    ),
    Setting(
        "DESCOPE_MCP_READ_ONLY",
        "read_only",
        "Read only",
        "Deny everything but reads.",
        switch=True,
    ),
    Setting(
        "DESCOPE_MCP_PRODUCTION",
        "production",
        "Production",
        "Deny what affects the whole project, even with a person's word.",
        switch=True,
    ),
)

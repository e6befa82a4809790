"""The settings that a profile stands for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from descope_mcp import settings
from descope_mcp.profiles import profile
from descope_mcp.profiles.errors import ProfileError


def of(named: str, given: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """The settings of the profile that is named, or of the default one if there is one.

    Args:
        named: the profile, "" if none is.
        given: what is set otherwise. Where that has credentials, they count alone.
        directory: where profiles are kept.

    Raises:
        ProfileError: there is none of that name, or credentials are set beside it.
    """
    set_ = [name for name in settings.CREDENTIALS if given.get(name)]
    if set_ and named:
        raise ProfileError(
            f"{', '.join(set_)}: set beside the profile {named}; unset these, or name no profile, "
            "so that it is certain which project is meant"
        )
    if set_ or not (named or profile.DEFAULT in profile.all_profiles(directory)):
        return {}
    name = named or profile.DEFAULT
    found = profile.find(directory, name)
    said: dict[str, Any] = {"DESCOPE_MCP_PROFILE": name, "DESCOPE_PROJECT_ID": found.project_id}
    if found.base_url:
        said["DESCOPE_BASE_URL"] = found.base_url
    return said

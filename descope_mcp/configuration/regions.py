"""Where the API of a project is."""

from __future__ import annotations

#: A project id with its region in it: four letters after the P.
_REGION_LENGTH = 32


def api_url(project_id: str) -> str:
    """The base URL of the API in the region of a project, or the one for all without an id."""
    if len(project_id) >= _REGION_LENGTH:
        return f"https://api.{project_id[1:5]}.descope.com"
    return "https://api.descope.com"

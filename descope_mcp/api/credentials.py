"""Which credential an operation presents, by the security scheme that the contract gives it.

Descope takes one bearer token whose parts are joined by colons: the project id, then the user's
token or key, then a management key. A management key never goes to an operation of another
scheme; the authentication management key, which projects with a closed public API need, goes to
the end users' operations only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from descope_mcp.api.errors import MissingCredential
from descope_mcp.catalog.operation import Operation

_TOKEN = re.compile(r"[\x21-\x39\x3b-\x7e]+")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the server was given. Without a project id the management key is company-wide."""

    project_id: str = ""
    management_key: str = field(default="", repr=False)
    auth_management_key: str = field(default="", repr=False)
    access_key: str = field(default="", repr=False)


def authorization(operation: Operation, credentials: Credentials, given: str = "") -> str | None:
    """The value of the Authorization header, None for an operation that takes none.

    Args:
        operation: its schemes decide.
        credentials: of the server.
        given: the user's token or key that came as the argument ``credential``.

    Raises:
        MissingCredential: with the setting or argument that is needed.
    """
    if not operation.schemes:
        return None
    if operation.schemes == ("management_key",):
        return _management(operation, credentials)
    parts = [_project(operation, credentials)]
    if operation.schemes != ("project",):
        token = given
        if "access_key" in operation.schemes:
            token = token or credentials.access_key
        if token:
            parts.append(_checked(operation, token))
        elif "project" not in operation.schemes:
            raise MissingCredential(
                f"{operation.name} needs {_ASKED[operation.schemes[0]]}.",
                _REMEDY[operation.schemes[0]],
            )
    if operation.plane == "end_user" and credentials.auth_management_key:
        parts.append(credentials.auth_management_key)
    return "Bearer " + ":".join(parts)


_ASKED = {
    "refresh_jwt": "the user's refresh JWT",
    "session_jwt": "the user's session JWT",
    "access_key": "an access key",
}
_REMEDY = {
    "refresh_jwt": "Pass it as the argument credential.",
    "session_jwt": "Pass it as the argument credential.",
    "access_key": "Pass it as the argument credential or set DESCOPE_ACCESS_KEY.",
}


def _management(operation: Operation, credentials: Credentials) -> str:
    if not credentials.management_key:
        raise MissingCredential(
            f"{operation.name} needs a management key.",
            "Set DESCOPE_MANAGEMENT_KEY (Descope console, Company, Management Keys) and "
            "DESCOPE_PROJECT_ID, sign in (`descope-mcp login`), or start with --sandbox to try "
            "without an account.",
        )
    if not credentials.project_id:
        return f"Bearer {credentials.management_key}"
    return f"Bearer {credentials.project_id}:{credentials.management_key}"


def _project(operation: Operation, credentials: Credentials) -> str:
    if not credentials.project_id:
        raise MissingCredential(
            f"{operation.name} needs the project id.",
            "Set DESCOPE_PROJECT_ID (Descope console, Project), or start with --sandbox.",
        )
    return credentials.project_id


def _checked(operation: Operation, token: str) -> str:
    """A token with a colon or a blank would address another credential or split the header."""
    if not _TOKEN.fullmatch(token):
        raise MissingCredential(
            f"The credential given to {operation.name} holds a colon, a space or a special "
            "character.",
            "Pass the bare token, without the project id and without 'Bearer'.",
        )
    return token

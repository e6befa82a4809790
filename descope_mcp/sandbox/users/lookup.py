"""Finding users by the identifiers that operations take."""

from __future__ import annotations

from descope_mcp.sandbox.engine.errors import NO_USER, DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.registry import Arguments
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.users.tables import USERS


def by_login_id(state: State, login_id: str) -> Record:
    """The user with this login id, or E112102."""
    user = state.find(USERS, **{"loginIds[]": login_id})
    if user is None:
        raise DescopeError(NO_USER, f"User not found: {login_id}")
    return user


def by_identifier(state: State, identifier: str) -> Record:
    """The user with this login id or user id: what most ``loginId`` arguments accept.

    A login id that is somebody else's user id means its own user; what the service does then is
    not known.
    """
    found = state.find(USERS, **{"loginIds[]": identifier})
    return found or state.find(USERS, userId=identifier) or by_login_id(state, identifier)


def by_either_id(state: State, arguments: Arguments) -> Record:
    """The user of the operations that have a ``userId`` beside ``loginId``.

    SDKs have stopped using it: they send either id as ``loginId``.
    """
    if identifier := arguments.get("loginId"):
        return by_identifier(state, identifier)
    return state.get(USERS, arguments["userId"])

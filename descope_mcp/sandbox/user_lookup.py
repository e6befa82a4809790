"""Finding users by the identifiers that operations take, and keeping login ids unique."""

from __future__ import annotations

from collections.abc import Iterable

from descope_mcp.sandbox.errors import NO_USER, USER_EXISTS, DescopeError
from descope_mcp.sandbox.fields import Record
from descope_mcp.sandbox.registry import Arguments
from descope_mcp.sandbox.state import State


def by_login_id(state: State, login_id: str) -> Record:
    """The user with this login id, or E112102."""
    for user in state.users.values():
        if login_id in user["loginIds"]:
            return user
    raise DescopeError(NO_USER, f"User not found: {login_id}")


def by_identifier(state: State, identifier: str) -> Record:
    """The user with this login id or user id: what most ``loginId`` arguments accept."""
    return state.users.get(identifier) or by_login_id(state, identifier)


def by_either_id(state: State, arguments: Arguments) -> Record:
    """The user of the operations that have ``loginId`` and ``userId`` apart."""
    if login_id := arguments.get("loginId"):
        return by_login_id(state, login_id)
    user_id = arguments["userId"]
    if user_id not in state.users:
        raise DescopeError(NO_USER, f"User not found: {user_id}")
    return state.users[user_id]


def ensure_free(state: State, login_ids: Iterable[str], owner: Record | None = None) -> None:
    """Raise E062107 if a login id belongs to anybody but `owner`."""
    taken = {i for u in state.users.values() if u is not owner for i in u["loginIds"]}
    for login_id in login_ids:
        if login_id in taken:
            raise DescopeError(USER_EXISTS, f"User already exists: {login_id}")

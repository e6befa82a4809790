"""A project as the service hands it over, and how seeds fill it: by calling operations."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from descope_mcp.sandbox import areas  # noqa: F401 - areas registers handlers
from descope_mcp.sandbox.applications import sso_apps
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.registry import HANDLERS
from descope_mcp.sandbox.engine.state import State, empty
from descope_mcp.sandbox.keys.management_keys import add_first_key
from descope_mcp.sandbox.roles import handlers as roles
from descope_mcp.sandbox.roles.tables import PERMISSIONS

DAY = 24 * 3600

SYSTEM_PERMISSIONS = {
    "User Admin": "Manage the users of a tenant",
    "SSO Admin": "Configure the single sign-on of a tenant",
    "Impersonate": "Sign in as another user of the tenant",
}


def new_project(
    name: str = "Sandbox",
    *,
    seed: int = 0,
    keys: int | None = None,
    clock: Callable[[], float] = time.time,
) -> State:
    """A project with what is built in, and nothing else; `seed` and `keys` as for `empty`."""
    state = empty(name, seed=seed, keys=keys, clock=clock)
    add_first_key(state)
    for permission, description in SYSTEM_PERMISSIONS.items():
        call(state, "CreatePermission", name=permission, description=description)
    for stored in state.all(PERMISSIONS):
        state.change(PERMISSIONS, stored, {"systemDefault": True})
    call(
        state,
        "CreateRole",
        name=roles.TENANT_ADMIN,
        description="Administers a tenant",
        permissionNames=list(SYSTEM_PERMISSIONS),
    )
    sso_apps.add_default(state)
    return state


def call(state: State, operation: str, **arguments: Any) -> Record:
    """The answer of `operation`; an empty one if it has none."""
    answer = HANDLERS[operation](state, arguments)
    return answer if isinstance(answer, dict) else {}


def memberships(in_tenants: Mapping[str, list[str]]) -> list[Record]:
    """Memberships as operations take them, from role names by tenant id."""
    return [{"tenantId": tenant, "roleNames": names} for tenant, names in in_tenants.items()]


def at(moment: float) -> Callable[[], float]:
    """A clock that stands still."""
    return lambda: moment

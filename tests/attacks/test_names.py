"""Rights gained by renaming what is known by its name."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import JSONResponse

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from tests.recorder import recording

pytestmark = pytest.mark.anyio


async def call(services: Services, operation: str, **arguments: Any) -> Any:
    return await invoke(Call(operation, arguments, "agent"), services)


async def test_two_roles_cannot_swap_their_names(acme: Services) -> None:
    """Whoever carries the weaker one would sign in under the stronger one's name."""
    for role in ("Mild", "Strong"):
        made = await call(acme, "CreateRole", name=role, description="d")
        assert isinstance(made, Completed), made
    renamed = {"name": "Strong", "newName": "Old"}
    for operation, arguments in (("UpdateRole", renamed), ("UpdateRoles", {"roles": [renamed]})):
        asked = await call(acme, operation, **arguments)
        assert isinstance(asked, NeedsConfirmation), asked
        assert "goes by the role's name" in asked.question.text
    reworded = await call(acme, "UpdateRole", name="Mild", newName="Mild", description="e")
    assert isinstance(reworded, Completed), reworded


async def test_two_lists_cannot_swap_their_names(catalog: Catalog) -> None:
    blocked = {"id": "L1", "name": "blocked", "type": "texts", "data": ["mallory"]}
    held = {**blocked, "description": "d"}
    async with recording(lambda _: JSONResponse({"list": held})) as recorder:
        services = recorder.services(catalog)
        asked = await call(services, "UpdateList", id="L1", name="welcome")
        assert isinstance(asked, NeedsConfirmation), asked
        reworded = await call(services, "UpdateList", id="L1", description="People kept out")
        assert isinstance(reworded, Completed), reworded
        await services.client.close()

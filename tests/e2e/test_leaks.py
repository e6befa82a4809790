"""What goes wrong inside the server is told without its text, in both eras.

In the process itself, so that something can be made to go wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import mcp_types as types
import pydantic
import pytest
from mcp import Client

from descope_mcp.api.client import Client as Descope
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.search import ranking as search
from descope_mcp.server import app
from descope_mcp.server.surface import catalog_tools
from tests.recorder import MANAGEMENT_KEY, Recorder, recording

pytestmark = pytest.mark.anyio

SECRET = "hunter2-K" + "s" * 40


def _invalid() -> Exception:
    class Model(pydantic.BaseModel):
        number: int

    try:
        Model.model_validate({"number": SECRET})
    except pydantic.ValidationError as error:
        return error
    raise AssertionError("it was not valid")


FAULTS: list[Callable[[], Exception]] = [
    lambda: RuntimeError(SECRET),
    lambda: ValueError(SECRET),
    lambda: KeyError(SECRET),
    lambda: OSError(5, SECRET),
    lambda: ExceptionGroup(SECRET, [RuntimeError(SECRET)]),
    _invalid,
]


async def _yes(context: Any, params: Any) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content={"confirm": True})


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("LoadUser", {"loginId": "ada"}),
        ("UpdateProjectName", {"name": "New"}),
        ("DeleteUser", {"loginId": "ada"}),
        ("descope_read", {"operation": "LoadUser", "arguments": {"loginId": "ada"}}),
        ("descope_search", {"query": "users"}),
        ("descope_status", {}),
    ],
)
async def test_no_fault_tells_its_text(
    catalog: Catalog,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    mode: str,
    fault: Callable[[], Exception],
    tool: str,
    arguments: dict[str, Any],
) -> None:
    def fails(*args: Any, **more: Any) -> Any:
        raise fault()

    monkeypatch.setattr(Descope, "run", fails)
    monkeypatch.setattr(search, "Index", fails)
    monkeypatch.setattr(catalog_tools.Hub, "status", fails)
    caplog.set_level(logging.DEBUG)
    services = Recorder("http://127.0.0.1:9").services(catalog)
    async with Client(
        app.build(services.catalog, app.alone(services)), mode=mode, elicitation_callback=_yes
    ) as client:
        with pytest.raises(Exception, match=r"Internal error|Invalid request") as raised:
            await client.call_tool(tool, arguments)
    told = f"{raised.value!r} {raised.value} {getattr(raised.value, 'data', '')}"
    assert SECRET not in told
    assert SECRET not in caplog.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_server_s_own_credentials_are_nowhere(
    catalog: Catalog, caplog: pytest.LogCaptureFixture, mode: str
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []

    async def person(context: Any, params: Any) -> types.ElicitResult:
        said.append(params.message)
        return await _yes(context, params)

    async with recording() as recorder:
        services = recorder.services(catalog)
        async with Client(
            app.build(services.catalog, app.alone(services)), mode=mode, elicitation_callback=person
        ) as client:
            for tool, arguments in (
                ("descope_status", {}),
                ("LoadAllTenants", {}),
                ("DeleteFGARelations", {"tuples": []}),
                ("UpdateUserStatus", {"loginId": "a", "status": "disabled"}),
                ("ImportTheme", {"theme": {}}),
            ):
                result = await client.call_tool(tool, arguments)
                said.append(result.model_dump_json())
        await services.client.close()
    assert recorder.requests
    assert MANAGEMENT_KEY not in "".join(said) + caplog.text + repr(services)

"""A secret from one tool call into the next, through a client, in both eras of the protocol."""

from __future__ import annotations

import logging
from typing import Any

import mcp_types as types
import pytest
from mcp import Client
from starlette.responses import JSONResponse, Response

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.server import app
from tests.recorder import PROJECT, Recorded, recording

pytestmark = pytest.mark.anyio

VALUE = "hunter2-canary-value"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("surface", ["hub", "endpoints"])
async def test_a_new_key_signs_in_without_being_seen(
    catalog: Catalog, caplog: pytest.LogCaptureFixture, mode: str, surface: str
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []

    async def person(context: Any, params: Any) -> types.ElicitResult:
        said.append(params.message)
        return types.ElicitResult(action="accept", content={"confirm": True})

    def answer(request: Recorded) -> Response:
        return JSONResponse({"cleartext": VALUE, "keyId": "K1", "note": request.body.decode()})

    async with recording(answer) as recorder:
        services = recorder.services(catalog)
        toolsets = [] if surface == "hub" else ["all"]
        server = app.build(catalog, app.alone(services), lambda ctx: toolsets)
        async with Client(server, mode=mode, elicitation_callback=person) as client:

            async def call(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
                tool = operation if surface == "endpoints" else "descope_write"
                given = {"operation": operation, "arguments": arguments}
                given = arguments if surface == "endpoints" else given
                result = await client.call_tool(tool, given)
                said.append(result.model_dump_json())
                assert result.structured_content
                return dict(result.structured_content["answer"])

            made = await call("CreateAccessKey", {"name": "n", "roleNames": ["r"]})
            await call("ExchangeAccessKey", {"credential": made["cleartext"]})
        await services.client.close()
    assert recorder.requests[-1].headers["authorization"] == f"Bearer {PROJECT}:{VALUE}"
    assert len(said) == 3
    assert VALUE not in "".join(said) + caplog.text

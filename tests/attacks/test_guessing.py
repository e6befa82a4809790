"""Guessing a secret by what stands in its place."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.responses import JSONResponse

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed
from descope_mcp.catalog.arguments.validation import HANDLE
from descope_mcp.catalog.catalog import Catalog
from tests.recorder import Recorded, recording

pytestmark = pytest.mark.anyio

GUESSES = {f"guess{n}": {"password": word} for n, word in enumerate(["hunter1", "hunter2"])}


def answer(request: Recorded) -> JSONResponse:
    if request.path.endswith("/list/L1"):
        return JSONResponse({"list": {"id": "L1", "type": "json", "data": GUESSES}})
    return JSONResponse({"files": {"connectors/smtp": {"password": "hunter2"}}})


async def handles(services: Any, operation: str, **arguments: Any) -> set[str]:
    outcome = await invoke(Call(operation, arguments, "agent"), services)
    assert isinstance(outcome, Completed), outcome
    text = str(outcome.data)
    assert "hunter" not in text
    return set(re.findall(HANDLE, text))


async def test_a_list_of_guesses_does_not_tell_the_right_one(catalog: Catalog) -> None:
    async with recording(answer) as recorder:
        services = recorder.services(catalog)
        secret = await handles(services, "ExportSnapshot")
        guesses = await handles(services, "GetList", id="L1")
        again = await handles(services, "ExportSnapshot")
        await services.client.close()
    assert len(secret) == 1
    assert len(guesses) == 2
    assert not secret & guesses
    assert secret == again

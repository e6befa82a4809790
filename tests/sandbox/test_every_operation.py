"""Every operation that the sandbox has, called with as little as it asks for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from descope_mcp.sandbox.engine.registry import HANDLERS

from .conftest import Client

pytestmark = pytest.mark.anyio

#: Values that name something in the organisation; any other field is "x".
KNOWN = {
    "id": "globex",
    "tenantId": "globex",
    "loginId": "ada.okafor@acme.example",
    "identifier": "ada.okafor@acme.example",
    "email": "ada.okafor@acme.example",
    "phone": "+15550100000",
    "status": "enabled",
    "type": "info",
}


def minimal(name: str, path: str) -> dict[str, Any]:
    """What the operation's handler declares as required, and its path parameters."""
    handler = HANDLERS[name]
    fields = [*handler.required, *handler.any_of[:1], *handler.exactly_one[:1]]
    arguments: dict[str, Any] = {}
    for field in [*fields, *re.findall(r"\{(\w+)\}", path)]:
        plain = field.removesuffix("[]")
        value = KNOWN.get(plain, "x")
        arguments[plain] = [value] if field.endswith("[]") else value
    return arguments


@pytest.mark.parametrize("name", sorted(HANDLERS))
async def test_an_answer_is_valid_or_an_error_of_descope_s(client: Client, name: str) -> None:
    endpoint = client.endpoints[name]
    headers = {}
    if "access_key" in endpoint.schemes:
        made = await client.call("CreateAccessKey", name="k")
        headers["Authorization"] = f"Bearer {client.sandbox.project_id}:{made['cleartext']}"
    # The client checks the form of whatever comes.
    response = await client.send(name, headers, **minimal(name, endpoint.path))
    assert response.status_code < 500, response.text

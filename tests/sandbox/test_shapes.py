"""Answers have the fields that the contract documents: none is missing, none is invented."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from descope_mcp.catalog import schema
from descope_mcp.catalog.contract import Contract
from descope_mcp.sandbox import seed
from descope_mcp.sandbox.errors import DescopeError
from descope_mcp.sandbox.registry import HANDLERS

from .conftest import Client

pytestmark = pytest.mark.anyio

ADA = {"loginId": "ada.okafor@acme.example"}

CALLS: dict[str, dict[str, Any]] = {
    "LoadUser": ADA,
    "SearchUsers": {},
    "CreateUsers": {"users": [{"loginId": "a@x.example"}, ADA]},
    "UserCustomAttributes": {},
    "ListUserPasskeys": ADA,
    "ListTrustedDevicesForUsers": {"identifiers": [ADA["loginId"]]},
    "SetUserTemporaryPassword": ADA,
    "LoadTenant": {"id": "globex"},
    "LoadAllTenants": {},
    "CreateTenant": {"name": "New"},
    "GetTenantSettings": {"id": "globex"},
    "GetPasswordSettings": {"tenantId": "globex"},
    "LoadSSOSettings": {"tenantId": "globex"},
    "ListProject": {},
    "LoadAllRoles": {},
    "CreateRole": {"name": "New"},
    "LoadAllPermissions": {},
    "SearchAccessKeys": {},
    "CreateAccessKey": {"name": "new"},
    "ImportAccessKeys": {"keys": [{"name": "new", "cleartext": "secret"}]},
    "SearchAudit": {},
    "SearchAnalytics": {"groupByAction": True},
}

#: Shown as an empty object, whatever the contract has in it.
OPAQUE = {"defaultValue", "data"}


@pytest.mark.parametrize("operation", CALLS)
async def test_an_answer_has_the_documented_fields(
    client: Client, spec: Contract, operation: str
) -> None:
    answer = await client.call(operation, **CALLS[operation])
    endpoint = client.endpoints[operation]
    documented = schema.answer(endpoint, spec.schemas)
    if endpoint.wire.unwrapped:
        documented = documented["properties"][endpoint.wire.unwrapped]
    assert list(differences(answer, documented)) == []


def differences(value: Any, documented: Mapping[str, Any], path: str = "") -> Iterator[str]:
    fields = documented.get("properties")
    if isinstance(value, list):
        for item in value:
            yield from differences(item, documented.get("items", {}), f"{path}[]")
    elif isinstance(value, dict) and fields and path.rpartition(".")[2] not in OPAQUE:
        yield from (f"{path}.{name} is missing" for name in fields.keys() - value.keys())
        yield from (f"{path}.{name} is invented" for name in value.keys() - fields.keys())
        for name in value.keys() & fields.keys():
            yield from differences(value[name], fields[name], f"{path}.{name}")
    else:
        types = {"string": str, "boolean": bool, "integer": int, "array": list, "object": dict}
        expected = types.get(documented.get("type", ""), object)
        if value is not None and not isinstance(value, expected):
            yield f"{path} is {value!r}, documented as {documented.get('type')}"


ODD: list[Any] = [
    None,
    "",
    "x",
    -1,
    10**30,
    True,
    [],
    ["x"],
    [1],
    [{}],
    [["x"]],
    {},
    {"x": 1},
    {"x": {}},
]


def test_no_argument_breaks_a_handler(spec: Contract) -> None:
    state = seed.acme()
    known = {
        "id": "globex",
        "tenantId": "globex",
        "loginId": ADA["loginId"],
        "status": "enabled",
        "type": "info",
    }
    for endpoint in spec.endpoints.values():
        handler = HANDLERS.get(endpoint.name)
        if handler is None:
            continue
        names = schema.arguments(endpoint, spec.schemas)[0]
        needed: dict[str, Any] = {
            n: known.get(n, "x") for n in handler.required if not n.endswith("[]")
        }
        needed |= {n[:-2]: [{**known, "name": "x"}] for n in handler.required if n.endswith("[]")}
        for name in names:
            for value in ODD:
                try:
                    answer = handler(state, {**known, **needed, name: value})
                except DescopeError as error:
                    answer = dict(error.body())
                except Exception as error:
                    raise AssertionError(f"{endpoint.name} {name}={value!r}") from error
                json.dumps(answer)

"""What all sorts of applications have in common: they are made, read, replaced and deleted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Sort:
    """One sort of record: its operations, and what tells them which record is meant."""

    create: str
    load: str
    update: str
    delete: str
    #: What create needs; `more` is what an update then clears by leaving it out.
    needed: dict[str, Any] = field(default_factory=lambda: {"name": "One"})
    more: dict[str, Any] = field(default_factory=lambda: {"description": "Once described"})
    #: The field that requests have the record in, and answers.
    inside: str = ""
    answer: str = ""
    missing: str = ""


SAML = {"name": "One", "entityId": "urn:one", "acsUrl": "https://one.example", "certificate": "c"}

SORTS = {
    "oidc": Sort(
        "CreateSSOOIDCApplication",
        "LoadSSOApplication",
        "UpdateSSOOIDCApplication",
        "DeleteSSOApplication",
        missing="E112702",
    ),
    "saml": Sort(
        "CreateSSOSAMLApplication",
        "LoadSSOApplication",
        "UpdateSSOSAMLApplication",
        "DeleteSSOApplication",
        SAML,
        missing="E112702",
    ),
    "wsfed": Sort(
        "CreateSSOWSFedApplication",
        "LoadSSOApplication",
        "UpdateSSOWSFedApplication",
        "DeleteSSOApplication",
        missing="E112702",
    ),
    "third-party": Sort(
        "CreateThirdPartyApplication",
        "LoadThirdPartyApplication",
        "UpdateThirdPartyApplication",
        "DeleteThirdPartyApplication",
        more={"approvedCallbackUrls": ["https://x.example"], "allowedTenants": ["globex"]},
        missing="E112712",
    ),
    "outbound": Sort(
        "CreateOutboundApp",
        "LoadOutboundApp",
        "UpdateOutboundApp",
        "DeleteOutboundApp",
        more={"defaultScopes": ["a"], "tokenUrlParams": [{"key": "k", "value": "v"}]},
        inside="app",
        answer="app",
        missing="E112722",
    ),
    "mcp-server": Sort(
        "CreateMcpServer",
        "LoadMcpServer",
        "UpdateMcpServer",
        "DeleteMcpServer",
        more={"dynamicRegistration": {"enabled": True, "flowId": "f"}, "tags": ["t"]},
        inside="server",
        answer="server",
        missing="E112732",
    ),
    "resource": Sort(
        "CreateResource",
        "LoadResource",
        "UpdateResource",
        "DeleteResource",
        more={"scopes": {"attributesScopes": [{"name": "mail", "values": ["email"]}]}},
        inside="resource",
        answer="resource",
        missing="E112742",
    ),
    "registration-template": Sort(
        "CreateDynamicRegistrationTemplate",
        "LoadDynamicRegistrationTemplate",
        "UpdateDynamicRegistrationTemplate",
        "DeleteDynamicRegistrationTemplate",
        more={"sessionSettings": {"enabled": True, "refreshTokenExpiration": 4}},
        inside="template",
        answer="template",
        missing="E112744",
    ),
    "jwt-template": Sort(
        "CreateJwtTemplate",
        "LoadJwtTemplate",
        "UpdateJwtTemplate",
        "DeleteJwtTemplate",
        more={"template": {"plan": "x"}, "type": "key", "addJti": True},
        inside="template",
        answer="template",
        missing="E112752",
    ),
    "list": Sort(
        "CreateList",
        "GetList",
        "UpdateList",
        "DeleteList",
        {"name": "One", "type": "texts"},
        {"description": "Once described", "data": ["a"]},
        answer="list",
        missing="E112762",
    ),
}

#: Of these create takes the fields as they are, although update wants them in a message.
FLAT_CREATE = {"outbound", "mcp-server", "resource", "registration-template"}

#: What goes its own way when a record changes.
STAMPS = {"version", "modifiedTime"}


@pytest.fixture(params=SORTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def _audits(client: Client) -> int:
    return int((await client.call("SearchAudit", size=1))["total"])


async def test_a_record_is_made_read_replaced_and_deleted(client: Client, name: str) -> None:
    sort = SORTS[name]
    inside = "" if name in FLAT_CREATE else sort.inside

    def wrapped(field: str, fields: dict[str, Any]) -> dict[str, Any]:
        return {field: fields} if field else fields

    async def load() -> Any:
        answer = await client.call(sort.load, id=key)
        return answer[sort.answer] if sort.answer else answer

    before = await _audits(client)
    made = await client.call(sort.create, **wrapped(inside, sort.needed | sort.more))
    key = made[sort.answer]["id"] if sort.answer else made["id"]
    full = await load()
    assert _has(full, sort.needed | sort.more)

    await client.call(sort.update, **wrapped(sort.inside, {"id": key, **sort.needed}))
    bare = await load()
    assert _has(bare, sort.needed | {"id": key})
    assert not any(_has(bare, {n: v}) for n, v in sort.more.items())
    # What is left out is as if it had never been given, and nothing else has changed.
    changed = {n for n in full if full[n] != bare[n]} - STAMPS
    assert changed <= sort.more.keys() | {f"{name}Settings"}

    await client.call(sort.delete, id=key)
    assert await client.error(sort.load, 404, id=key) == sort.missing
    assert await client.error(sort.delete, 404, id=key) == sort.missing
    assert (
        await client.error(sort.update, 404, **wrapped(sort.inside, {"id": key, **sort.needed}))
        == sort.missing
    )
    assert await _audits(client) == before + 3


async def test_a_name_is_needed(client: Client, name: str) -> None:
    sort = SORTS[name]
    before = await _audits(client)
    nameless = {k: v for k, v in (sort.needed | sort.more).items() if k != "name"}
    inside = "" if name in FLAT_CREATE else sort.inside
    response = await client.call(sort.create, 400, **({inside: nameless} if inside else nameless))
    assert "name" in response["errorMessage"]
    assert await _audits(client) == before


def _has(record: Any, fields: dict[str, Any]) -> bool:
    """Whether the record, or the message of it that SSO applications have, shows the fields."""
    for key, value in fields.items():
        own = record.get(key)
        if key not in record:
            own = next((m[key] for m in record.values() if isinstance(m, dict) and key in m), None)
        if isinstance(value, dict) and isinstance(own, dict):
            if not _has(own, value):
                return False
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            if not own or not _has(own[0], value[0]):
                return False
        elif own != value:
            return False
    return True

"""Things made without a question that could be turned against others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation
from descope_mcp.catalog.catalog import Catalog
from tests.recorder import recording

pytestmark = pytest.mark.anyio

SOMEWHERE = "https://HOST/acs"


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        (
            "CreateSSOSAMLApplication",
            {"name": "Pay", "entityId": "https://pay.example", "acsUrl": SOMEWHERE},
        ),
        ("CreateSSOSAMLApplication", {"name": "Pay", "acsAllowedCallbacks": [SOMEWHERE]}),
        ("CreateSSOSAMLApplication", {"name": "Pay", "metadataUrl": SOMEWHERE}),
        ("CreateSSOWSFedApplication", {"name": "Pay", "realm": "pay", "replyUrl": SOMEWHERE}),
    ],
)
async def test_no_application_of_the_agent_s_own_receives_people_s_assertions(
    catalog: Catalog, operation: str, arguments: dict[str, Any]
) -> None:
    """Who has no list of applications may enter all, also one that was just made."""

    def at(host: str) -> Call:
        return Call(operation, json.dumps(arguments).replace("HOST", host), "agent")

    async with recording() as recorder:
        services = recorder.services(catalog, trusted_hosts=frozenset({"pay.example"}))
        asked = await invoke(at("evil.example"), services)
        assert isinstance(asked, NeedsConfirmation), asked
        assert "does not trust" in asked.question.text
        ran = await invoke(at("pay.example"), services)
        assert isinstance(ran, Completed), ran
        await services.client.close()

"""What the console is told of a call over HTTP: for whom the agent acts, and who has to approve."""

from __future__ import annotations

import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.decide import Decider, NotDecided, decide, told
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.store.consent import approvals
from tests.server.auth.provider import serving
from tests.server.auth.world import standing

pytestmark = pytest.mark.anyio

WIDE = ("descope_destructive", {"operation": "DeleteTenant", "arguments": {"id": "acme"}})


async def test_whom_an_agent_acts_for_is_known_and_does_not_approve(catalog: Catalog) -> None:
    arguments = {**WIDE[1]["arguments"], "cascade": True}
    call = (WIDE[0], {**WIDE[1], "arguments": arguments})
    with serving() as provider:
        async with standing(provider, catalog, policy=Policy(four_eyes=True)) as world:
            store = world.descope.services(catalog).store
            token = provider.token(
                sub="U2bea",
                email="bea@acme.example",
                email_verified=True,
                scope="descope:destructive",
            )
            answer = await world.call(token, call)
            assert '"waiting"' in answer.text or "waits" in answer.text, answer.text
            (request,) = [
                one for one in approvals.requests(store, pending=True) if one.caller == "acme:U2bea"
            ]
            said = told(request)
            assert (said.four_eyes, said.people) == (True, ("bea@acme.example",))
            assert said.agent == '"client-1"'
            bea = Decider("console:x", "console", "other", frozenset({"bea@acme.example"}))
            with pytest.raises(NotDecided, match="acts for"):
                decide(store, request.number, "approve", bea, typed=request.typed)
            cem = Decider("console:U2cem", "console", "U2cem")
            decide(store, request.number, "approve", cem, typed=request.typed)

"""Access for everybody whom a filter matches, passed off as one relation."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Failed, NeedsConfirmation, Refused
from descope_mcp.call.services import Services
from descope_mcp.guard.consent.confirmation import accept

pytestmark = pytest.mark.anyio

SAME = {"resource": "roadmap", "relationDefinition": "viewer", "namespace": "doc"}


def relation(**query: Any) -> dict[str, Any]:
    return {**SAME, "query": query}


async def asked(services: Services, operation: str, *relations: Any) -> NeedsConfirmation:
    outcome = await invoke(Call(operation, {"relations": list(relations)}, "agent"), services)
    assert isinstance(outcome, NeedsConfirmation), outcome
    return outcome


async def matched(services: Services, **filters: Any) -> list[dict[str, Any]]:
    found = await invoke(Call("SearchUsers", filters, "agent"), services)
    assert isinstance(found, Completed), found
    return list(found.data["users"])


@pytest.mark.parametrize("operation", ["CreateRelations", "DeleteRelations"])
async def test_all_whom_a_query_hits_are_counted_and_named(acme: Services, operation: str) -> None:
    users = await matched(acme, statuses=["enabled"])
    text = (await asked(acme, operation, relation(statuses=["enabled"]))).question.text
    assert f"{len(users)} users now" in text
    for user in users:
        assert user["name"] in text


async def test_those_of_several_queries_are_counted_once(acme: Services) -> None:
    enabled = await matched(acme, statuses=["enabled"])
    queries = [relation(statuses=["enabled"]), relation(statuses=["enabled"], text="ada")]
    text = (await asked(acme, "CreateRelations", *queries)).question.text
    assert f"{len(enabled)} users now" in text


async def test_a_yes_is_for_those_who_were_shown(acme: Services) -> None:
    query = relation(statuses=["disabled"])
    question = (await asked(acme, "CreateRelations", query)).question
    made = {"loginId": "ada.okafor@acme.example", "status": "disabled"}
    word = await invoke(Call("UpdateUserStatus", made, "agent"), acme)
    assert isinstance(word, NeedsConfirmation), word
    done = await invoke(
        Call("UpdateUserStatus", made, "agent", approval=accept(word.question)), acme
    )
    assert isinstance(done, Completed), done
    arguments = {"relations": [query]}
    again = await invoke(
        Call("CreateRelations", arguments, "agent", approval=accept(question)), acme
    )
    assert isinstance(again, Refused), again


@pytest.mark.parametrize("query", [{}, {"roles": []}, {"text": "", "customAttributes": {}}])
async def test_a_query_that_says_nothing_is_not_sent(acme: Services, query: dict[str, Any]) -> None:
    """It may mean everybody, and nobody could be shown whom it means."""
    arguments = {"relations": [relation(statuses=["enabled"]), {**SAME, "query": query}]}
    outcome = await invoke(Call("CreateRelations", arguments, "agent"), acme)
    assert isinstance(outcome, (Failed, Refused)), outcome


async def test_a_relation_as_it_is_read_can_be_deleted(acme: Services) -> None:
    """What is read has every filter, the empty ones too."""
    empty = {"tenants": [], "roles": [], "text": "", "ssoOnly": False, "withTestUser": False}
    text = (await asked(acme, "DeleteRelations", relation(**empty, statuses=["disabled"]))).question
    assert f"{len(await matched(acme, statuses=['disabled']))} user" in text.text

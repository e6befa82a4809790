"""A yes is to as much as was shown: what hangs on the target may grow while a person thinks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Refused
from descope_mcp.call.services import Services
from descope_mcp.guard.consent.confirmation import accept, shown_counts
from descope_mcp.guard.policy import decision
from descope_mcp.guard.preview.impact import Tally

pytestmark = pytest.mark.anyio

EMPTY = {"id": "initech", "cascade": True}


async def call(services: Services, operation: str, /, **arguments: Any) -> Any:
    outcome = await invoke(Call(operation, arguments, "agent"), services)
    if isinstance(outcome, NeedsConfirmation) and operation != "DeleteTenant":
        approval = accept(outcome.question, outcome.question.typed)
        return await invoke(Call(operation, arguments, "agent", approval=approval), services)
    return outcome


async def test_a_tenant_that_has_grown_is_asked_about_again(acme: Services) -> None:
    asked = await call(acme, "DeleteTenant", **EMPTY)
    assert isinstance(asked, NeedsConfirmation), asked
    assert "6 users" in asked.question.text
    joining = {"loginId": "wei.zhang@contractor.example", "tenantId": "initech"}
    assert isinstance(await call(acme, "UpdateUserAddTenant", **joining), Completed)
    approval = accept(asked.question, asked.question.typed)
    late = await invoke(Call("DeleteTenant", EMPTY, "agent", approval=approval), acme)
    assert isinstance(late, Refused), late
    assert late.rule == "changed"
    again = await call(acme, "DeleteTenant", **EMPTY)
    assert "7 users" in again.question.text
    # Others may come and go elsewhere.
    elsewhere = {"loginId": "new@globex.example", "userTenants": [{"tenantId": "globex"}]}
    assert isinstance(await call(acme, "CreateUser", **elsewhere), Completed)
    approval = accept(again.question, again.question.typed)
    gone = await invoke(Call("DeleteTenant", EMPTY, "agent", approval=approval), acme)
    assert isinstance(gone, Completed), gone


@pytest.mark.parametrize(
    ("shown", "now", "same"),
    [(3, 4, False), (0, 1, False), (99, 100, False), (3012, 3090, True), (3012, 3101, False)],
)
def test_thousands_may_grow_by_a_few(shown: int, now: int, same: bool) -> None:
    counts = [shown_counts([Tally("users", number)]) for number in (shown, now)]
    assert (counts[0] == counts[1]) is same


async def test_what_is_named_twice_counts_once(acme: Services) -> None:
    users = (await call(acme, "SearchUsers", limit=2)).data["users"]
    ids = [user["userId"] for user in users]
    asked = await invoke(Call("DeleteUsers", {"userIds": [*ids, ids[0]]}, "agent"), acme)
    assert isinstance(asked, NeedsConfirmation), asked
    assert asked.question.text.startswith("Delete 2 users")
    assert decision.items(acme.catalog["DeleteUsers"], {"userIds": [*ids, ids[0]]}) == 2
    keys = (await call(acme, "SearchAccessKeys")).data["keys"]
    stopped = [keys[0]["id"], keys[1]["id"], keys[0]["id"], keys[0]["id"]]
    asked = await invoke(Call("DeactivateAccessKeys", {"ids": stopped}, "agent"), acme)
    assert isinstance(asked, NeedsConfirmation), asked
    assert asked.question.text.startswith("Stop 2 access keys")


async def test_only_the_consents_that_go_are_counted(acme: Services) -> None:
    """The application has more of them; whoever reads decides about those of one user."""
    apps = await call(acme, "LoadAllThirdPartyApplications")
    app = next(one for one in apps.data["apps"] if one["name"] == "Chart Builder")
    there = await call(acme, "SearchThirdPartyApplicationConsents", appId=app["id"])
    one, other, *more = there.data["consents"]
    assert more
    of_user = {"appId": app["id"], "userIds": [one["userId"]]}
    for given in (of_user, {"consentIds": [other["id"]]}):
        deleting = Call("DeleteThirdPartyApplicationConsents", given, "agent")
        asked = await invoke(deleting, acme)
        assert isinstance(asked, NeedsConfirmation), asked
        assert "Consents (1): " in asked.question.text
        word = accept(asked.question, asked.question.typed)
        done = await invoke(replace(deleting, approval=word), acme)
        assert isinstance(done, Completed), done
        assert done.evidence
        assert [(hit.title, hit.number) for hit in done.evidence.hits] == [("consents", 1)]
    left = await call(acme, "SearchThirdPartyApplicationConsents", appId=app["id"])
    assert left.data["consents"] == more


@pytest.mark.parametrize(("tenant", "last"), [("umbra", False), ("initech", True)])
async def test_the_last_of_a_kind_is_told_where_that_role_goes(
    acme: Services, tenant: str, last: bool
) -> None:
    """Sven is the last with the role Billing in Initech, and one of many in Umbra."""
    given = {"loginId": "sven.larsen@initech.example", "tenantId": tenant}
    asked = await invoke(Call("UpdateUserRemoveTenant", given, "agent"), acme)
    assert isinstance(asked, NeedsConfirmation), asked
    assert ("the last of its kind" in asked.question.text) is last
    assert ('This is the last user with the role "Billing"' in asked.question.text) is last

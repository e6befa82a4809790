"""Reports on whole organisations: complete, small in their parts, and by the path of a call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Outcome, Refused
from descope_mcp.call.reports import source_reads
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.roles.tables import ROLES
from descope_mcp.sandbox.seeds.new_project import call as made
from descope_mcp.sandbox.seeds.organisations import SEEDS
from descope_mcp.sandbox.users.tables import USERS
from descope_mcp.server.answers import tool_result
from descope_mcp.server.answers.continuation import View
from descope_mcp.server.answers.kept_answers import Shelf
from descope_mcp.server.answers.size_limit import Answers
from descope_mcp.server.surface.token_cost import exact, tokens
from tests.recorder import shared_store
from tests.server.conftest import parts

pytestmark = pytest.mark.anyio

#: The most that a part of a report costs.
MOST_TOKENS = 3_000


@asynccontextmanager
async def working_on(
    catalog: Catalog, state: State, policy: Policy | None = None
) -> AsyncIterator[Services]:
    async with running(catalog.values(), state) as sandbox:
        keys = Credentials(sandbox.project_id, sandbox.management_key)
        client = Client(sandbox.url, keys, catalog.errors)
        yield Services(catalog, client, policy or Policy(), shared_store())
        await client.close()


async def report(services: Services, name: str, **arguments: Any) -> Outcome:
    return await invoke(Call(name, arguments, "me", through="read"), services)


async def data(services: Services, name: str, **arguments: Any) -> dict[str, Any]:
    outcome = await report(services, name, **arguments)
    assert isinstance(outcome, Completed), outcome
    return outcome.data


def policy(catalog: Catalog, *rules: str) -> Policy:
    text = "\n".join(f"[[rule]]\n{rule}" for rule in rules)
    found, production = parse("p.toml", text, catalog)
    return Policy(rules=found, production=production)


def rights(state: State, role: str, scope: str) -> list[str]:
    """The permissions of a role where it is held: that of the scope, else that of the project."""
    own = state.find(ROLES, name=role, tenantId=scope)
    common = state.find(ROLES, name=role, tenantId="")
    found: Record | None = own or common
    return list(found["permissionNames"]) if found else []


def held(state: State) -> set[tuple[str, str, str]]:
    """Every user, scope and role, read from the sandbox's own tables."""
    return {
        (user["loginIds"][0], scope, role)
        for user in state.all(USERS)
        for scope, roles in (
            ("", user["roleNames"]),
            *((m["tenantId"], m["roleNames"]) for m in user["userTenants"]),
        )
        for role in roles
    }


async def test_holders_of_a_role_are_found_everywhere(catalog: Catalog) -> None:
    state = SEEDS["acme"]()
    async with working_on(catalog, state) as services:
        found = await data(services, "FindRoleHolders", role="Viewer")
        none = await data(services, "FindRoleHolders", role="Vewer")
    rows = [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
    people = {(r["id"], r["where"].replace("project", "")) for r in rows if r["kind"] == "user"}
    assert people == {(who, scope) for who, scope, role in held(state) if role == "Viewer"}
    assert {(r["name"], r["where"]) for r in rows if r["kind"] == "key"} == {
        ("report-export", "project")
    }
    statuses = {r["id"]: r["status"] for r in rows}
    assert statuses["rania.saleh@initech.example"] == "invited"
    # A misspelt name is told apart from a role that nobody holds.
    assert none["rows"] == []
    assert "There is no role Vewer. There are: " in none["notice"][0]


async def test_a_permission_is_traced_through_every_role_that_brings_it(catalog: Catalog) -> None:
    """For 2,000 users in one call; every part of it small, and all parts together complete."""
    state = SEEDS["b2b"]()
    answers = Answers(catalog.times, Shelf())
    async with working_on(catalog, state) as services:
        # In this tenant the project's name means another role.
        tenant = "alder-logistics"
        named = {"name": "Clerk", "permissionNames": ["orders.approve"], "tenantId": tenant}
        made(state, "CreateRole", **named)
        outcome = await report(services, "FindRoleHolders", permission="orders.approve")
    assert isinstance(outcome, Completed)
    wanted = {
        (who, scope)
        for who, scope, role in held(state)
        if "orders.approve" in rights(state, role, scope)
    }
    first = answers.first(outcome, View(), {}, "me")
    read = parts(answers, first)
    rows = [row for part in read for row in part["answer"]["rows"]]
    assert {(row[1], row[4]) for row in rows if row[0] == "user"} == wanted
    assert len(rows) == len({(*row[:2], row[4]) for row in rows}) == read[0]["part"]["total"]
    assert read[0]["answer"]["total"]["people"] == len({who for who, _ in wanted})
    assert exact()
    for part in read:
        shown = {"operation": "FindRoleHolders", **part}
        (text,) = tool_result.part(shown, []).content
        assert tokens(text.text) <= MOST_TOKENS


async def test_an_access_review_has_every_member_and_key(catalog: Catalog) -> None:
    state = SEEDS["acme"]()
    user = next(u for u in state.all(USERS) if u["loginIds"] == ["grace.kim@globex.example"])
    made(state, "UpdateUserSetRoles", loginId=user["loginIds"][0], roleNames=["Billing"])
    async with working_on(catalog, state) as services:
        found = await data(services, "ReviewTenantAccess", tenantId="globex")
    rows = {row[1]: dict(zip(found["columns"], row, strict=True)) for row in found["rows"]}
    members = {
        u["loginIds"][0]: m["roleNames"]
        for u in state.all(USERS)
        for m in u["userTenants"]
        if m["tenantId"] == "globex"
    }
    people = {who: row for who, row in rows.items() if row["kind"] == "user"}
    assert {who: row["roles"].split(", ") for who, row in people.items()} == members
    assert people["grace.kim@globex.example"]["projectRoles"] == "Billing"
    assert {r["name"] for r in rows.values() if r["kind"] == "key"} == {
        "globex-scim",
        "report-export",
    }
    assert found["total"] == {
        "members": 6,
        "membersInvited": 0,
        "membersDisabled": 1,
        "membersWithoutRole": 0,
        "membersWithoutSecondFactorOrSSO": sum(
            not any(way in (row["signIn"] or "") for way in ("TOTP", "passkey", "SSO"))
            for row in people.values()
        ),
        "keys": 2,
    }
    # What else a tenant has is told with it, that there is none of it too.
    assert {key: found["alsoHere"][key] for key in ("ssoConnections", "consentsOfTheTenant")} == {
        "ssoConnections": 1,
        "consentsOfTheTenant": 1,
    }
    assert (found["alsoHere"]["ownRoles"], found["alsoHere"]["subTenants"]) == (
        "Analyst",
        "globex-emea",
    )
    assert found["alsoHere"]["consentsOfPeople"] == 0
    analyst = next(role for role in found["roles"] if role["role"] == "Analyst")
    assert analyst == {
        "role": "Analyst",
        "of": "tenant",
        "holders": 2,
        "permissions": "reports.read, reports.export",
    }


async def test_what_keeps_somebody_from_signing_in(catalog: Catalog) -> None:
    state = SEEDS["acme"]()
    who = "jonas.berg@globex.example"
    made(state, "UpdateTenant", id="globex", name="Globex", disabled=True, enforceSSO=True)
    async with working_on(catalog, state) as services:
        found = await data(services, "ReviewUser", loginId=who)
        same = await data(services, "ReviewUser", userId=found["person"]["userId"])
        fine = await data(services, "ReviewUser", loginId="ada.okafor@acme.example")
        unknown = await report(services, "ReviewUser", loginId="nobody@acme.example")
    said = "; ".join(found["inTheWay"])
    for reason in ("account is disabled", "tenant globex is disabled", "SSO alone", "failed sign"):
        assert reason in said
    assert same == found
    assert found["roles"][0]["where"] == "globex"
    assert "billing.read" in found["roles"][0]["permissions"]
    assert fine["inTheWay"] == []
    # That nothing was found says as much as was looked at; where something bars them it is enough.
    assert "password policy of the project: on, 5 failures lock, no expiry" in fine["lookedAt"]
    assert "SSO applications: may use only salesforce" in fine["lookedAt"]
    assert any("locked" in what for what in fine["notSeen"])
    assert not {"lookedAt", "notSeen"}.intersection(found)
    assert fine["signIns"][0]["ip"] == "203.0.113.1"
    assert fine["devices"]
    assert fine["consents"]
    assert not isinstance(unknown, Completed)


async def test_what_may_be_in_the_way_is_told_as_such(catalog: Catalog) -> None:
    state = SEEDS["acme"]()
    who = "elif.demir@acme.example"
    made(state, "UpdateUserStatus", loginId=who, status="enabled")
    rules = dict.fromkeys(("lock", "tempLock", "expiration"), True)
    made(state, "ConfigurePasswordSettings", **rules, tempLockAttempts=1, expirationWeeks=4)
    app = made(state, "CreateSSOOIDCApplication", name="Wiki", enabled=False)["id"]
    made(state, "UpdateUserAddSSOApps", loginId=who, ssoAppIds=[app])
    user = next(u for u in state.all(USERS) if u["loginIds"] == [who])["userId"]
    event = {"action": "LoginExceedMaxAttempts", "type": "warn", "actorId": user, "userId": user}
    made(state, "CreateAuditEvent", **event)
    async with working_on(catalog, state) as services:
        found = await data(services, "ReviewUser", loginId=who)
    said = "; ".join(found["inTheWay"])
    assert "the password may be locked: 1 failed sign-ins since the last that succeeded" in said
    assert f"the application Wiki ({app}) is disabled" in said
    assert "too many attempts (LoginExceedMaxAttempts), the last on 20" in said
    assert any("passwords expire" in what for what in found["lookedAt"])


async def test_what_somebody_leaves_behind(catalog: Catalog) -> None:
    state = SEEDS["acme"]()
    who = "tara.singh@umbra.example"
    user = next(u for u in state.all(USERS) if u["loginIds"] == [who])
    key = made(state, "CreateAccessKey", name="hers", userId=user["userId"])
    async with working_on(catalog, state) as services:
        found = await data(services, "ReviewDeparture", loginId=who)
        others = [u["loginIds"][0] for u in state.all(USERS) if u is not user]
        for other in others:
            made(state, "UpdateUserStatus", loginId=other, status="disabled")
        last = await data(services, "ReviewDeparture", loginId=who)
    rows = {tuple(row) for row in found["rows"]}
    assert ("role in a tenant without another active holder", "umbra", "Tenant Admin") in rows
    assert ("access key that acts for them", key["key"]["id"], "hers, active") in rows
    assert not any(what == "tenant without another active member" for what, *_ in rows)
    # Who cannot sign in holds nothing for anybody.
    assert ["tenant without another active member", "umbra", "Umbra Labs"] in last["rows"]


async def test_a_read_that_the_policy_denies_is_named_or_ends_the_report(catalog: Catalog) -> None:
    rule = 'operation = "{}"\ndecision = "{}"'
    async with working_on(catalog, SEEDS["acme"]()) as services:
        without = replace(services, policy=policy(catalog, rule.format("SearchAccessKeys", "deny")))
        hole = await report(without, "FindRoleHolders", role="Owner")
        for decision in ("deny", "confirm"):
            needed = policy(catalog, rule.format("SearchUsers", decision))
            ended = await report(replace(services, policy=needed), "FindRoleHolders", role="Owner")
            assert isinstance(ended, Refused)
            assert "SearchUsers" in ended.message
        own = policy(catalog, rule.format("FindRoleHolders", "deny"))
        denied = await report(replace(services, policy=own), "FindRoleHolders", role="Owner")
        read_only = replace(services, policy=Policy(read_only=True))
        assert isinstance(await report(read_only, "FindRoleHolders", role="Owner"), Completed)
    assert isinstance(hole, Completed)
    # Nothing is said of keys, and not that there are none.
    assert hole.data["total"] == {
        "people": 3,
        "peopleInvited": 0,
        "peopleDisabled": 0,
        "tenants": 2,
    }
    assert any("keys are not in it: SearchAccessKeys" in note for note in hole.notes)
    assert isinstance(denied, Refused)


async def test_every_page_counts_towards_a_cap(catalog: Catalog) -> None:
    capped = 'operation = "SearchUsers"\ndecision = "allow"\ncalls = 5\nper = "1h"'
    state = SEEDS["b2b"]()
    async with working_on(catalog, state, policy(catalog, capped)) as services:
        ended = await report(services, "FindRoleHolders", role="Guest")
    assert isinstance(ended, Refused)
    assert ended.rule == "cap"


async def test_what_is_too_much_to_read_is_said(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_reads, "MOST_PAGES", 3)
    async with working_on(catalog, SEEDS["b2b"]()) as services:
        outcome = await report(services, "FindRoleHolders", role="Guest")
    assert isinstance(outcome, Completed)
    assert "incomplete: 300 of 2000 users were read" in outcome.notes


async def test_names_that_look_like_queries_are_data(catalog: Catalog) -> None:
    name = "O'Brien'); DROP TABLE users; -- \"é\""
    state = SEEDS["acme"]()
    made(state, "CreateRole", name=name, permissionNames=[])
    made(state, "CreateUser", loginId="ob@acme.example", name=name, roleNames=[name])
    async with working_on(catalog, state) as services:
        found = await data(services, "FindRoleHolders", role=name)
    assert found["rows"] == [["user", "ob@acme.example", name, "invited", "project", name]]

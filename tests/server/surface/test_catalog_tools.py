"""Search and describe as an agent sees them."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest

from benchmarks.retrieval import own_queries
from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.server.surface.catalog_tools import Hub, index_of
from descope_mcp.store.store import Store

#: Bytes of the text of an answer.
SEARCH_MEDIAN, DESCRIBE_MEDIAN, OVERVIEW_LARGEST = 1_000, 770, 5_000


def hub(catalog: Catalog, policy: Policy | None = None) -> Hub:
    client = Client("http://127.0.0.1", Credentials(), catalog.errors)
    store = Store(Path("unused"), Path("unused"))
    return Hub(Services(catalog, client, policy or Policy(), store), index_of(catalog))


def text(result: types.CallToolResult) -> str:
    (part,) = result.content
    assert isinstance(part, types.TextContent)
    return part.text


def page(result: types.CallToolResult) -> dict[str, Any]:
    assert result.structured_content is not None
    (one,) = result.structured_content["pages"]
    assert isinstance(one, dict)
    return one


def test_a_search_names_the_alternatives_and_why(catalog: Catalog) -> None:
    found = text(hub(catalog).search({"query": "delete a user", "limit": 1}))
    assert found.startswith("[destructive] DeleteUser(loginId | userId) - Delete a user")
    assert "UpdateUserStatus: the status disabled stops sign-ins and can be undone" in found
    assert "DeleteUsers: " in found


def test_required_arguments_come_first_with_their_types(catalog: Catalog) -> None:
    found = text(hub(catalog).search({"query": "SetUserTemporaryPassword", "limit": 1}))
    assert "SetUserTemporaryPassword(loginId: string, password: string" in found


def test_what_the_policy_denies_is_found_and_marked(catalog: Catalog) -> None:
    read_only = hub(catalog, Policy(read_only=True))
    found = text(read_only.search({"query": "create a tenant", "limit": 1}))
    assert "CreateTenant(" in found
    assert "(denied: " in found


def test_a_search_says_by_which_arguments_a_call_is_worse_or_asked_about(
    catalog: Catalog,
) -> None:
    found = text(hub(catalog).search({"query": "PatchUser disable status", "limit": 1}))
    assert found.startswith("[write; destructive with status: disabled or ")
    assert "PatchUser(loginId: string, status?: string, " in found
    assert "asks a person unless only loginId" in found
    assert "left-out fields stay" in found


def test_the_arguments_that_the_query_is_about_come_first(catalog: Catalog) -> None:
    query = "list users with role editor in tenant acme"
    found = text(hub(catalog).search({"query": query, "limit": 1}))
    assert found.startswith("[read] SearchUsers(tenantRole")


def test_one_and_several_name_each_other(catalog: Catalog) -> None:
    pairs = [
        (name, several)
        for name in catalog
        for several in (f"{name}s", f"{name}Batch", f"{name[:-1]}ies", f"Batch{name}s")
        if several in catalog
    ]
    assert len(pairs) > 15
    for pair in pairs:
        for name, other in (pair, reversed(pair)):
            found = text(hub(catalog).search({"query": name, "limit": 1}))
            assert other in found, (name, other)


def test_answers_are_small(catalog: Catalog) -> None:
    one = hub(catalog)
    found = [len(text(one.search({"query": q.text})).encode()) for q in own_queries()]
    assert statistics.median(found) <= SEARCH_MEDIAN
    pages = [len(text(one.describe({"names": [name]}))) for name in catalog]
    assert statistics.median(pages) <= DESCRIBE_MEDIAN
    overviews = [len(text(one.describe({"names": [t.name]}))) for t in catalog.toolsets]
    assert max(overviews) <= OVERVIEW_LARGEST


def test_a_page_says_what_a_call_does_and_how_it_is_undone(catalog: Catalog) -> None:
    said = page(hub(catalog).describe({"names": ["DeactivateAccessKey"]}))
    assert said["arguments"] == ["id: AccessKey.id"]
    assert said["references"] == ["AccessKey: SearchAccessKeys"]
    assert said["undoneBy"] == ["ActivateAccessKey"]
    assert said["confirmation"] == "asks a person"
    assert not {"inputSchema", "endpoint", "examples", "preview", "hazards"}.intersection(said)


def test_what_does_not_decide_a_call_is_shown_with_the_schema(catalog: Catalog) -> None:
    one = hub(catalog)
    said = page(one.describe({"names": ["DeactivateAccessKey"], "schema": True}))
    assert said["confirmation"].startswith("asks a person (")
    assert said["examples"]
    assert {"endpoint", "preview"} <= {*said}
    # How an object is written is seen in an example alone.
    shown = page(one.describe({"names": ["SearchUsers"]}))["examples"]
    assert '"tenantRoleNames": {"globex": {"values": ' in shown[0]
    tenant = page(one.describe({"names": ["DeleteTenant"]}))
    assert tenant["undoneBy"][-1] == f"+{len(catalog['DeleteTenant'].undone_by) - 3} more"


def test_a_page_says_what_a_read_never_tells_and_what_empty_means(catalog: Catalog) -> None:
    said = page(hub(catalog).describe({"names": ["SearchAccessKeys"]}))
    assert said["notInIt"] == ["when a key was last used is told nowhere, in the audit log neither"]
    assert "expireTime: never expires" in said["emptyMeans"]
    deleted = page(hub(catalog).describe({"names": ["DeleteTenant"]}))
    assert "descope_plan with check: true" in deleted["foresee"]
    # How often a value occurs is counted in fields, and an example shows it.
    shown = page(hub(catalog).describe({"names": ["SearchUsers"]}))["examples"]
    assert any("fields: count_by(users, &userTenants[].tenantId)" in one for one in shown)


def test_the_hub_s_own_tools_are_explained(catalog: Catalog) -> None:
    plan = page(hub(catalog).describe({"names": ["descope_plan"]}))
    told = " ".join(plan["more"])
    for part in ("for_each", "$each", "answers/NAME", "check: true", "resume", "descope_undo"):
        assert part in told
    assert "  A step is " in text(hub(catalog).describe({"names": ["descope_plan"]}))
    read = page(hub(catalog).describe({"names": ["descope_read"]}))
    assert "count_by(list, &expression)" in " ".join(read["more"])
    denied = hub(catalog, Policy(read_only=True)).describe({"names": ["descope_plan"]})
    assert "error" in page(denied)


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("InviteUser", "CreateUser ("),
        ("BlockUser", "UpdateUserStatus ("),
        ("RemoveUser", "DeleteUser ("),
        ("AssignRole", "UpdateUserAddRoles ("),
    ],
)
def test_a_name_that_there_is_not_leads_to_what_its_words_ask_for(
    catalog: Catalog, asked: str, first: str
) -> None:
    said = page(hub(catalog).describe({"names": [asked]}))["error"]
    assert said.startswith(f"unknown; the nearest: {first}")
    # A deletion is told to those alone who ask for one.
    assert ("Delete" in said) is (asked == "RemoveUser")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("PatchUsers", "PatchUserBatch"),
        ("BatchCreateUsers", "CreateUsers"),
        ("bulk_delete_users", "DeleteUsers"),
    ],
)
def test_several_objects_are_named_in_many_ways(catalog: Catalog, written: str, meant: str) -> None:
    assert page(hub(catalog).describe({"names": [written]}))["name"] == meant


def test_each_of_several_wishes_is_answered_before_the_rest(catalog: Catalog) -> None:
    query = (
        "create tenant with self provisioning domains, create tenant role with permissions, "
        "set tenant default roles, invite users to tenant"
    )
    found = hub(catalog).search({"query": query})
    assert found.structured_content is not None
    names = [row["name"] for row in found.structured_content["operations"]]
    wished = {"CreateTenant", "CreateRole", "UpdateTenantDefaultRoles", "CreateUser"}
    assert set(names[:4]) == wished


def test_an_operation_and_a_reference_are_told_once_in_an_answer(catalog: Catalog) -> None:
    asked = ["UpdateUserAddTenant", "UpdateUserRemoveTenant", "PatchUser", "patch_user"]
    answer = hub(catalog).describe({"names": asked})
    assert answer.structured_content is not None
    first, second, third, again = answer.structured_content["pages"]
    assert (first["references"], "references" in second) == (["Tenant: SearchTenants"], False)
    assert "Tenant: SearchTenants" not in third["references"]
    assert again == {"asked": "patch_user", "name": "PatchUser", "title": "as above"}
    assert text(answer).count("Changes the given fields of one user") == 1


def test_a_page_says_what_is_left_out_and_what_a_call_can_hold(catalog: Catalog) -> None:
    one = hub(catalog)
    said = page(one.describe({"names": ["PatchUserBatch"]}))
    assert said["class"].startswith("write; destructive with ")
    assert said["leftOut"] == "What is left out stays as it is."
    assert "20,000 characters" in said["atOnce"]
    assert page(one.describe({"names": ["ImportTheme"]}))["existing"]
    assert "atOnce" not in page(one.describe({"names": ["PatchUser"]}))


def test_the_schema_is_given_on_request(catalog: Catalog) -> None:
    said = page(hub(catalog).describe({"names": ["LoadTenant"], "schema": True}))
    assert said["inputSchema"] == catalog["LoadTenant"].input_schema


def test_with_the_schema_the_text_shows_what_is_folded(catalog: Catalog) -> None:
    asked = {"names": ["CreateUser"]}
    assert "pbkdf2_sha256" not in text(hub(catalog).describe(asked))
    assert "pbkdf2_sha256" in text(hub(catalog).describe({**asked, "schema": True}))


def test_what_an_object_is_used_by_is_told_with_the_read(catalog: Catalog) -> None:
    said = page(hub(catalog).describe({"names": ["DeleteJwtTemplate"]}))
    assert "McpServer (userTemplateId, keyTemplateId): LoadAllMcpServers" in said["usedBy"]
    deleted = page(hub(catalog).describe({"names": ["DeleteTenant"]}))
    # What the read cannot be called without is named with it.
    assert (
        "McpServerClient (allowedTenants): SearchMcpServerClients(mcpServerId)" in deleted["usedBy"]
    )
    changed = {"names": ["UpdateTenant"]}
    assert "usedBy" not in page(hub(catalog).describe(changed))
    assert "usedBy" in page(hub(catalog).describe({**changed, "schema": True}))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("DeleteUsr", "DeleteUser"),
        ("create_access_key", "CreateAccessKey"),
        ("loadtenant", "LoadTenant"),
        ("POST /v1/mgmt/user/create", "CreateUser"),
    ],
)
def test_a_name_that_is_not_written_exactly_is_understood(
    catalog: Catalog, written: str, meant: str
) -> None:
    said = page(hub(catalog).describe({"names": [written]}))
    assert (said["name"], said["asked"]) == (meant, written)


def test_a_name_that_could_be_several_is_not_guessed(catalog: Catalog) -> None:
    said = page(hub(catalog).describe({"names": ["UpdateSSOApplication"]}))
    assert "the nearest: UpdateSSO" in said["error"]


def test_several_pages_at_once(catalog: Catalog) -> None:
    answer = hub(catalog).describe({"names": ["LoadUser", "tenants", "Nothing at all"]})
    assert answer.structured_content is not None
    user, tenants, nothing = answer.structured_content["pages"]
    assert user["name"] == "LoadUser"
    toolset = next(t for t in catalog.toolsets if t.name == "tenants")
    # What answers a whole question comes before the parts that it is made of.
    names = [one["name"] for one in tenants["operations"]]
    assert names == [*toolset.reports, *toolset.operations]
    assert "error" in nothing

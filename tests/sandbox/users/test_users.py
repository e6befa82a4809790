"""Users: what is kept, what is cleared, what is refused."""

from __future__ import annotations

import pytest

from descope_mcp.sandbox.engine.state import AUDITS, OUTBOX
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

GRACE = "grace.kim@globex.example"


async def test_a_new_user_is_invited_and_shows_defaults(client: Client) -> None:
    answer = await client.call("CreateUser", loginId="new@acme.example", phone="+1-555-555-5555")
    user = answer["user"]
    assert answer["created"]
    assert (user["status"], user["phone"]) == ("invited", "+15555555555")
    assert user["externalIds"] == user["loginIds"] == ["new@acme.example"]
    assert (user["userTenants"], user["OAuth"], user["password"]) == ([], {}, False)
    assert await client.error("CreateUser", 400, loginId="new@acme.example") == "E062107"


async def test_addresses_that_a_backend_gives_count_as_verified(client: Client) -> None:
    async def told(operation: str, **more: object) -> tuple[object, ...]:
        user = (await client.call(operation, loginId="ida@acme.example", **more))["user"]
        return tuple(user[f] for f in ("email", "verifiedEmail", "phone", "verifiedPhone"))

    # A login id that is an address is the user's, unless another is given.
    assert await told("CreateUser") == ("ida@acme.example", True, "", False)
    phone = "+15555550123"
    assert await told("PatchUser", phone=phone) == ("ida@acme.example", True, phone, True)
    unproven = await told("PatchUser", email="ida@b.example", verifiedEmail=False)
    assert unproven == ("ida@b.example", False, phone, True)
    assert await told("PatchUser", email="") == ("", False, phone, True)
    made = (await client.call("CreateUser", loginId="leo@acme.example", email=""))["user"]
    assert (made["email"], made["verifiedEmail"]) == ("", False)
    made = (await client.call("CreateUsers", users=[{"loginId": "mia@acme.example"}]))[
        "createdUsers"
    ]
    assert [(u["email"], u["verifiedEmail"]) for u in made] == [("mia@acme.example", True)]


async def test_unknown_users_roles_and_tenants(client: Client) -> None:
    assert await client.error("LoadUser", 404, loginId="nobody") == "E112102"
    new = {"loginId": "x@acme.example"}
    assert await client.error("CreateUser", 404, **new, roleNames=["Nope"]) == "E111403"
    tenants = [{"tenantId": "nope"}]
    assert await client.error("CreateUser", 404, **new, userTenants=tenants) == "E111104"
    assert await client.error("LoadUser", 404, loginId=new["loginId"]) == "E112102"


async def test_update_clears_what_is_left_out(client: Client) -> None:
    before = await client.user(GRACE)
    assert before["userTenants"]
    after = (await client.call("UpdateUser", loginId=GRACE, name="Grace"))["user"]
    for field in ("email", "phone", "userTenants", "customAttributes", "givenName"):
        assert not after[field], field
    for field in ("loginIds", "userId", "createdTime", "status"):
        assert after[field] == before[field], field


async def test_patch_keeps_null_and_clears_with_an_empty_list(client: Client) -> None:
    before = await client.user(GRACE)
    kept = await client.call("PatchUser", loginId=GRACE, name="G.", userTenants=None)
    assert kept["user"] == {**before, "name": "G."}
    cleared = await client.call("PatchUser", loginId=GRACE, userTenants=[])
    assert cleared["user"]["userTenants"] == []


async def test_batches_report_failures_under_200(client: Client) -> None:
    users = [{"loginId": "a@x.example"}, {"loginId": GRACE}, {"name": "without id"}]
    answer = await client.call("CreateUsers", users=users)
    assert [u["loginIds"] for u in answer["createdUsers"]] == [["a@x.example"]]
    assert [len(f["failure"]) > 0 for f in answer["failedUsers"]] == [True, True]


async def test_search_filters_and_pages(client: Client) -> None:
    everybody = await client.call("SearchUsers")
    assert everybody["total"] == len(everybody["users"]) == 24, "without the test user"
    assert (await client.call("SearchUsers", withTestUser=True, limit=1))["total"] == 25
    pages = [await client.call("SearchUsers", limit=10, page=n) for n in range(4)]
    assert [len(p["users"]) for p in pages] == [10, 10, 4, 0]
    assert [u for p in pages for u in p["users"]] == everybody["users"]
    for filters, total in (
        ({"roleNames": ["Support Agent"]}, 2),
        ({"tenantIds": ["umbra"]}, 4),
        ({"tenantIds": ["globex"], "statuses": ["disabled"]}, 1),
        ({"tenantRoleNames": {"globex": {"values": ["Viewer", "Billing"], "and": True}}}, 1),
        ({"text": "KIM"}, 1),
        ({"emails": [GRACE, "tara.singh@umbra.example"]}, 2),
        ({"customAttributes": {"department": ["Finance", "QA"]}}, 4),
        ({"verifiedEmail": False}, 3),
        ({"loginIds": []}, 24),
    ):
        assert (await client.call("SearchUsers", **filters))["total"] == total, filters


async def test_roles_in_a_tenant_need_membership_in_v1_only(client: Client) -> None:
    arguments = {"loginId": GRACE, "tenantId": "umbra", "roleNames": ["Viewer"]}
    assert await client.error("UpdateUserAddRolesV1", 400, **arguments) == "E011004"
    events = len(client.state.all(AUDITS))
    user = (await client.call("UpdateUserAddRoles", **arguments))["user"]
    assert len(client.state.all(AUDITS)) == events + 1
    (joined,) = (m for m in user["userTenants"] if m["tenantId"] == "umbra")
    assert (joined["tenantName"], joined["roleNames"]) == ("Umbra Labs", ["Viewer"])
    assert joined["permissions"] == ["projects.read", "reports.read"]
    # The project has no role of that name; another tenant's does not count.
    wrong = {**arguments, "roleNames": ["Analyst"]}
    assert await client.error("UpdateUserSetRoles", 404, **wrong) == "E111403"


async def test_what_sdks_call_otherwise_is_understood(client: Client) -> None:
    named = await client.call("UpdateUserDisplayName", loginId=GRACE, displayName="Grace")
    assert (named["user"]["name"], named["user"]["familyName"]) == ("Grace", "")
    user_id = named["user"]["userId"]
    await client.call("UpdateUserRemoveTrustedDevices", identifier=GRACE, deviceIds=["D1"])
    patched = await client.call("PatchUserBatch", users=[{"identifier": GRACE, "picture": "p"}])
    assert patched["patchedUsers"][0]["picture"] == "p"
    # Either id is good as a login id.
    assert (await client.user(user_id))["loginIds"] == [GRACE]
    await client.call("DeleteUser", loginId=user_id)
    assert await client.error("LoadUser", 404, loginId=GRACE) == "E112102"


async def test_the_last_login_id_stays(client: Client) -> None:
    assert await client.error("UpdateUserLoginID", 400, loginId=GRACE) == "E011004"
    changed = await client.call("UpdateUserLoginID", loginId=GRACE, newLoginId="grace@new.example")
    assert changed["user"]["loginIds"] == ["grace@new.example"]
    taken = {"loginId": "grace@new.example", "newLoginId": "tara.singh@umbra.example"}
    assert await client.error("UpdateUserLoginID", 400, **taken) == "E062107"


async def test_deleting_all_test_users_leaves_the_others(client: Client) -> None:
    await client.call("CreateTestUser", loginId="robot@acme.example")
    assert (await client.call("SearchTestUsers"))["total"] == 2
    assert await client.call("DeleteAllTestUsers") == {}
    left = await client.call("SearchUsers", withTestUser=True)
    assert left["total"] == 24


async def test_deleting_an_attribute_takes_its_values(client: Client) -> None:
    assert (await client.user(GRACE))["customAttributes"] == {"department": "Research"}
    left = await client.call("DeleteUserCustomAttribute", names=["department"])
    assert (left["total"], [a["name"] for a in left["data"]]) == ("2", ["plan", "crmId"])
    assert (await client.user(GRACE))["customAttributes"] == {}


async def test_credentials_show_only_as_yes_or_no(client: Client) -> None:
    user = await client.user(GRACE)
    await client.call("SetUserActivePassword", loginId=GRACE, password="Sup3rSecret!")
    device = {"descope": {"credentialId": "abc", "rpId": "acme.example"}}
    await client.call("ImportUserPasskeys", loginId=GRACE, devices=[device])
    shown = await client.user(GRACE)
    assert (shown["password"], shown["webauthn"]) == (True, True)
    assert "Sup3rSecret!" not in str(await client.call("SearchAudit"))
    by_user_id = {"loginId": user["userId"], "password": "x"}
    assert await client.error("SetUserActivePassword", 404, **by_user_id) == "E112102"
    await client.call("RemoveUserPasskeys", loginId=GRACE)
    assert (await client.call("ListUserPasskeys", loginId=GRACE)) == {"passkeys": []}


async def test_history_is_a_bare_list_in_v1(client: Client) -> None:
    box = client.sandbox
    headers = {"Authorization": f"Bearer {box.project_id}:{box.management_key}"}
    path = client.endpoints["UsersAuthHistory"].path
    assert (await client.http.post(path, json=["U1"], headers=headers)).json() == []
    grace = (await client.user(GRACE))["userId"]
    (latest, *_) = found = (await client.http.post(path, json=[grace], headers=headers)).json()
    assert latest["userId"] == grace
    assert latest["loginTime"] >= found[-1]["loginTime"]
    answer = await client.call("UsersAuthHistoryV2", userIds=[grace, "U1"])
    assert answer == {"usersAuthHistory": found}


async def test_invitations_go_to_the_outbox(client: Client) -> None:
    mail = {"loginId": "a@x.example", "email": "a@x.example", "phone": "+15550177"}
    await client.call("CreateUser", **mail)
    assert client.state.all(OUTBOX) == []
    await client.call("CreateUser", **{**mail, "loginId": "b"}, invite=True, inviteUrl="https://i")
    (sent,) = client.state.all(OUTBOX)
    assert (sent["channel"], sent["to"]) == ("email", "a@x.example")
    assert sent["data"]["link"].startswith("https://i?")
    users = [{**mail, "loginId": "c"}, {**mail, "loginId": "b"}]
    await client.call("CreateUsers", users=users, invite=True, sendMail=False, sendSMS=True)
    assert [m["channel"] for m in client.state.all(OUTBOX)] == ["email", "sms"]


async def test_a_search_from_a_time_finds_what_came_later(client: Client) -> None:
    user = await client.user(GRACE)
    created = user["createdTime"] * 1000

    async def found(**bounds: int) -> bool:
        texts = {name: str(bound) for name, bound in bounds.items()}
        users = (await client.call("SearchUsers", loginIds=[GRACE], **texts))["users"]
        return bool(users)

    assert await found(fromCreatedTime=created - 1)
    assert not await found(fromCreatedTime=created)
    assert await found(toCreatedTime=created)
    assert not await found(toCreatedTime=created - 1)


async def test_a_role_asked_for_by_id_is_that_role_and_none_of_its_name(client: Client) -> None:
    """In a tenant a name means the tenant's own role, and the project's where it has none."""
    project = (await client.call("CreateRole", name="Auditor"))["id"]
    own = (await client.call("CreateRole", name="Auditor", tenantId="globex"))["id"]
    await client.call("UpdateUserAddTenant", loginId=GRACE, tenantId="globex")
    given = {"loginId": GRACE, "tenantId": "globex", "roleNames": ["Auditor"]}
    await client.call("UpdateUserAddRoles", **given)

    async def holders(*ids: str, every_one: bool = False) -> int:
        wanted = {"globex": {"values": [*ids], "and": every_one}}
        total: int = (await client.call("SearchUsers", tenantRoleIds=wanted))["total"]
        return total

    assert (await holders(own), await holders(project)) == (1, 0)
    assert (await holders(own, project), await holders(own, project, every_one=True)) == (1, 0)
    assert await holders("no such id", every_one=True) == 0
    await client.call("DeleteRole", name="Auditor", tenantId="globex")
    assert await holders(project) == 0
    await client.call("UpdateUserAddRoles", **given)
    assert (await holders(project), await holders(own)) == (1, 0)

"""The recorder in front of another sandbox: its seed answers the same reads, without people."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest

from descope_mcp.api.passthrough import passthrough
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.sandbox.http.serve import listening, running
from descope_mcp.sandbox.recording.proxy import Answer, create_proxy
from descope_mcp.sandbox.recording.pseudonyms import Pseudonyms
from descope_mcp.sandbox.recording.recorder import Recorder
from descope_mcp.sandbox.seed_files.reading import read
from descope_mcp.sandbox.seed_files.writing import seed_text
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.sandbox.users.tables import USERS

pytestmark = pytest.mark.anyio

#: Of records, and of what is given again as it was. Tenants and roles that are only named come too.
READS: list[tuple[str, dict[str, Any]]] = [
    ("LoadAllTenants", {}),
    ("LoadAllRoles", {}),
    ("LoadAllPermissions", {}),
    ("SearchUsers", {"limit": 100}),
    ("LoadUser", {"loginId": "grace.kim@globex.example"}),
    ("SearchAccessKeys", {}),
    ("LoadTenant", {"id": "globex"}),
    ("SearchAudit", {"size": 5}),
    ("LoadAllSSOApplications", {}),
    ("ListDescopers", {}),
    ("UserCustomAttributes", {}),
    ("GetThirdPartyApplicationSecret", {"id": "chart"}),
]


class Client:
    """Calls operations by their names."""

    def __init__(self, http: httpx.AsyncClient, catalog: Catalog, credentials: str) -> None:
        self._http, self._catalog = http, catalog
        self._headers = {"Authorization": f"Bearer {credentials}"}

    async def send(self, name: str, arguments: Mapping[str, Any]) -> httpx.Response:
        operation = self._catalog[name]
        given: dict[str, Any] = (
            {"params": arguments} if operation.method == "GET" else {"json": arguments}
        )
        return await self._http.request(
            operation.method, operation.path, headers=self._headers, **given
        )


class Recording:
    """What was recorded, and what the service had answered."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.recorder = catalog, Recorder()
        self.answers: list[tuple[str, dict[str, Any], Any]] = []
        self.refused: httpx.Response | None = None
        self.text = ""
        self.people: list[str] = []
        self.secrets: list[str] = []
        self.project = ""


@pytest.fixture(scope="module")
async def recording(anyio_backend: str, catalog: Catalog) -> Recording:
    made = Recording(catalog)
    real = organisations.acme()
    app = next(a for a in real.export()["third_party_apps"] if a["secret"])
    made.secrets = [app["secret"], real.management_key]
    for user in real.all(USERS):
        made.people += [user["name"], *user["loginIds"], user["phone"], user["familyName"]]
    made.project = real.project_id
    async with (
        running(catalog.values(), real) as box,
        passthrough(box.url, 10) as send,
    ):

        async def forward(
            method: str, path: str, headers: Mapping[str, str], body: bytes
        ) -> Answer:
            return Answer(*await send(method, path, headers, body))

        proxy = create_proxy(catalog.values(), forward, made.recorder)
        async with (
            listening(proxy) as url,
            httpx.AsyncClient(base_url=url, verify=False) as http,
        ):
            client = Client(http, catalog, f"{box.project_id}:{box.management_key}")
            for name, arguments in READS:
                if name == "GetThirdPartyApplicationSecret":
                    arguments = {"id": app["id"]}
                answer = await client.send(name, arguments)
                assert answer.status_code == 200, (name, answer.text)
                made.answers.append((name, arguments, answer.json()))
            made.refused = await client.send("DeleteUser", {"loginId": "grace.kim@globex.example"})
            assert (await http.get("/v1/nothing")).status_code == 404
            foreign = await http.get("/v1/mgmt/tenant/all", headers={"Host": "evil.example"})
            assert foreign.status_code == 403
        assert real.find(USERS, name="Grace Kim"), "a change is not passed on"
    made.text = seed_text(made.recorder.state())
    return made


async def test_the_seed_answers_the_same_reads(recording: Recording, tmp_path: Path) -> None:
    seed = tmp_path / "recorded.yaml"
    seed.write_text(recording.text, encoding="utf-8")
    state = organisations.chosen(str(seed), recording.catalog)()
    assert state.project_id == recording.project
    replaced = recording.recorder.pseudonyms.replaced
    async with (
        running(recording.catalog.values(), state) as box,
        httpx.AsyncClient(base_url=box.url, verify=False) as http,
    ):
        client = Client(http, recording.catalog, f"{box.project_id}:{box.management_key}")
        for name, arguments, heard in recording.answers:
            answer = await client.send(name, replaced(arguments))
            assert answer.status_code == 200, (name, answer.text)
            expected = replaced(heard)
            if name == "GetThirdPartyApplicationSecret":
                expected = {"cleartext": "[sealed]"}
            assert answer.json() == expected, name
        # It goes on from there: what was recorded as records can be changed.
        user = (await client.send("SearchUsers", {"limit": 1})).json()["users"][0]
        gone = await client.send("DeleteUser", {"userId": user["userId"]})
        assert gone.status_code == 200
        found = await client.send("LoadUser", {"userId": user["userId"]})
        assert found.status_code == 404


def _stands(mark: str, text: str) -> bool:
    """Whether it is a word of the text; within an id that is drawn, three letters mean nothing."""
    return bool(re.search(rf"(?<!\w){re.escape(mark)}(?!\w)", text))


async def test_nobody_and_no_secret_is_in_it(recording: Recording) -> None:
    people = [mark for mark in recording.people if mark]
    assert len(people) > 70
    assert [mark for mark in people if _stands(mark, recording.text)] == []
    assert [secret for secret in recording.secrets if secret in recording.text] == []
    for mark in ("198.51.100.", "203.0.113.", "MacBook", "Research"):
        assert mark not in recording.text, mark
    assert "person-1@" in recording.text
    assert "globex.example" in recording.text, "which the tenant goes by"


async def test_only_reads_are_passed_on(recording: Recording) -> None:
    assert recording.refused is not None
    assert recording.refused.status_code == 403
    assert "DeleteUser is not a read" in recording.refused.json()["errorMessage"]


def test_what_is_only_named_is_there_by_name() -> None:
    recorder = Recorder()
    user = {"userId": "U2x", "loginIds": ["zoe@x.example"], "email": "zoe@x.example", "name": "Zoe"}
    held = [{"tenantId": "T2x", "roleNames": ["Keeper"], "tenantName": "X", "permissions": []}]
    recorder.hear("LoadUser", {}, {"user": {**user, "userTenants": held, "unheardOf": 1}})
    state = recorder.state()
    exported = state.export()
    assert [one["id"] for one in exported["tenants"]] == ["T2x"]
    assert "Keeper" in [role["name"] for role in exported["roles"]]
    (kept,) = exported["users"]
    assert kept["userTenants"] == [{"tenantId": "T2x", "roleNames": ["Keeper"]}]
    assert not _stands("Zoe", json.dumps(exported))
    assert "unheardOf" not in kept


def person(user_id: str, login: str = "zoe@x.example", **more: Any) -> dict[str, Any]:
    return {"userId": user_id, "loginIds": [login], "email": login, **more}


def test_what_was_made_again_takes_the_place_of_what_it_was(
    catalog: Catalog, tmp_path: Path
) -> None:
    recorder = Recorder()
    recorder.hear("LoadAllRoles", {}, {"roles": [{"id": "R1", "name": "Keeper"}]})
    first = {"users": [person("U1", TOTP=True), person("U2", "ben@x.example")]}
    recorder.hear("SearchUsers", {}, first)
    recorder.hear("LoadAllRoles", {}, {"roles": [{"id": "R2", "name": "Keeper"}]})
    held = [{"tenantId": "T1", "roleNames": ["Keeper"]}]
    recorder.hear("LoadUser", {}, {"user": person("U3", userTenants=held)})
    seed = tmp_path / "seed.yaml"
    seed.write_text(seed_text(recorder.state()), encoding="utf-8")
    loaded = read(seed, catalog, organisations.SEEDS)().export()
    assert {one["userId"] for one in loaded["users"]} == {"U2", "U3"}
    assert {one["userId"] for one in loaded["credentials"]} == {"U2", "U3"}
    assert [one["id"] for one in loaded["roles"] if one["name"] == "Keeper"] == ["R2"]
    assert recorder.left_out == {}


def test_what_does_not_fit_is_left_out_and_named() -> None:
    recorder = Recorder()
    recorder.hear("LoadUser", {}, {"user": person("U1", name="Zoey")})
    # Without the name of a person the two are one.
    roles = [{"id": "R1", "name": "Zoey"}, {"id": "R2", "name": "Person 1"}]
    recorder.hear("LoadAllRoles", {}, {"roles": roles})
    odd = person("U3", "odd@x.example", userTenants=["T1"])
    listed: Any = [{"userId": "U2", "loginIds": [["x"]]}, odd]
    recorder.hear("SearchUsers", {}, {"users": listed})
    kept = recorder.state().export()
    assert [*recorder.left_out] == [("users", "U2"), ("roles", "R1")]
    assert [one["userId"] for one in kept["users"]] == ["U1", "U3"]
    assert "R2" in [one["id"] for one in kept["roles"]]


def test_a_tenant_that_is_only_named_takes_no_name_away() -> None:
    recorder = Recorder()
    recorder.hear("LoadAllTenants", {}, {"tenants": [{"id": "T2", "name": "T1"}]})
    member = person("U1", userTenants=[{"tenantId": "T1", "roleNames": []}])
    recorder.hear("LoadUser", {}, {"user": member})
    assert [one["id"] for one in recorder.state().export()["tenants"]] == ["T2", "T1"]
    assert recorder.left_out == {}


def test_half_a_character_is_written(catalog: Catalog, tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.hear("LoadAllTenants", {}, {"tenants": [{"id": "T1", "name": "a\ud800b"}]})
    recorder.hear("ListFlows", {}, {"flows": [{"\udfff": "\U0001f600"}]})
    seed = tmp_path / "seed.yaml"
    seed.write_text(seed_text(recorder.state()), encoding="utf-8")
    loaded = read(seed, catalog, organisations.SEEDS)().export()
    assert loaded["tenants"][0]["name"] == "a\ufffdb"
    assert loaded["recorded_answers"][0]["answer"] == {"flows": [{"\ufffd": "\U0001f600"}]}


def test_a_secret_is_known_by_its_name_whatever_its_form() -> None:
    secrets = [f"opaque-{number}" for number in range(9)]
    s = iter(secrets)
    answer = {
        "headers": {"X-Api-Key": next(s), "Authorization": f"Bearer {next(s)}"},
        "token": next(s),
        "secretKey": next(s),
        "clientSecrets": [next(s), {"current": next(s)}],
        "password": {"hash": {"salt": next(s)}, "rounds": 421_337},
        "header": {"name": "x-api-key", "value": next(s)},
        "body": json.dumps({"auth": {"apiKey": next(s)}}),
        "tokenUrl": "https://idp.example/token",
        "sessionTokenExpiration": 30,
    }
    recorder = Recorder()
    recorder.hear("ListConnectors", {}, answer)
    claims = {"upstream": "opaque-claim", "level": 421_337}
    key = {"id": "K1", "name": "ci", "customClaims": claims}
    recorder.hear("LoadAccessKey", {}, {"key": key})
    text = seed_text(recorder.state())
    assert [one for one in (*secrets, "opaque-claim", "421337") if one in text] == []
    assert "upstream: value 1" in text
    assert "https://idp.example/token" in text
    assert "sessionTokenExpiration: 30" in text


def test_a_person_of_scim_is_one() -> None:
    bob = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "U2bob",
        "userName": "bob",
        "externalId": "e-4711",
        "name": {"givenName": "Robert", "familyName": "Oppenheim", "formatted": "Bob Oppenheim"},
        "displayName": "Bobby O.",
        "emails": [{"value": "bob@intranet", "primary": True}],
        "phoneNumbers": [{"value": "030 7654321", "type": "work"}],
        "photos": [{"value": "https://img.example/oppenheim.png"}],
        "addresses": [{"formatted": "Hauptstrasse 1"}],
        "attributes": {"nick": "Oppi"},
        "meta": {"resourceType": "User", "location": "/scim/v2/Users/U2bob"},
    }
    group = {
        "displayName": "Physicists",
        "id": "R2x",
        "members": [{"value": "U2bob", "display": "Bobby O."}, {"value": "U3", "display": "Lise"}],
    }
    recorder = Recorder()
    asked = {"filter": 'userName eq "bob"'}
    recorder.hear("SearchSCIMUsers", asked, {"totalResults": 1, "Resources": [bob]})
    recorder.hear("LoadSCIMUser", {"userId": "U2bob"}, bob)
    recorder.hear("LoadSCIMGroup", {"groupId": "R2x"}, group)
    note = {"flows": [{"description": "Lise and Robert: 030 7654321, (030) 7654321"}]}
    recorder.hear("ListFlows", {}, note)
    text = seed_text(recorder.state())
    marks = ["Robert", "Oppenheim", "Bob", "bob@", "7654321", "oppenheim", "Hauptstr", "Oppi"]
    assert [one for one in (*marks, "e-4711", "Lise", '"bob"') if one in text] == []
    # What is about no person stays, and what refers to one still does.
    for kept in ("U2bob", "Physicists", "core:2.0:User", "resourceType: User"):
        assert kept in text, kept
    assert 'userName eq "Person 1 5"' in text
    assert "userName: Person 1 5" in text


def test_a_number_is_known_however_it_is_written() -> None:
    recorder = Recorder()
    user = person("U1", phone="+49 301 234567", recoveryPhone="(040) 99-88-776")
    recorder.hear("LoadUser", {}, {"user": user})
    said = "call +49301234567 or (030) 123-4567, +1 (212) 555.0199; build 20240101 of 10.12.2024"
    recorder.hear("ListFlows", {}, {"flows": [{"description": said}]})
    recorder.hear("SearchUsers", {"phones": ["+49301234567"]}, {"users": []})
    exported = recorder.state().export()
    ((user,), answers) = exported["users"], exported["recorded_answers"]
    assert (user["phone"], user["recoveryPhone"]) == ("+15550000000", "+15550000001")
    (flows,) = [one["answer"]["flows"] for one in answers if "flows" in one["answer"]]
    assert flows[0]["description"] == (
        "call +15550000000 or +15550000002, +15550000003; build 20240101 of 10.12.2024"
    )


def test_a_mapping_of_attributes_is_nobody() -> None:
    recorder = Recorder()
    mapping = {"email": "mail", "name": "displayName", "phoneNumber": "mobile"}
    recorder.hear("LoadSSOSettings", {}, {"saml": {"userMapping": mapping}})
    assert recorder.state().export()["recorded_answers"][0]["answer"]["saml"]["userMapping"] == (
        mapping
    )


def test_the_work_grows_with_what_was_heard() -> None:
    def steps(people: int) -> int:
        users = [
            person(f"U{n}", f"u{n}@x.example", name=f"Ada Nr{n}", phone=f"+4930{n:07d}", nick=n)
            for n in range(people)
        ]
        listed = [f"ask Ada Nr{n}, u{n}@x.example or +4931{n:07d}" for n in range(people)]
        pseudonyms, count = Pseudonyms(), 0

        def counted(frame: FrameType, event: str, argument: Any) -> None:
            nonlocal count
            count += 1

        sys.setprofile(counted)
        try:
            pseudonyms.learn(users)
            pseudonyms.replaced([users, listed])
        finally:
            sys.setprofile(None)
        return count

    assert steps(400) < 5 * steps(100)


def test_a_mailbox_of_any_form_is_replaced() -> None:
    recorder = Recorder()
    marks = ["ann.roe@intranet", "jörgé@bücher.example", "o/neill@x.example"]
    users = [person(f"U{number}", mark) for number, mark in enumerate(marks)]
    recorder.hear("SearchUsers", {}, {"users": users})
    recorder.hear(
        "ListFlows", {}, {"flows": [{"description": f"ask {mark}"} for mark in marks[:2]]}
    )
    text = seed_text(recorder.state())
    assert [mark for mark in ("ann.roe", "jörg", "neill") if mark in text] == []
    assert "ask person-1@intranet" in text
    assert "ask person-2@bücher.example" in text

"""FGA and the older authz operations: schema language, checks, changes, backups."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

GRACE, HUGO, INES = (f"{n}@globex.example" for n in ("grace.kim", "hugo.silva", "ines.costa"))
ADA, DANIEL = "ada.okafor@acme.example", "daniel.weiss@acme.example"


def relation(text: str) -> dict[str, str]:
    """``doc:roadmap#owner@user:ann`` or ``...@group:g#member`` as a tuple."""
    on, _, to = text.partition("@")
    resource, _, name = on.partition("#")
    kind, _, resource_id = resource.partition(":")
    of, _, target = to.partition(":")
    target, _, member = target.partition("#")
    return {
        "resource": resource_id,
        "resourceType": kind,
        "relation": name,
        "target": target,
        "targetType": f"{of}#{member}" if member else of,
    }


async def check(client: Client, text: str, **context: Any) -> dict[str, Any]:
    call: dict[str, Any] = {"tuples": [relation(text)], "context": context, "computePaths": True}
    (result,) = (await client.call("Check", **call))["tuples"]
    return dict(result)


async def allowed(client: Client, *texts: str, **context: Any) -> list[bool]:
    tuples = [relation(text) for text in texts]
    answer = await client.call("Check", tuples=tuples, context=context)
    return [result["allowed"] for result in answer["tuples"]]


async def start(client: Client, body: str, *relations: str) -> None:
    await client.call("CreateFGASchema", dsl=f"model AuthZ 1.0\n{body}")
    if relations:
        await client.call("CreateFGARelations", tuples=[relation(r) for r in relations])


async def test_the_sample_is_decided_through_folders_groups_and_exclusions(client: Client) -> None:
    ids = {name: (await client.user(name))["userId"] for name in (GRACE, HUGO, INES, ADA, DANIEL)}
    ask = {
        f"doc:roadmap#can_view@user:{ids[GRACE]}": True,
        f"doc:roadmap#can_edit@user:{ids[GRACE]}": True,
        f"doc:roadmap#can_view@user:{ids[HUGO]}": False,
        f"doc:roadmap#can_edit@user:{ids[HUGO]}": True,
        f"doc:roadmap#can_view@user:{ids[INES]}": True,
        f"doc:roadmap#can_edit@user:{ids[INES]}": False,
        f"doc:annual-report#can_edit@user:{ids[ADA]}": True,
        f"doc:payroll#can_view@user:{ids[ADA]}": False,
        "folder:projects#editor@group:research#member": True,
    }
    assert await allowed(client, *ask) == list(ask.values())
    who = {"resource": "roadmap", "relationDefinition": "can_view", "namespace": "doc"}
    viewers = (await client.call("WhoCanAccess", **who))["targets"]
    assert sorted(viewers) == sorted([ids[GRACE], ids[INES], ids[ADA]])
    what = {"target": ids[DANIEL], "relationDefinition": "can_view", "namespace": "doc"}
    found = await client.call("WhatCanTargetAccessWithRelation", **what)
    assert sorted(found["resources"]) == ["annual-report", "payroll"]
    everything = (await client.call("WhatCanTargetAccess", target=ids[INES]))["relations"]
    assert {(r["resource"], r["relationDefinition"]) for r in everything} == {
        ("roadmap", "viewer"),
        ("roadmap", "can_view"),
    }


async def test_a_check_tells_why(client: Client) -> None:
    await start(
        client,
        "type user type team relation member: user "
        "type doc relation owner: user relation viewer: user | team#member",
        "doc:a#owner@user:ann",
        "doc:a#viewer@team:red#member",
        "team:red#member@user:ann",
    )
    direct = await check(client, "doc:a#owner@user:ann")
    assert direct["info"]["direct"] is True
    derived = await check(client, "doc:a#viewer@user:ann")
    steps = [step["tuple"] for step in derived["info"]["path"]["steps"]]
    assert steps == [
        relation("doc:a#viewer@team:red#member"),
        relation("team:red#member@user:ann"),
    ]
    assert derived["info"]["direct"] is False
    assert (await check(client, "doc:a#owner@user:bob"))["allowed"] is False
    assert (await check(client, "doc:a#owner@team:ann"))["allowed"] is False


async def test_operators_follow_parentheses(client: Client) -> None:
    await start(
        client,
        """
        type user
        type doc
          relation a: user
          relation b: user
          relation c: user
          permission union_first: (a | b) & c
          permission and_first: a | b & c
          permission without: (a | b) - c
        """,
        *("doc:x#a@user:a", "doc:x#a@user:ac", "doc:x#c@user:ac", "doc:x#b@user:bc"),
        *("doc:x#c@user:bc", "doc:x#b@user:b"),
    )
    expected = {
        "union_first": ["ac", "bc"],
        "and_first": ["a", "ac", "bc"],
        "without": ["a", "b"],
    }
    for name, users in expected.items():
        who = {"resource": "x", "relationDefinition": name, "namespace": "doc"}
        assert sorted((await client.call("WhoCanAccess", **who))["targets"]) == users, name


async def test_relations_that_lead_in_a_circle_end(client: Client) -> None:
    await start(
        client,
        "type user type folder relation parent: folder relation owner: user "
        "permission can_view: owner | parent.can_view",
        *("folder:a#parent@folder:b", "folder:b#parent@folder:a", "folder:b#owner@user:ann"),
    )
    texts = ["folder:a#can_view@user:ann", "folder:a#can_view@user:bob"]
    assert await allowed(client, *texts) == [True, False]


async def test_a_question_may_go_only_so_deep(client: Client) -> None:
    body = (
        "type user type folder relation parent: folder relation owner: user "
        "permission can_view: owner | parent.can_view"
    )
    chain = [f"folder:f{n}#parent@folder:f{n + 1}" for n in range(200)]
    await start(client, body, *chain, "folder:f50#owner@user:ann")
    assert await allowed(client, "folder:f0#can_view@user:ann") == [True]
    tuples = [relation("folder:f0#can_view@user:bob")]
    assert await client.error("Check", 400, tuples=tuples) == "E011004"


CONDITIONS = """
constraint office:IpRange("10.0.0.0/8")
constraint hours:NumRange(8, 18)
constraint adult:NumAtLeast
condition staff(mail string, level int) { mail.endsWith("@acme.example") && level >= 2 }
type user
type doc
  relation viewer: user with office
  relation editor: user
  permission can_view: viewer
  permission can_edit: editor with hours & office | viewer with staff
  permission can_share: editor with !office
  permission can_drink: editor with adult
"""


async def test_conditions_are_evaluated_when_checking(client: Client) -> None:
    await start(client, CONDITIONS, "doc:x#viewer@user:ann", "doc:x#editor@user:bob")

    async def ask(text: str, **context: Any) -> bool:
        return (await allowed(client, text, **context))[0]

    assert await ask("doc:x#can_view@user:ann", ip="10.1.2.3")
    assert not await ask("doc:x#can_view@user:ann", ip="192.0.2.1")
    assert await ask("doc:x#can_edit@user:bob", ip="10.0.0.1", num=9)
    assert not await ask("doc:x#can_edit@user:bob", ip="10.0.0.1", num=19)
    staff = {"ip": "10.0.0.1", "mail": "ann@acme.example"}
    assert await ask("doc:x#can_edit@user:ann", **staff, level=2), "conditions add up"
    assert not await ask("doc:x#can_edit@user:ann", **staff, level=1)
    assert not await ask("doc:x#can_edit@user:ann", **{**staff, "ip": "192.0.2.1"}, level=2)
    assert await ask("doc:x#can_share@user:bob", ip="192.0.2.1")
    assert not await ask("doc:x#can_share@user:bob", ip="10.0.0.1")
    assert await ask("doc:x#can_drink@user:bob", num=20, min=18)
    undecided = await check(client, "doc:x#can_share@user:bob")
    assert (undecided["allowed"], undecided["info"]["missingContext"]) == (False, ["ip"])
    assert undecided["info"]["conditional"] is True
    broken = await check(client, "doc:x#can_view@user:ann", ip="nonsense")
    assert (broken["allowed"], bool(broken["info"]["conditionalErr"])) == (False, True)


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ('hour >= 8 && hour < 18 && !("root" in names)', True),
        ("hour + 2 * 3 == 15 || names.size() > 9", True),
        ('names.contains("ann") && mail.startsWith("ann@") && mail.matches("x$")', False),
        ('ip.in_cidr("10.0.0.0/8") && hour in [8, 9]', True),
        ("unknown == 1 || hour == 9", True),
        ("unknown == 1 && hour == 9", False),
        ("mail * 1000000000 == mail", False),
        ("hour / 0 == 1", False),
        ("frobnicate(hour)", False),
    ],
)
async def test_expressions_of_conditions(client: Client, expression: str, holds: bool) -> None:
    declared = "hour int, names list, mail string, ip ipaddress, unknown int"
    await start(
        client,
        f"condition c({declared}) {{ {expression} }} "
        "type user type doc relation owner: user with c",
        "doc:a#owner@user:ann",
    )
    values = {"hour": 9, "names": ["ann"], "mail": "ann@acme.example", "ip": "10.1.1.1"}
    assert await allowed(client, "doc:a#owner@user:ann", **values) == [holds]


@pytest.mark.parametrize(
    ("dsl", "part"),
    [
        ("type user", "must begin with"),
        ("model AuthZ 1.0\ntype doc\n  relation owner: user", "unknown type user"),
        ("model AuthZ 1.0\ntype user # people", "line 2, column 11"),
        ("model AuthZ 1.0\ntype user\ntype user", "two types user"),
        ("model AuthZ 1.0\ntype doc\n  permission p: owner", "no relation or permission owner"),
        ("model AuthZ 1.0\ntype doc\n  permission p: a.b", "no relation a"),
        ("model AuthZ 1.0\ntype doc\n  relation owner: doc with late", "late is not expected"),
        ("model AuthZ 1.0\nconstraint x:Weather\n", "Weather is not a known constraint"),
        ("model AuthZ 1.0\ncondition x(a int) { a + }", "condition x"),
    ],
)
async def test_a_wrong_schema_is_refused_with_the_reason(
    client: Client, dsl: str, part: str
) -> None:
    for operation in ("DryRunSchema", "CreateFGASchema"):
        answer = await client.call(operation, 400, dsl=dsl)
        assert part in answer["errorMessage"]
    assert "type folder" in (await client.call("GetFGASchema"))["dsl"]


async def test_a_new_schema_takes_along_what_it_drops(client: Client) -> None:
    body = "type user type team relation member: user type doc relation owner: user "
    await start(
        client,
        f"{body} relation viewer: user relation editor: user permission see: owner",
        *("team:t#member@user:ann", "doc:a#owner@user:ann", "doc:a#viewer@user:ann"),
        "doc:a#editor@user:ann",
    )
    new = (
        "model AuthZ 1.0 constraint c:NumAtLeast(1) type user type doc relation owner: user with c"
        " relation editor: user | doc"
    )
    preview = (await client.call("DryRunSchema", dsl=new))["deletesPreview"]
    assert preview == {
        "hasDeletes": True,
        "types": ["team"],
        "relations": ["doc#viewer", "doc#editor"],
    }
    before = (await client.call("TargetsRelations", targets=["ann"]))["relations"]
    assert len(before) == 4, "a dry run deletes nothing"
    await client.call("CreateFGASchema", dsl=new)
    (left,) = (await client.call("TargetsRelations", targets=["ann"]))["relations"]
    assert (left["resource"], left["relationDefinition"]) == ("a", "owner")
    again = (await client.call("DryRunSchema", dsl=new))["deletesPreview"]
    assert again == {"hasDeletes": False, "types": [], "relations": []}


async def test_only_relations_of_the_schema_are_stored(client: Client) -> None:
    await start(client, "type user type doc relation owner: user permission see: owner")
    for wrong in ("doc:a#editor@user:x", "doc:a#owner@doc:b", "doc:a#see@user:x"):
        tuples = [relation("doc:a#owner@user:x"), relation(wrong)]
        assert await client.error("CreateFGARelations", 400, tuples=tuples) == "E114002"
    assert (await client.call("ResourceRelations", resource="a"))["relations"] == []


async def test_a_backup_brings_everything_back(client: Client) -> None:
    schema = (await client.call("GetFGASchema"))["dsl"]
    before = (await client.call("ResourceRelations", resource="roadmap"))["relations"]
    backup = (await client.call("CreateFGABackup"))["backupId"]
    shown = (await client.call("GetFGABackup", backupId=backup))["backup"]
    assert (shown["status"], shown["tupleCount"]) == ("completed", 13)
    await start(client, "type user type doc relation reader: user", "doc:new#reader@user:ann")
    auto = (await client.call("RestoreFGABackup", backupId=backup))["autoBackupId"]
    assert (await client.call("GetFGASchema"))["dsl"] == schema
    assert (await client.call("ResourceRelations", resource="roadmap"))["relations"] == before
    listed = (await client.call("ListFGABackups"))["backups"]
    assert [b["id"] for b in listed] == [auto, backup]
    await client.call("RestoreFGABackup", backupId=auto)
    assert await allowed(client, "doc:new#reader@user:ann") == [True]
    await client.call("DeleteFGABackup", backupId=backup)
    assert await client.error("GetFGABackup", 404, backupId=backup) == "E114005"


async def test_resources_have_names_and_can_be_searched(client: Client) -> None:
    identifiers = [{"resourceId": i, "resourceType": "doc"} for i in ("roadmap", "unknown")]
    found = await client.call("LoadResourcesDetails", resourceIdentifiers=identifiers)
    assert [d["displayName"] for d in found["resourcesDetails"]] == ["Roadmap"]
    mappable = await client.call("GetFGAMappableSchema", tenantId="globex", resourcesLimit="1")
    assert [m["type"] for m in mappable["mappableResources"]] == ["group", "folder", "doc"]
    assert all(len(m["resources"]) <= 1 for m in mappable["mappableResources"])
    query = {"type": "doc", "queries": ["REPORT", "pay"]}
    found = await client.call(
        "SearchFGAMappableResources", tenantId="globex", resourcesQueries=[query]
    )
    (docs,) = found["mappableResources"]
    assert {r["displayName"] for r in docs["resources"]} == {"Annual report", "Payroll"}


def child(kind: str, relation: str = "", target: str = "", namespace: str = "") -> dict[str, Any]:
    expression = {
        "neType": kind,
        "relationDefinition": relation,
        "relationDefinitionNamespace": namespace if relation else "",
        "targetRelationDefinition": target,
        "targetRelationDefinitionNamespace": namespace if target else "",
    }
    return {"nType": "child", "expression": expression}


def union(*children: dict[str, Any]) -> dict[str, Any]:
    return {"nType": "union", "children": list(children)}


LEGACY = {
    "name": "Files",
    "namespaces": [
        {
            "name": "org",
            "relationDefinitions": [
                {"name": "parent"},
                {
                    "name": "member",
                    "complexDefinition": union(
                        child("self"), child("relationLeft", "parent", "member", "org")
                    ),
                },
            ],
        },
        {
            "name": "folder",
            "relationDefinitions": [
                {"name": "parent"},
                {
                    "name": "owner",
                    "complexDefinition": union(
                        child("self"), child("relationRight", "parent", "owner", "folder")
                    ),
                },
                {
                    "name": "editor",
                    "complexDefinition": union(
                        child("self"), child("targetSet", target="owner", namespace="folder")
                    ),
                },
            ],
        },
    ],
}


def legacy(namespace: str, resource: str, name: str, **to: Any) -> dict[str, Any]:
    return {"resource": resource, "relationDefinition": name, "namespace": namespace, **to}


async def has(client: Client, *questions: tuple[str, str, str, str]) -> list[bool]:
    names = ("namespace", "resource", "relationDefinition", "target")
    queries = [dict(zip(names, q, strict=True)) for q in questions]
    answer = await client.call("HasRelations", relationQueries=queries)
    return [q["hasRelation"] for q in answer["relationQueries"]]


async def test_the_older_schema_is_decided_too(client: Client) -> None:
    await client.call("SaveSchema", schema=LEGACY, upgrade=True)
    people = {
        "targetSetResource": "acme",
        "targetSetRelationDefinition": "member",
        "targetSetRelationDefinitionNamespace": "org",
    }
    relations = [
        legacy("org", "lab", "parent", target="acme"),
        legacy("org", "lab", "member", target="ann"),
        legacy("folder", "root", "owner", **people),
        legacy("folder", "sub", "parent", target="root"),
        legacy("folder", "sub", "editor", query={"tenants": ["umbra"], "roles": ["Editor"]}),
    ]
    await client.call("CreateRelations", relations=relations)
    umar = (await client.user("umar.diallo@umbra.example"))["userId"]
    assert await has(
        client,
        ("org", "acme", "member", "ann"),
        ("folder", "sub", "owner", "ann"),
        ("folder", "sub", "editor", "ann"),
        ("folder", "root", "parent", "ann"),
    ) == [True, True, True, False]
    who = {"resource": "sub", "relationDefinition": "editor", "namespace": "folder"}
    assert "ann" in (await client.call("WhoCanAccess", **who))["targets"]
    assert await has(client, ("folder", "sub", "editor", umar)) == [False]
    await client.call("UpdateUserAddRoles", loginId=umar, roleNames=["Editor"])
    assert await has(client, ("folder", "sub", "editor", umar)) == [True]
    await client.call("DeleteRelationsForResources", resources=["lab"])
    assert await has(client, ("org", "acme", "member", "ann")) == [False]
    await client.call("DeleteResourceRelationsForResources", resources=["root"])
    assert (await client.call("ResourceRelations", resource="root"))["relations"] == []
    (left,) = (await client.call("TargetsRelations", targets=["root"]))["relations"]
    assert left["resource"] == "sub"


async def test_namespaces_and_definitions_one_by_one(client: Client) -> None:
    await client.call("SaveSchema", schema=LEGACY, upgrade=True)
    await client.call(
        "CreateRelations",
        relations=[
            legacy("folder", "a", "owner", target="ann"),
            legacy("org", "b", "member", target="ann"),
        ],
    )
    extra = {"name": "folder", "relationDefinitions": [{"name": "guest"}]}
    await client.call("SaveNamespace", namespace=extra)
    rename = {"relationDefinition": {"name": "boss"}, "namespace": "folder", "oldName": "owner"}
    await client.call("SaveRelationDefinition", **rename)
    schema = (await client.call("LoadSchema"))["schema"]
    folder = next(n for n in schema["namespaces"] if n["name"] == "folder")
    names = [d["name"] for d in folder["relationDefinitions"]]
    assert names == ["parent", "boss", "editor", "guest"]
    assert await has(client, ("folder", "a", "boss", "ann")) == [True]
    assert await has(client, ("folder", "a", "editor", "ann")) == [True]
    await client.call("DeleteRelationDefinition", name="boss", namespace="folder")
    await client.call("DeleteNamespace", name="org")
    assert (await client.call("TargetsRelations", targets=["ann"]))["relations"] == []
    await client.call("SaveSchema", schema={"name": "v2", "namespaces": []})
    schema = (await client.call("LoadSchema"))["schema"]
    assert (schema["name"], [n["name"] for n in schema["namespaces"]]) == ("v2", ["folder"])
    await client.call("DeleteSchema")
    assert (await client.call("LoadSchema"))["schema"]["namespaces"] == []


async def test_changes_since_a_time(client: Client) -> None:
    await start(client, "type user type doc relation owner: user")
    changed = await client.call("GetModified", since="0")
    assert changed["schemaChanged"] is True
    await client.call("CreateFGARelations", tuples=[relation("doc:a#owner@user:ann")])
    changed = await client.call("GetModified")
    assert "ann" in changed["targets"]
    assert "a" in changed["resources"]
    later = str(client.state.now_ms() + 60_000)
    assert (await client.call("GetModified", since=later)) == {
        "targets": [],
        "resources": [],
        "schemaChanged": False,
    }

"""What a replacing call leaves out is filled in, and what it changes is told value by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.build.openapi import Contract
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.replacement import targets
from descope_mcp.guard.policy.risk import assess
from descope_mcp.guard.preview.comparison.difference import UNKNOWN, Change, difference
from descope_mcp.guard.preview.comparison.merge import Merged, merge
from tests.guard.build import operation
from tests.guard.policy.cases import before_state
from tests.recorder import load_contract

#: How many of the 458 operations replace what is there.
REPLACES = 35
#: What names the target in a sample, where the preview's recipe does not: elements of a batch.
BATCHES = {"UpdateRoles": "roles", "UpdatePermissions": "permissions"}
#: The element of a batch belongs to the project, as the sample call says.
NOW = {"UpdateRoles": {"tenantId": ""}}

USER: dict[str, Any] = {
    "loginIds": ["ann", "ann@example.com"],
    "userId": "U1",
    "name": "Ann",
    "email": "ann@example.com",
    "phone": "",
    "verifiedEmail": True,
    "verifiedPhone": False,
    "roleNames": ["Editor"],
    "userTenants": [
        {"tenantId": "T1", "roleNames": ["Admin"], "tenantName": "Acme", "permissions": ["p"]}
    ],
    "customAttributes": {"plan": "free", "seats": 3},
    "picture": "",
    "givenName": "",
    "middleName": "",
    "familyName": "",
    "ssoAppIds": [],
    "status": "enabled",
    "recoveryEmail": "",
    "recoveryPhone": "",
    "verifiedRecoveryEmail": False,
    "verifiedRecoveryPhone": False,
}


@pytest.fixture(scope="module")
def spec() -> Contract:
    return load_contract()


def replacing(catalog: Catalog) -> list[Operation]:
    return [o for o in catalog.values() if o.update == "replace"]


def named(operation: Operation) -> dict[str, Any]:
    """A call that says what it is about and nothing else."""
    if operation.name in BATCHES:
        return {BATCHES[operation.name]: [{"name": "x1"}]}
    call: dict[str, Any] = {}
    for path in targets(operation):
        _put(call, path, "x1")
    return {name: v for name, v in call.items() if name in operation.input_schema["properties"]}


def _put(call: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        if parent.endswith("[]"):
            call = call.setdefault(parent[:-2], [{}])[0]
        else:
            call = call.setdefault(parent, {})
    call[last] = value


def leaves(operation: Operation) -> Iterator[tuple[str, Any]]:
    """Every argument that a call can set by itself, and a value that the sample does not hold."""
    others = {"string": "new", "integer": 7, "number": 7, "boolean": True}

    def below(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
        for name, inner in schema["properties"].items():
            here = f"{path}.{name}" if path else name
            place = operation.places.get(here)
            apart = operation.before.get(here) in ("option", "lock") or here in targets(operation)
            if apart or (place and place.where not in ("body", "query")):
                continue
            if f"{here}[]" in operation.before:
                yield from below(inner["items"], f"{here}[]")
            elif inner.get("properties") and here not in operation.whole:
                yield from below(inner, here)
            elif inner.get("type") in others:
                yield here, others[inner["type"]]

    yield from below(operation.input_schema, "")


def held(operation: Operation, catalog: Catalog, spec: Contract) -> Any:
    return before_state(operation, catalog, spec, NOW.get(operation.name, {}))


def lost(operation: Operation) -> set[str]:
    """What no read of this operation's preview returns."""
    return {path for path, source in operation.before.items() if source == "lost"}


def test_every_replace_that_says_only_its_target_changes_nothing(
    catalog: Catalog, spec: Contract
) -> None:
    for op in replacing(catalog):
        merged = merge(op, named(op), held(op, catalog, spec))
        changes = {c.path for c in merged.changes or ()}
        assert merged.changes is not None
        assert changes == lost(op), op.name
        problems = [e.message for e in op.validator.iter_errors(merged.arguments)]
        assert not [p for p in problems if "required" not in p], op.name
    assert len(replacing(catalog)) == REPLACES


def test_every_replace_of_one_field_changes_that_field_alone(
    catalog: Catalog, spec: Contract
) -> None:
    tried = 0
    for op in replacing(catalog):
        for path, value in leaves(op):
            call = named(op)
            _put(call, path, value)
            merged = merge(op, call, held(op, catalog, spec))
            changes = {c.path: c for c in merged.changes or ()}
            assert set(changes) == {path} | lost(op), (op.name, path)
            assert changes[path].after == value
            tried += 1
    assert tried > 250


def test_every_replace_sent_as_it_is_tells_what_it_clears_and_is_destructive(
    catalog: Catalog, spec: Contract
) -> None:
    for op in replacing(catalog):
        call = {**named(op), "replace": True}
        merged = merge(op, call, held(op, catalog, spec))
        assert (merged.arguments, merged.filled) == (call, ())
        risk = assess(op, merged.arguments, frozenset(), merged.changes)
        assert risk.effect == "destructive", op.name
        assert any(c.loses for c in merged.changes or ()), op.name


def test_the_switch_is_declared_where_it_counts_and_never_sent(catalog: Catalog) -> None:
    for op in catalog.values():
        declared = "replace" in op.input_schema["properties"]
        assert declared is (op.update == "replace")
        assert not declared or op.places["replace"].where == "guard"


def test_a_read_that_lacks_a_field_makes_the_call_strict(catalog: Catalog, spec: Contract) -> None:
    for op in replacing(catalog):
        for name in list(op.input_schema["properties"]):
            before = held(op, catalog, spec)
            if name not in before or name in targets(op) or name in op.before:
                continue
            del before[name]
            if op.input_schema["properties"][name].get("properties"):
                continue  # an object that is not set is left out of answers
            merged = merge(op, named(op), before)
            assert Change(name, UNKNOWN, None) in (merged.changes or ()), (op.name, name)
            assert assess(op, merged.arguments, frozenset(), merged.changes).effect == "destructive"


def user(catalog: Catalog, **given: Any) -> Merged:
    return merge(catalog["UpdateUser"], {"loginId": "ann", **given}, USER)


def test_a_user_is_completed_in_the_shape_of_the_request(catalog: Catalog) -> None:
    merged = user(catalog, name="Anna")
    assert merged.arguments == {
        "loginId": "ann",
        "name": "Anna",
        "additionalIdentifiers": ["ann@example.com"],
        "email": "ann@example.com",
        "verifiedEmail": True,
        "verifiedPhone": False,
        "verifiedRecoveryEmail": False,
        "verifiedRecoveryPhone": False,
        "roleNames": ["Editor"],
        "userTenants": [{"tenantId": "T1", "roleNames": ["Admin"]}],
        "customAttributes": {"plan": "free", "seats": 3},
        "status": "enabled",
    }
    assert merged.changes == (Change("name", "Ann", "Anna"),)
    assert check(catalog["UpdateUser"], merged.arguments) == merged.arguments


def test_no_login_id_is_lost_whichever_one_names_the_user(catalog: Catalog) -> None:
    op = catalog["UpdateUser"]
    for name, others in (("ann@example.com", ["ann"]), ("U1", ["ann", "ann@example.com"])):
        merged = merge(op, {"loginId": name}, USER)
        assert merged.arguments["additionalIdentifiers"] == others


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ({"name": ""}, Change("name", "Ann", "")),
        ({"roleNames": []}, Change("roleNames", ["Editor"], [], lost=("Editor",))),
        (
            {"roleNames": ["Editor", "Owner"]},
            Change("roleNames", ["Editor"], ["Editor", "Owner"], gained=("Owner",)),
        ),
        (
            {"userTenants": [{"tenantId": "T1", "roleNames": []}]},
            Change("userTenants[].roleNames", ["Admin"], [], lost=("Admin",), element="T1"),
        ),
        (
            {"customAttributes": {"plan": "paid", "seats": 3}},
            Change("customAttributes.plan", "free", "paid"),
        ),
        ({"customAttributes": {"plan": "free"}}, Change("customAttributes.seats", 3, None)),
    ],
)
def test_what_is_said_counts_even_if_it_is_empty(
    catalog: Catalog, given: dict[str, Any], change: Change
) -> None:
    merged = user(catalog, **given)
    assert merged.changes == (change,)
    assert merged.arguments.items() >= given.items()


def test_a_sealed_value_is_never_sent_back(catalog: Catalog) -> None:
    before = {**USER, "customAttributes": {"apiKey": "[sealed]", "plan": "x [sealed] y", "n": 1}}
    merged = merge(catalog["UpdateUser"], {"loginId": "ann"}, before)
    assert merged.arguments["customAttributes"] == {"n": 1}
    assert {(c.path, c.before, c.after) for c in merged.changes or ()} == {
        ("customAttributes.apiKey", UNKNOWN, None),
        ("customAttributes.plan", UNKNOWN, None),
    }
    assert assess(catalog["UpdateUser"], merged.arguments, frozenset(), merged.changes).effect == (
        "destructive"
    )


def test_a_secret_that_the_service_keeps_does_not_ask(catalog: Catalog, spec: Contract) -> None:
    op = catalog["UpdateOutboundApp"]
    before = {**held(op, catalog, spec), "clientSecret": "[sealed]"}
    renamed = merge(op, {"app": {"id": "x1", "name": "New"}}, before)
    assert "clientSecret" not in renamed.arguments["app"]
    assert [c.path for c in renamed.changes or ()] == ["app.name"]
    params = [{"key": "audience", "value": "[sealed]"}]
    merged = merge(op, {"app": {"id": "x1"}}, {**before, "tokenUrlParams": params})
    assert "tokenUrlParams" not in merged.arguments["app"]
    assert merged.changes == (Change("app.tokenUrlParams", UNKNOWN, None),)


def test_the_version_is_always_that_of_the_before_state(catalog: Catalog, spec: Contract) -> None:
    op = catalog["UpdateResource"]
    before = {**held(op, catalog, spec), "version": "9"}
    for given in ({}, {"version": "3"}):
        merged = merge(op, {"resource": {"id": "x1", **given}}, before)
        assert (merged.arguments["resource"]["version"], merged.changes) == ("9", ())


def test_numbers_are_spelt_as_the_request_spells_them(catalog: Catalog) -> None:
    before = {"template": {"id": "x", "version": 4, "name": "n", "modifiedTime": 12}}
    op = catalog["UpdateDynamicRegistrationTemplate"]
    merged = merge(op, {"template": {"id": "x"}}, before["template"])
    assert merged.arguments["template"]["modifiedTime"] == "12"
    settings = catalog["ConfigureTenantSettings"]
    merged = merge(settings, {"tenantId": "t"}, {"inactivityTime": "30", "domains": "not a list"})
    assert merged.arguments["inactivityTime"] == 30
    assert Change("domains", UNKNOWN, None) in (merged.changes or ())


def test_a_role_is_named_once(catalog: Catalog) -> None:
    before = {"id": "R1", "name": "Editor", "description": "", "permissionNames": ["p"],
              "tenantId": "", "default": False, "private": False}  # fmt: skip
    merged = merge(catalog["UpdateRole"], {"id": "R1", "description": "d"}, before)
    assert merged.arguments == {
        "id": "R1", "newName": "Editor", "description": "d", "permissionNames": ["p"],
        "default": False, "private": False,
    }  # fmt: skip
    assert "id" not in merge(catalog["UpdateRole"], {"name": "Editor"}, before).arguments


def test_each_element_of_a_batch_has_its_own_before_state(catalog: Catalog) -> None:
    facts = {"permissionNames": ["p"], "default": False, "private": False}
    before = [
        {"id": "1", "name": "Editor", "description": "a", "tenantId": "", **facts},
        {"id": "2", "name": "Editor", "description": "b", "tenantId": "T1", **facts},
        {"id": "3", "name": "Viewer", "description": "c", "tenantId": "", **facts},
    ]
    call = [{"name": "Viewer", "permissionNames": ["p", "q"]}, {"name": "Editor"}, {"name": "Nil"}]
    merged = merge(catalog["UpdateRoles"], {"roles": call}, before)
    viewer, editor, nil = merged.arguments["roles"]
    assert (viewer["description"], viewer["newName"], editor["description"]) == (
        "c", "Viewer", "a",
    )  # fmt: skip
    assert nil == {"name": "Nil"}
    assert merged.changes == (
        Change("roles[].permissionNames", ["p"], ["p", "q"], ("q",), (), "Viewer"),
        Change("roles[]", UNKNOWN, {"name": "Nil"}, element="Nil"),
    )


def test_roles_are_compared_where_they_are_set(catalog: Catalog) -> None:
    op = catalog["UpdateUserSetRoles"]
    for tenant, before, lost in (("T1", ["Admin"], "Admin"), ("T2", [], ""), ("", ["Editor"], "")):
        given = {
            "loginId": "ann",
            "roleNames": ["Editor"],
            **({"tenantId": tenant} if tenant else {}),
        }
        changes = merge(op, given, USER).changes
        expected = Change("roleNames", before, ["Editor"], ("Editor",), (lost,) if lost else ())
        assert changes == ((expected,) if before != ["Editor"] else ())


def test_sso_settings_are_found_under_their_other_names(catalog: Catalog) -> None:
    before = {
        "tenant": {"domains": ["acme.example"]},
        "saml": {
            "idpSSOUrl": "https://idp.example", "idpEntityId": "e", "idpCertificate": "c",
            "idpAdditionalCertificates": [], "redirectUrl": "https://app.example",
            "groupsMapping": [{"role": {"id": "R1", "name": "Admin"}, "groups": ["staff"]}],
        },
    }  # fmt: skip
    op = catalog["ConfigureSSOSAMLSettings"]
    merged = merge(op, {"tenantId": "t", "settings": {"entityId": "new"}}, before)
    assert merged.arguments == {
        "tenantId": "t",
        "settings": {
            "idpUrl": "https://idp.example", "entityId": "new", "idpCert": "c",
            "roleMappings": [{"groups": ["staff"], "roleName": "Admin"}],
        },
        "redirectUrl": "https://app.example",
        "domains": ["acme.example"],
    }  # fmt: skip


def test_without_a_before_state_nothing_is_filled_and_nothing_relaxed(catalog: Catalog) -> None:
    op = catalog["UpdateTenant"]
    call = {"id": "t", "name": "New"}
    for before in (None, [], [{"id": "t"}, {"id": "t"}], "text"):
        assert merge(op, call, before) == Merged(call)
    assert assess(op, call, frozenset(), None).effect == "destructive"


def test_a_patch_is_compared_and_not_completed(catalog: Catalog) -> None:
    call = {"loginId": "ann", "name": "Anna", "status": "enabled", "roleNames": None}
    merged = merge(catalog["PatchUser"], call, USER)
    assert merged == Merged(call, (), (Change("name", "Ann", "Anna"),))
    added = {"loginId": "ann", "roleNames": ["Owner"]}
    assert merge(catalog["UpdateUserAddRoles"], added, USER) == Merged(added)


def test_an_overwrite_is_compared_where_its_record_says_so(catalog: Catalog) -> None:
    call = {"loginId": "ann", "email": "new@example.com", "addToLoginIDs": True}
    merged = merge(catalog["UpdateUserEmailOtp"], call, {"email": "ann@example.com"})
    change = Change("email", "ann@example.com", "new@example.com")
    assert merged == Merged(call, (), (change,))
    texts = {"overrides": {"languages": {"en": {"a": "A"}}}, "flowId": "f"}
    before = {"overrides": {"languages": {"en": {"a": "A", "b": "B"}}}}
    merged = merge(catalog["ImportFlowLocalization"], texts, before)
    assert any(c.loses for c in merged.changes or ())


def test_a_tree_is_replaced_as_a_whole(catalog: Catalog) -> None:
    op = catalog["SaveRelationDefinition"]
    old = {"nType": "child", "expression": {"neType": "self"}}
    before = {"name": "doc", "relationDefinitions": [
        {"name": "owner", "complexDefinition": old, "conditionExpr": "c"},
        {"name": "viewer", "complexDefinition": {"nType": "union"}, "conditionExpr": ""},
    ]}  # fmt: skip
    new = {"nType": "union", "children": []}
    call = {"namespace": "doc", "relationDefinition": {"name": "owner", "complexDefinition": new}}
    merged = merge(op, call, before)
    sent = merged.arguments["relationDefinition"]
    assert (sent["complexDefinition"], sent["conditionExpr"]) == (new, "c")
    assert any(c.loses for c in merged.changes or ())


TEXTS = {"type": "array", "items": {"type": "string"}}
SCOPE = {"type": "object", "properties": {"name": {"type": "string"}, "values": TEXTS}}
WANTED = operation(
    arguments={
        "on": {"type": "boolean"},
        "names": TEXTS,
        "scopes": {"type": "array", "items": SCOPE},
        "free": {"type": "object"},
    }
).input_schema

# Before, after, what changes.
DIFFERENCES: list[tuple[dict[str, Any], dict[str, Any], list[Change]]] = [
    ({"on": False, "names": []}, {}, []),
    ({}, {"on": False, "names": [], "free": {}}, []),
    ({"on": True}, {"on": False}, [Change("on", True, False)]),
    ({"on": UNKNOWN}, {"on": False}, [Change("on", UNKNOWN, False)]),
    ({"names": ["a", "b"]}, {"names": ["b", "a"]}, [Change("names", ["a", "b"], ["b", "a"])]),
    ({"names": None}, {"names": ["a"]}, [Change("names", None, ["a"], ("a",))]),
    (
        {"scopes": [{"name": "a", "values": ["1"]}, {"name": "b"}]},
        {"scopes": [{"name": "b"}, {"name": "a", "values": ["1"]}]},
        [Change("scopes", [{"name": "a", "values": ["1"]}, {"name": "b"}],
                [{"name": "b"}, {"name": "a", "values": ["1"]}])],
    ),
    (
        {"scopes": [{"name": "a", "values": ["1"]}]},
        {"scopes": [{"name": "a", "values": ["1", "2"]}]},
        [Change("scopes[].values", ["1"], ["1", "2"], ("2",), (), "a")],
    ),
    (
        {"free": {"a": {"b": 1, "c": [1]}}},
        {"free": {"a": {"b": 2}}},
        [Change("free.a.b", 1, 2), Change("free.a.c", [1], None, (), (1,))],
    ),
    ({"free": {"a": {"b": 1}}}, {"free": {"a": "x"}}, [Change("free.a", {"b": 1}, "x")]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "changes"), DIFFERENCES)
def test_difference(before: Any, after: Any, changes: list[Change]) -> None:
    assert list(difference(WANTED, before, after)) == changes


def test_gaining_and_losing_is_seen_from_the_change() -> None:
    assert Change("free.a", {"b": 1}, "x").loses
    assert Change("n", 5, 0).loses
    assert not Change("n", 5, 6).loses
    assert not Change("on", True, False).loses
    assert not Change("names", ["a", "b"], ["b", "a"]).gains
    assert Change("x", UNKNOWN, None).loses
    assert Change("x", UNKNOWN, "y").loses
    assert Change("x", UNKNOWN, "y").gains

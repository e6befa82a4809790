"""A newer contract: every difference is named, and what nobody has looked at is denied."""

from __future__ import annotations

import copy
import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from descope_mcp.catalog.build.compile import compile_catalog
from descope_mcp.catalog.build.contract_update import draft, new_contract
from descope_mcp.catalog.build.contract_update.difference import Difference, difference
from descope_mcp.catalog.build.yaml_source import read_yaml
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.errors import SpecError
from descope_mcp.guard.policy.decision import Policy, worst
from tests.cli.processes import run
from tests.cli.test_scripts import lines
from tests.recorder import SPECS, load_contract

Document = dict[str, Any]
#: A schema that one operation alone refers to, so that a change of it is a change of that one.
_OWN = "OnlyHere"


@pytest.fixture(scope="module")
def published() -> Document:
    return new_contract.read_document(SPECS / "openapi.json")


def _compared(document: Document) -> tuple[Difference, list[str]]:
    later, unfit = new_contract.repaired(document, read_yaml(SPECS / "repairs.yaml"))
    return difference(load_contract(), later), unfit


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _own_body(document: Document, operation: Document, mended: str) -> Document | None:
    """The fields of an operation's body, in a schema that is its own from now on.

    None if there are none, or repairs are made below the present one.
    """
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    found = document["components"]["schemas"].get(name, {})
    if not found.get("properties") or f"{name} " in mended or f'{name}"' in mended:
        return None
    own = f"{_OWN}{operation['operationId']}"
    document["components"]["schemas"][own] = copy.deepcopy(found)
    content["schema"] = {"$ref": f"#/components/schemas/{own}"}
    fields: Document = document["components"]["schemas"][own]["properties"]
    return fields


def _seeded(document: Document, count: int, seed: int) -> dict[str, str]:
    """Make changes to as many operations; what is to be said of each, by its present name."""
    chosen = random.Random(seed)
    names = {e.key: e.name for e in load_contract().endpoints.values()}
    mended = json.dumps(read_yaml(SPECS / "repairs.yaml"))
    places = [(p, m, o) for p, m, o in _operations(document) if f"{m.upper()} {p}" in names]
    # What repairs speak of has a name of its own there.
    places = [one for one in places if f"{one[1].upper()} {one[0]}" not in mended]
    places = [one for one in places if f"paths > {one[0]} " not in mended]
    expected: dict[str, str] = {}
    for path, method, operation in chosen.sample(places, len(places)):
        if len(expected) == count:
            break
        name = names[f"{method.upper()} {path}"]
        match len(expected) % 6:
            case 0:
                del document["paths"][path][method]
                expected[name] = "removed"
            case 1:
                moved = document["paths"].setdefault(f"{path}/v2", {})
                moved[method] = document["paths"][path].pop(method)
                key = f"{method.upper()} {path}"
                expected[name] = f"is at {key}/v2, was {key}"
            case 2:
                added = copy.deepcopy(operation) | {"operationId": f"{name}Newly"}
                document["paths"].setdefault(f"{path}/newly", {})[method] = added
                expected[f"{name}Newly"] = "added"
            case kind:
                fields = _own_body(document, operation, mended)
                # One that the path or query has too is called otherwise in the body.
                others = {one["name"] for one in operation.get("parameters", ())}
                if not fields or fields.keys() <= others:
                    continue
                field = chosen.choice(sorted(fields.keys() - others))
                if kind == 3:
                    fields["seeded"] = {"type": "boolean"}
                    expected[name] = "argument seeded is new: boolean in the body"
                elif kind == 4:
                    del fields[field]
                    expected[name] = f"argument {field} is gone"
                else:
                    fields[field] = {"type": "string", "enum": ["seeded"]}
                    expected[name] = f"argument {field} is string of seeded in the body"
    assert len(expected) == count
    return expected


def test_the_contract_itself_is_no_different(published: Document) -> None:
    found, unfit = _compared(published)
    assert not found
    assert unfit == []


@pytest.mark.parametrize("seed", range(3))
def test_of_a_hundred_changes_each_is_named_and_nothing_else(
    published: Document, seed: int
) -> None:
    document = copy.deepcopy(published)
    expected = _seeded(document, 100, seed)
    found, unfit = _compared(document)
    assert unfit == []
    told: dict[str, tuple[str, ...]] = {**found.changed}
    told |= dict.fromkeys(found.added, ("added",)) | dict.fromkeys(found.removed, ("removed",))
    assert told.keys() == expected.keys()
    for name, text in expected.items():
        assert any(line.startswith(text) for line in told[name]), (name, text, told[name])
        assert len(told[name]) == 1, told[name]


def test_records_and_all_that_speaks_of_them_are_found(published: Document) -> None:
    document = copy.deepcopy(published)
    del document["paths"]["/v1/mgmt/tenant/delete"]
    found, _ = _compared(document)
    places = new_contract.mentions(found, SPECS)["DeleteTenant"]
    assert places[0].startswith("operations/tenants.yaml:")
    assert any(place.startswith("meanings.yaml:") for place in places)
    for place in places:
        file, _, line = place.partition(":")
        assert "DeleteTenant" in (SPECS / file).read_text().splitlines()[int(line) - 1]


def test_a_repair_whose_defect_is_gone_is_told(published: Document) -> None:
    document = copy.deepcopy(published)
    repairs = read_yaml(SPECS / "repairs.yaml")
    repair = next(one for one in repairs if one.get("remove"))
    method, path = repair["remove"][0].split(" ")
    del document["paths"][path][method.lower()]
    found, unfit = _compared(document)
    assert not found
    assert [repair["name"] in text and path in text for text in unfit] == [True]


def test_yaml_is_read_too_and_what_is_no_contract_is_refused(
    published: Document, tmp_path: Path
) -> None:
    small = {"openapi": "3.0.3", "paths": {}, "components": {"schemas": {}}}
    file = tmp_path / "contract.yaml"
    file.write_text("\ufeffopenapi: 3.0.3\npaths: {}\ncomponents: {schemas: {}}\n")
    assert new_contract.read_document(file) == small
    for text in ("", "[]", "{", "paths: 1", "openapi: 3.0.3\n"):
        file.write_text(text)
        with pytest.raises(SpecError, match=r"contract\.yaml"):
            new_contract.read_document(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "levels deep"),
        ('{"paths": ' * 100_000, "levels deep"),
        ('{"paths": {}, "components": {"schemas": {"A": ' + '{"items": ' * 200, "JSON"),
        ("paths: {}\ncomponents: {schemas: &a {A: *a}}\n", "holds itself"),
        ("- " * 100_000 + "1", "levels deep"),
        ("paths: {}\npaths: {}\n", "paths occurs twice"),
        ('{"paths": {}, "components": []}', "components: "),
        ('{"paths": {"/v1": []}, "components": {"schemas": {}}}', "paths./v1: "),
        ('{"paths": {"/v1": {"get": 1}}, "components": {"schemas": {}}}', "paths./v1.get: "),
        (
            '{"paths": {}, "components": {"schemas": {"A": {"properties": []}}}}',
            "schemas.A.properties",
        ),
    ],
)
def test_what_has_another_form_is_refused_with_its_place(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "contract.yaml"
    file.write_text(text)
    with pytest.raises(SpecError, match=r"contract\.yaml") as refused:
        new_contract.read_document(file)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 1_000


def test_what_nobody_has_looked_at_is_denied(published: Document, tmp_path: Path) -> None:
    specs = tmp_path / "tool_specs"
    shutil.copytree(SPECS, specs)
    document = copy.deepcopy(published)
    for path in ("/v1/mgmt/tenant/melt", "/v3/else/where"):
        operation = copy.deepcopy(document["paths"]["/v1/mgmt/tenant/update"]["post"])
        operation["operationId"] = f"CreateMelt{path[2]}"
        document["paths"][path] = {"post": operation}
    new_contract.write_document(document, specs / "openapi.json")
    later, _ = new_contract.repaired(document, read_yaml(specs / "repairs.yaml"))
    written = draft.write(later.endpoints.values(), specs)
    assert written.keys() == {"CreateMelt1", "CreateMelt3"}
    assert written["CreateMelt1"] == "tenants.yaml"
    assert draft.write(later.endpoints.values(), specs) == {}
    catalog = Catalog(compile_catalog(specs))
    for name in written:
        decision = worst(catalog[name], Policy())
        assert (decision.action, decision.rule) == ("deny", "blocked")
    # Filled in by half, they do not compile.
    for name, before, after in (
        ("CreateMelt1", "    draft: true\n", ""),
        ("CreateMelt3", "hazards: [blocked]", "hazards: []"),
    ):
        file = specs / "operations" / written[name]
        head, _, tail = file.read_text().partition(f"{name}:")
        file.write_text(f"{head}{name}:{tail.replace(before, after, 1)}")
    with pytest.raises(SpecError) as refused:
        compile_catalog(specs)
    assert "CreateMelt1 needs" in str(refused.value)
    assert "CreateMelt3: a draft is destructive and blocked" in str(refused.value)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/mgmt/wipe", "Wipe: {}\n  WipeThing:\n    effect: read"),
        ("/v1/mgmt/wipe", "Wipe thing"),
        ("/v1/mgmt/wipe\n    effect: read\n    title: x", "WipeThing"),
        ("/v1/mgmt/{a b}", "WipeThing"),
    ],
)
def test_no_name_or_path_of_a_contract_can_say_more(
    published: Document, tmp_path: Path, path: str, name: str
) -> None:
    document = copy.deepcopy(published)
    operation = document["paths"]["/v1/mgmt/tenant/update"]["post"]
    document["paths"][path] = {"post": {**operation, "operationId": name}}
    with pytest.raises(SpecError, match="is not a"):
        new_contract.repaired(document, read_yaml(SPECS / "repairs.yaml"))
    # Nor could they, were they let through.
    specs = tmp_path / "tool_specs"
    shutil.copytree(SPECS / "operations", specs / "operations")
    endpoint = replace(next(iter(load_contract().endpoints.values())), name=name, key=f"GET {path}")
    (file,) = draft.write([endpoint], specs).values()
    records = read_yaml(specs / "operations" / file)["operations"]
    assert (records[name]["endpoint"], records[name]["draft"]) == (f"GET {path}", True)
    assert "WipeThing" not in records.keys() - {name}


def test_the_command_tells_it_line_by_line(published: Document, tmp_path: Path) -> None:
    document = copy.deepcopy(published)
    del document["paths"]["/v1/mgmt/tenant/delete"]
    file = tmp_path / "new.json"
    new_contract.write_document(document, file)
    (told,) = lines(run("contract", "diff", "--json", str(file)).stdout)
    assert (told["operation"], told["change"]) == ("DeleteTenant", "removed")
    plain = run("contract", "diff", str(file))
    assert plain.stdout.startswith(
        "- DeleteTenant  POST /v1/mgmt/tenant/delete\n    see operations/"
    )
    assert "1 removed" in plain.stderr
    nothing = run("contract", "diff", str(tmp_path / "absent"))
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert "absent cannot be read" in nothing.stderr

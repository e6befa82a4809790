"""What undoes a call: every recipe against the contract, and its rules on small examples."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from descope_mcp.catalog.arguments.validation import SEALED, check
from descope_mcp.catalog.build.openapi import Contract
from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.catalog.json_path import values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.recipe import Restore
from descope_mcp.catalog.recipe_reference import Difference, Reference, all_in, parse, texts
from descope_mcp.catalog.schemas import input_schema
from descope_mcp.guard.restore.restore_steps import Plan, Step, needs_before, plan
from tests.guard.build import operation
from tests.recorder import MOMENT, MOMENTS, load_contract, sample

TEXT = "x1"
CATALOG = load()
RECIPES = [
    pytest.param(name, index, id=f"{name}-{index}-{recipe.operation}")
    for name, one in CATALOG.items()
    for index, recipe in enumerate(one.restore)
]


@pytest.fixture(scope="module")
def spec() -> Contract:
    return load_contract()


def value_of(wanted: Mapping[str, Any], text: str = TEXT) -> Any:
    """Like `sample`, but with an entry in every free object."""
    if wanted.get("properties"):
        fields = wanted["properties"].items()
        return {name: MOMENT if name in MOMENTS else value_of(inner) for name, inner in fields}
    if "items" in wanted:
        return [value_of(wanted["items"]), value_of(wanted["items"])]
    if wanted.get("type") == "object":
        extra = wanted.get("additionalProperties")
        return {text: value_of(extra) if isinstance(extra, Mapping) else text}
    return sample(wanted, text=text)


def answer_of(spec: Contract, one: Operation, path: str = "") -> Any:
    endpoint = spec.endpoints[f"{one.method} {one.path}"]
    whole = input_schema.lookup(spec.answer(endpoint), path)
    assert whole is not None
    return value_of(whole)


def world(spec: Contract, one: Operation) -> tuple[dict[str, Any], list[Any], Any]:
    """Arguments of a call, what its preview finds and what it answers; every text is the same."""
    found = []
    for step in one.preview:
        seen = answer_of(spec, CATALOG[step.operation], step.find)
        found.append(seen[0] if step.match and isinstance(seen, list) else seen)
    arguments = value_of(one.input_schema)
    arguments.pop("replace", None)
    return arguments, found, answer_of(spec, one)


def without(value: Any, names: set[str]) -> Any:
    """`value` without every field of these names, however deep."""
    if isinstance(value, dict):
        return {k: without(v, names) for k, v in value.items() if k not in names}
    return [without(item, names) for item in value] if isinstance(value, list) else value


def suited(one: Operation, recipe: Restore, arguments: Any, found: list[Any]) -> tuple[Any, Any]:
    """A call and a before-state to which the recipe applies.

    What may not be given is taken away, a list that is subtracted is emptied, what `match` wants in
    so many words is put there, and a list of which later elements count has two.
    """
    arguments, found = copy.deepcopy((arguments, found))
    arguments = {**arguments, **dict.fromkeys(recipe.is_true, True)}
    arguments = without(arguments, set(recipe.not_true))
    for text in recipe.given:
        for reference in all_in(text):
            if "[1:]" in reference.path:
                several = reference.path.partition("[1:]")[0].rpartition(".")[2]
                found = [doubled(seen, several) for seen in found]
    for text in recipe.bare:
        for reference in all_in(text):
            if reference.root in ("item", "element"):
                arguments = without(arguments, {last(reference)})
            arguments, found = taken_away(one, reference, arguments, found)
    for text in texts(recipe.model_dump()):
        parsed = parse(text)
        if isinstance(parsed, Difference) and not parsed.common:
            arguments, found = taken_away(one, parsed.right, arguments, found)
    literals = {k: v for k, v in recipe.match.items() if not str(v).startswith("$")}
    found = [put_in(seen, literals) for seen in found]
    return arguments, found


def doubled(value: Any, name: str) -> Any:
    """`value` with two of each element in the lists of that name."""
    if isinstance(value, list):
        return [doubled(one, name) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        k: v * 2 if k == name and isinstance(v, list) else doubled(v, name)
        for k, v in value.items()
    }


def last(reference: Reference) -> str:
    return reference.path.rpartition(".")[2].split("[")[0]


def taken_away(one: Operation, reference: Reference, arguments: Any, found: list[Any]) -> Any:
    name = last(reference)
    if reference.root == "args":
        return without(arguments, {name}), found
    if reference.root == "before" and not reference.path:
        return arguments, [None, *found[1:]]
    names = [step.operation for step in one.preview]
    if name in names:
        return arguments, [[] if n == name else f for n, f in zip(names, found, strict=True)]
    if reference.root == "answer":
        return arguments, found
    return arguments, [without(seen, {name}) for seen in found]


def put_in(value: Any, literals: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [put_in(item, literals) for item in value]
    if isinstance(value, dict):
        return {k: literals.get(k, put_in(v, literals)) for k, v in value.items()}
    return value


@pytest.mark.parametrize(("name", "index"), RECIPES)
def test_every_recipe_gives_a_call_that_the_restoring_operation_takes(
    spec: Contract, name: str, index: int
) -> None:
    """The paths of the recipe are right: what the contract's answers hold arrives as arguments."""
    recipe = CATALOG[name].restore[index]
    one = CATALOG[name].model_copy(update={"restore": (recipe,)})
    arguments, found, answer = world(spec, one)
    arguments, found = suited(one, recipe, arguments, found)
    if name == "UpdateUserLoginID" and not recipe.given:
        answer["user"]["loginIds"] = ["x2"]  # the login id that is left after one was removed
    done = plan(CATALOG, one, arguments, tuple(found), answer, TEXT)
    assert done.steps, done.missing
    assert not done.missing
    for step in done.steps:
        restoring = CATALOG[step.operation]
        assert check(restoring, step.arguments) == step.arguments
        given = {name for name, value in recipe.arguments.items() if value is not None} - {"$like"}
        # An optional reference that never resolves would be a wrong path that nobody notices.
        assert given <= set(step.arguments)


def test_every_update_without_a_recipe_writes_the_old_values_back(spec: Contract) -> None:
    for name, one in CATALOG.items():
        if not one.update or one.restore:
            continue
        arguments, found, answer = world(spec, one)
        if isinstance(found[0], list):
            found[0] = found[0][0]
        done = plan(CATALOG, one, arguments, tuple(found), answer, TEXT)
        (step,) = done.steps
        assert step.operation == name
        assert "replace" not in step.arguments
        assert "credential" not in step.arguments


def test_whatever_changes_something_says_how_it_is_undone_or_that_it_is_not() -> None:
    for name, one in CATALOG.items():
        if one.worst_effect != "read":
            assert one.restore or one.update or one.lost, name


def test_what_reads_the_state_before_has_a_preview() -> None:
    for name, one in CATALOG.items():
        assert one.preview or not needs_before(one), name


def test_no_secret_of_a_read_gets_into_a_step(spec: Contract) -> None:
    """Everything that a preview found is sealed; no step may carry it on."""
    planned = 0
    for one in CATALOG.values():
        arguments, found, answer = world(spec, one)
        sealed = [sealing(seen) for seen in found]
        done = plan(CATALOG, one, arguments, tuple(sealed), sealing(answer), TEXT)
        planned += len(done.steps)
        assert SEALED not in str(done)
    assert planned > 50


def sealing(value: Any) -> Any:
    """Every text but identifying ones sealed, as if all of it were secret."""
    if isinstance(value, dict):
        keep = ("id", "name", "userId", "tenantId", "loginIds")
        return {k: v if k in keep else sealing(v) for k, v in value.items()}
    if isinstance(value, list):
        return [sealing(item) for item in value]
    return SEALED if isinstance(value, str) else value


def small(*recipes: dict[str, Any], **changes: Any) -> Plan:
    """A plan by recipes of an operation of its own, with operations that take strings and lists."""
    make = operation(
        "Make",
        arguments={
            "name": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "whole": {"type": "object"},
            "items": {
                "type": "array",
                "items": {"type": "object", "properties": {"n": {"type": "string"}}},
            },
        },
        content=["whole"],
    )
    end = operation("End")
    end = end.model_copy(update={"input_schema": {**end.input_schema, "required": ["id"]}})
    catalog: Any = {"Make": make, "End": end}
    preview = [{"operation": "Load"}] if "before" in changes else []
    one = operation(restore=list(recipes), preview=preview)
    found = (changes["before"],) if "before" in changes else ()
    answer = changes.get("answer")
    return plan(catalog, one, changes.get("args", {"id": "T1"}), found, answer, "P1")


def test_a_call_whose_reference_leads_nowhere_is_left_out_and_named() -> None:
    made = {"operation": "End", "arguments": {"id": "$answer.id"}}
    assert small(made, answer={"id": "N1"}).steps == (Step("End", {"id": "N1"}),)
    for answer in (None, {}, {"id": ""}):
        assert small(made, answer=answer) == Plan((), ("End: id is not known",))


def test_an_optional_reference_may_lead_nowhere() -> None:
    recipe = {"operation": "Make", "arguments": {"name": "$args.id", "tags": "$args.tags"}}
    assert not small(recipe).steps
    done = small({**recipe, "optional": ["tags"]})
    assert done == Plan((Step("Make", {"name": "T1"}),))


def test_fields_that_the_operation_does_not_take_are_not_sent() -> None:
    like = {"operation": "Make", "arguments": {"$like": "$before", "tags": None}}
    before = {"name": 7, "tags": ["a"], "createdTime": 1, "items": [{"n": "a", "m": "b"}]}
    done = small(like, before=before)
    assert done.steps == (Step("Make", {"name": "7", "items": [{"n": "a"}]}),)


@pytest.mark.parametrize(
    ("mine", "theirs", "left", "shared"),
    [
        (["a", "b"], ["b"], ["a"], ["b"]),
        (["a"], ["a"], None, ["a"]),
        (["a"], ["b"], ["a"], None),
        (["a"], None, ["a"], None),
    ],
)
def test_only_what_the_call_changed_is_undone(
    mine: list[str], theirs: Any, left: Any, shared: Any
) -> None:
    """Nothing to do is no call, and nothing that is missing either."""
    for sign, tags in (("-", left), ("&", shared)):
        recipe = {"operation": "Make", "arguments": {"tags": f"$args.tags {sign} $before.tags"}}
        done = small(recipe, args={"tags": mine}, before={"tags": theirs, "id": "T1"})
        assert done == Plan((Step("Make", {"tags": tags}),) if tags else ())


def test_one_call_for_each_element_or_for_all() -> None:
    each = {
        "operation": "Make",
        "each": "$before[]",
        "match": {"state": "on"},
        "arguments": {"items": [{"n": "$item.n"}]},
    }
    before = [{"n": "a", "state": "on"}, {"n": "b", "state": "off"}, {"n": "c", "state": "on"}]
    done = small(each, before=before)
    assert [s.arguments for s in done.steps] == [{"items": [{"n": "a"}]}, {"items": [{"n": "c"}]}]
    done = small({**each, "joined": True}, before=before)
    assert [s.arguments for s in done.steps] == [{"items": [{"n": "a"}, {"n": "c"}]}]
    assert small(each, before=before[1]) == Plan()


def test_one_call_for_each_pair() -> None:
    pairs = {
        "operation": "Make",
        "each": "$args.wanted",
        "of": "$before[]",
        "match": {"a": "$item.a", "b": "$item.b"},
        "arguments": {"name": "$element.n"},
    }
    before = [{"a": 1, "b": 2, "n": "one"}, {"a": 1, "b": 3, "n": "two"}]
    done = small(pairs, args={"wanted": [{"a": 1, "b": 2}]}, before=before)
    assert done.steps == (Step("Make", {"name": "one"}),)


def test_a_list_is_made_from_another_list() -> None:
    recipe = {
        "operation": "Make",
        "arguments": {"items": {"$each": "$before.groups", "n": "$element.role.name"}},
    }
    done = small(recipe, before={"groups": [{"role": {"name": "a"}}, {"role": {"name": "b"}}]})
    assert done.steps == (Step("Make", {"items": [{"n": "a"}, {"n": "b"}]}),)


def test_given_and_bare_choose_between_ways() -> None:
    ways: list[dict[str, Any]] = [
        {"operation": "Make", "arguments": {"name": "old"}, "given": ["$before.name"]},
        {"operation": "End", "arguments": {"id": "$args.id"}, "bare": ["$before"]},
    ]
    assert small(*ways, before={"name": "a"}).steps == (Step("Make", {"name": "old"}),)
    assert small(*ways, before=None).steps == (Step("End", {"id": "T1"}),)


def test_without_a_recorded_state_nothing_that_looks_back_is_planned() -> None:
    """An absent state must not pass for one in which there was nothing."""
    end = {"operation": "End", "arguments": {"id": "$args.id"}, "bare": ["$before"]}
    one = operation(restore=[end], preview=[{"operation": "Load", "optional": True}])
    catalog: Any = {"End": operation("End")}
    done = plan(catalog, one, {"id": "T1"}, (), None, "P1")
    assert done == Plan((), ("End: what was there before was not recorded",))


def test_a_secret_is_left_out_and_named() -> None:
    recipe = {"operation": "Make", "arguments": {"$like": "$before"}}
    before = {"name": "a", "tags": ["b", SEALED], "items": [{"n": f"x {SEALED}"}]}
    done = small(recipe, before=before)
    assert done.steps == (Step("Make", {"name": "a"}),)
    assert done.missing == (
        "Make: tags is secret or not known",
        "Make: items is secret or not known",
    )


def test_a_document_with_a_hole_is_not_sent() -> None:
    recipe = {"operation": "Make", "arguments": {"name": "a", "whole": "$before.whole"}}
    done = small(recipe, before={"whole": {"a": "1", "b": {"c": SEALED}}})
    assert done == Plan((Step("Make", {"name": "a"}),), ("Make: whole.b.c is secret or not known",))


def test_a_secret_that_is_needed_leaves_the_call_out() -> None:
    recipe = {"operation": "End", "arguments": {"id": "$before.key"}}
    done = small(recipe, before={"key": SEALED})
    assert done == Plan((), ("End: id is secret or not known", "End: id: required"))


def patched(catalog: Catalog, arguments: dict[str, Any], before: dict[str, Any]) -> Plan:
    return plan(catalog, catalog["PatchUser"], arguments, (before,), None, "P1")


def test_a_patch_is_undone_where_it_changed_something(catalog: Catalog) -> None:
    before = {"loginIds": ["ada"], "userId": "U1", "name": "Ada", "phone": "+1", "roleNames": []}
    given = {"loginId": "ada", "name": "Eve", "roleNames": ["Admin"]}
    done = patched(catalog, given, before)
    assert done.steps == (Step("PatchUser", {"loginId": "ada", "name": "Ada", "roleNames": []}),)


def test_a_replacement_is_undone_as_a_whole(catalog: Catalog) -> None:
    before = {"id": "T1", "name": "Acme", "enforceSSO": True, "selfProvisioningDomains": ["a.com"]}
    given = {"id": "T1", "name": "New", "authType": "saml"}
    one = catalog["UpdateTenant"]
    done = plan(catalog, one, given, ({**before, "authType": ""},), None, "P1")
    assert done.steps[0].arguments == {**before, "authType": ""}


def test_paths_reach_the_elements_of_lists() -> None:
    assert values_at({"a": ["x", "y", "z"]}, "a[0]") == ["x"]
    assert values_at({"a": ["x", "y", "z"]}, "a[1:]") == ["y", "z"]

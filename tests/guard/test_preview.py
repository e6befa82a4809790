"""What a call would hit, read before anybody is asked."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.api.errors import ApiError, MissingCredential, RateLimited, Unreachable
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview import Preview, PreviewFailed, TargetMissing, look, target_name
from tests.guard.build import operation

pytestmark = pytest.mark.anyio

LOAD = operation("Load", effect="read")
LIST = operation("List", effect="read", secrets=["things[].secret"])
REVEAL = operation("Reveal", effect="read", hazards=["reveals_secret"])
SWITCH = operation("Switch", effect="read", when=[{"given": ["id"], "effect": "write", "why": "w"}])
WRITE = operation("Write", effect="write")
MISSING = ApiError("What the call names does not exist.", "", 404)
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJVMSJ9.c2lnbmF0dXJl"
DENIED = ApiError("The credential lacks the right.", "", 403)


def _catalog(*operations: Operation) -> Any:
    return {o.name: o for o in (LOAD, LIST, REVEAL, SWITCH, WRITE, *operations)}


async def _look(
    answers: dict[str, Any], *, arguments: dict[str, Any] | None = None, **recipe: Any
) -> tuple[Preview, list[tuple[str, dict[str, Any]]]]:
    """Look with a reader that answers by operation and remembers what it read."""
    asked: list[tuple[str, dict[str, Any]]] = []

    async def read(one: Operation, given: dict[str, Any]) -> dict[str, Any]:
        asked.append((one.name, given))
        answer = answers[one.name]
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    counting = recipe.pop("counting", True)
    subject = operation(**recipe)
    given = {"id": "T1"} if arguments is None else arguments
    preview = await look(_catalog(), subject, given, "P1", read, counting=counting)
    return preview, asked


async def test_the_target_comes_first_and_later_steps_refer_to_it() -> None:
    preview, asked = await _look(
        {"Load": {"thing": {"name": "Acme", "key": "K"}}, "List": {"things": [1, 2, 3]}},
        preview=[{"operation": "Load", "arguments": {"id": "$args.id"}, "find": "thing"}],
        impact=[
            {
                "operation": "List",
                "arguments": {"id": "$before.key"},
                "count": "things",
                "label": "n",
            }
        ],
        target="$before.name",
    )
    assert asked == [("Load", {"id": "T1"}), ("List", {"id": "K"})]
    assert preview.target == {"name": "Acme", "key": "K"}
    assert preview.counts == (("n", 3),)


async def test_without_a_recipe_nothing_is_read() -> None:
    preview, asked = await _look({})
    assert (asked, preview.target, preview.found, preview.counts) == ([], None, (), ())


@pytest.mark.parametrize(
    "answer",
    [MISSING, {}, {"thing": None}, {"thing": {}}, {"thing": []}, {"other": 1}, {"text": "<html>"}],
)
async def test_a_target_that_is_not_there_is_missing(answer: Any) -> None:
    with pytest.raises(TargetMissing):
        await _look({"Load": answer}, preview=[{"operation": "Load", "find": "thing"}])


@pytest.mark.parametrize(
    "error", [DENIED, Unreachable("No answer.", ""), RateLimited("Too many.", "", 9.0)]
)
async def test_a_step_that_fails_refuses(error: Exception) -> None:
    with pytest.raises(PreviewFailed) as raised:
        await _look({"Load": error}, preview=[{"operation": "Load"}])
    assert not isinstance(raised.value, TargetMissing)


@pytest.mark.parametrize("answer", [MISSING, MissingCredential("No.", ""), {}, {"thing": []}])
async def test_an_optional_step_may_find_nothing(answer: Any) -> None:
    preview, _ = await _look(
        {"Load": {"name": "Acme"}, "List": answer},
        preview=[
            {"operation": "Load"},
            {"operation": "List", "find": "thing", "optional": True},
        ],
    )
    assert preview.found == ({"name": "Acme"}, None)


@pytest.mark.parametrize("error", [DENIED, Unreachable("No.", "")])
async def test_an_optional_step_that_fails_refuses_all_the_same(error: Exception) -> None:
    with pytest.raises(PreviewFailed):
        await _look({"Load": error}, preview=[{"operation": "Load", "optional": True}])


async def test_an_optional_step_whose_arguments_say_nothing_is_not_run() -> None:
    preview, asked = await _look(
        {},
        preview=[{"operation": "List", "arguments": {"id": "$args.other"}, "optional": True}],
    )
    assert (asked, preview.found) == ([], (None,))


MATCH = {"operation": "List", "find": "things", "match": {"id": "$args.id"}}
THINGS = {"things": [{"id": "T1", "n": 1}, {"id": "T2", "n": 2}]}


async def test_a_list_is_searched_for_the_target() -> None:
    preview, _ = await _look({"List": THINGS}, preview=[MATCH])
    assert preview.target == {"id": "T1", "n": 1}
    with pytest.raises(TargetMissing):
        await _look({"List": THINGS}, arguments={"id": "T9"}, preview=[MATCH])


@pytest.mark.parametrize("arguments", [{}, {"id": ""}])
async def test_what_names_no_target_does_not_pass_for_everything(arguments: Any) -> None:
    """Otherwise the whole list would be shown as the target of a call that names none."""
    with pytest.raises(TargetMissing):
        await _look({"List": THINGS}, arguments=arguments, preview=[MATCH])
    preview, asked = await _look(
        {"List": THINGS}, arguments=arguments, preview=[{**MATCH, "optional": True}]
    )
    assert (asked, preview.found) == ([], (None,))


@pytest.mark.parametrize("name", ["Reveal", "Switch", "Write"])
@pytest.mark.parametrize("optional", [True, False])
async def test_a_preview_runs_nothing_but_plain_reads(name: str, optional: bool) -> None:
    step = {"operation": name, "arguments": {"id": "$args.id"}, "optional": optional}
    with pytest.raises(PreviewFailed, match="no read"):
        await _look({}, preview=[step])


async def test_the_secrets_of_a_read_do_not_reach_the_question() -> None:
    preview, _ = await _look(
        {"List": {"things": [{"id": "T1", "secret": "hunter2", "jwt": JWT}]}},
        preview=[MATCH],
    )
    assert preview.target == {"id": "T1", "secret": "[sealed]", "jwt": "[sealed]"}


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        ({"n": 7}, (("things", 7),)),
        ({"n": 0}, (("things", 0),)),
        ({"n": "7"}, (("things", 7),)),
        ({"n": []}, (("things", 0),)),
        ({"n": [1, 2]}, (("things", 2),)),
        ({"n": "many"}, ()),
        ({"n": ""}, ()),
        ({"n": None}, ()),
        ({"n": {"a": 1}}, ()),
        ({}, ()),
        (DENIED, ()),
        (Unreachable("No.", ""), ()),
    ],
)
async def test_a_count_is_made_or_left_out_never_guessed(answer: Any, counts: Any) -> None:
    step = {"operation": "List", "count": "n", "label": "things"}
    preview, _ = await _look({"List": answer}, impact=[step])
    assert preview.counts == counts


async def test_a_count_counts_what_matches() -> None:
    step = {"operation": "List", "count": "n", "match": {"id": "$args.id"}, "label": "things"}
    preview, _ = await _look({"List": {"n": [{"id": "T1"}, {"id": "T2"}]}}, impact=[step])
    assert preview.counts == (("things", 1),)
    preview, asked = await _look({"List": {"n": [1]}}, arguments={}, impact=[step])
    assert (preview.counts, asked) == ((), [])


async def test_nothing_is_counted_for_a_call_that_was_approved() -> None:
    step = {"operation": "List", "count": "n", "label": "things"}
    preview, asked = await _look({"List": {"n": 1}}, impact=[step], counting=False)
    assert (preview.counts, asked) == ((), [])


@pytest.mark.parametrize(
    ("target", "before", "name"),
    [
        ("$args.id", {}, "T1"),
        ("$before.name", {"name": "Acme"}, "Acme"),
        ("$before.names", {"names": ["a", "b"]}, "a, b"),
        ("$before.name", {"other": 1}, ""),
        ("$before.name", {"name": {"a": 1}}, ""),
        ("$before.name", {"name": True}, ""),
        ("$before.name", {"name": 5}, "5"),
        ("", {"name": "Acme"}, ""),
    ],
)
async def test_target_name(target: str, before: Any, name: str) -> None:
    recipe = {"preview": [{"operation": "Load"}], "target": target}
    preview, _ = await _look({"Load": {"x": 1, **before}}, **recipe)
    assert target_name(operation(**recipe), preview) == name


def test_every_recipe_of_the_catalog_reads_and_reveals_nothing(catalog: Catalog) -> None:
    steps = {s.operation for o in catalog.values() for s in (*o.preview, *o.impact)}
    assert len(steps) > 40
    for name in steps:
        assert catalog[name].worst_effect == "read", name
        assert not catalog[name].worst_hazards, name


async def test_a_user_id_in_place_of_a_login_id_is_found_too(catalog: Catalog) -> None:
    asked: list[dict[str, Any]] = []

    async def read(one: Operation, given: dict[str, Any]) -> dict[str, Any]:
        asked.append(given)
        if "userId" not in given:
            raise MISSING
        return {"user": {"userId": given["userId"]}}

    given = {"loginId": "U1", "status": "disabled"}
    preview = await look(catalog, catalog["UpdateUserStatus"], given, "P1", read)
    assert asked[:2] == [{"loginId": "U1"}, {"userId": "U1"}]
    assert preview.target == {"userId": "U1"}

"""What a call would hit, read before anybody is asked."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.api.errors import ApiError, MissingCredential, RateLimited, Unreachable
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.failures import Ambiguous, PreviewFailed, TargetMissing
from descope_mcp.guard.preview.impact import Tally
from descope_mcp.guard.preview.preview import Preview, target_name
from descope_mcp.guard.preview.read_budget import MOST_READS_IN_ALL
from descope_mcp.guard.preview.recipe_reads import most_reads
from descope_mcp.guard.preview.recipe_values import Scope
from tests.guard.build import operation
from tests.guard.preview.looking import look_and_count
from tests.recorder import load_contract, sample_answer, sample_arguments

pytestmark = pytest.mark.anyio

LOAD = operation("Load", effect="read")
LIST = operation(
    "List",
    effect="read",
    secrets=["things[].secret"],
    arguments={
        "id": {"type": "string"},
        "page": {"type": "integer"},
        "limit": {"type": "integer"},
    },
)
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

    subject = operation(**recipe)
    given = {"id": "T1"} if arguments is None else arguments
    preview = await look_and_count(_catalog(), subject, given, "P1", read)
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
    assert preview.counts == (Tally("n", 3),)


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
    with pytest.raises(PreviewFailed, match="is not a read"):
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
        ({"n": 7}, (Tally("things", 7),)),
        ({"n": 0}, (Tally("things", 0),)),
        ({"n": "7"}, (Tally("things", 7),)),
        ({"n": []}, (Tally("things", 0),)),
        ({"n": [1, 2]}, (Tally("things", 2),)),
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
    assert preview.counts == (Tally("things", 1),)
    preview, asked = await _look({"List": {"n": [1]}}, arguments={}, impact=[step])
    assert (preview.counts, asked) == ((), [])


async def test_a_count_may_take_one_of_several_fields() -> None:
    match = {"id": "$args.id", "n": "$args.id"}
    step = {"operation": "List", "count": "n", "match": match, "either": ["id", "n"], "label": "l"}
    answer = {"n": [{"id": "T1"}, {"n": "T1"}, {"id": "T2"}]}
    preview, _ = await _look({"List": answer}, impact=[step])
    assert preview.counts == (Tally("l", 2),)


async def test_what_only_narrows_a_read_may_be_missing() -> None:
    step = {"operation": "List", "narrow": {"id": "$args.other"}, "count": "n", "label": "things"}
    preview, asked = await _look({"List": {"n": 3}}, impact=[step])
    assert (preview.counts, asked) == ((Tally("things", 3),), [("List", {})])


async def pages(total: int, size: int, recipe: dict[str, Any]) -> tuple[Preview, int]:
    """Look at a list of `total` things, `size` to a page; how often it was read."""
    reads = 0

    async def read(one: Operation, given: dict[str, Any]) -> dict[str, Any]:
        nonlocal reads
        reads += 1
        start = given.get("page", 0) * size
        things = [{"id": f"T{n}"} for n in range(start, min(start + size, total))]
        return {"things": things, "total": total}

    preview = await look_and_count(_catalog(), operation(**recipe), {"id": "T7"}, "P1", read)
    return preview, reads


async def test_every_page_is_read_and_the_target_found_on_any() -> None:
    recipe = {"preview": [{**MATCH, "arguments": {"limit": 5}}]}
    preview, reads = await pages(12, 5, recipe)
    assert preview.target == {"id": "T7"}
    assert (reads, preview.incomplete) == (3, ())


async def test_more_pages_than_are_read_are_told() -> None:
    count = {"operation": "List", "arguments": {"limit": 5}, "count": "things", "label": "n"}
    preview, reads = await pages(999, 5, {"preview": [{**MATCH, "arguments": {"limit": 5}}]})
    assert (reads, preview.incomplete) == (10, ("List",))
    preview, reads = await pages(999, 5, {"impact": [count]})
    assert (reads, preview.counts) == (10, (Tally("n", 50, at_least=True),))


async def test_the_total_of_one_page_is_a_number_for_sure() -> None:
    count = {"operation": "List", "arguments": {"limit": 1}, "count": "total", "label": "n"}
    preview, reads = await pages(999, 1, {"impact": [count]})
    assert (reads, preview.counts) == (1, (Tally("n", 999),))


async def test_nothing_is_read_twice() -> None:
    step = {"operation": "List", "arguments": {"id": "$args.id"}, "count": "n", "label": "things"}
    preview, asked = await _look({"List": {"n": 1}}, impact=[step, {**step, "label": "again"}])
    assert (len(asked), len(preview.counts)) == (1, 2)


async def test_each_of_several_is_read() -> None:
    step = {"operation": "Load", "arguments": {"id": "$args.ids"}, "find": "thing"}
    given = {"ids": ["a", "b", "b"]}
    preview, asked = await _look({"Load": {"thing": {"x": 1}}}, arguments=given, preview=[step])
    assert [one for _, one in asked] == [{"id": "a"}, {"id": "b"}]
    assert preview.target == [{"x": 1}, {"x": 1}]
    count = {"operation": "Load", "arguments": {"id": "$args.ids"}, "count": "n", "label": "n"}
    preview, _ = await _look({"Load": {"n": 4}}, arguments=given, impact=[count])
    assert preview.counts == (Tally("n", 8),)


async def test_a_preview_ends_after_so_many_reads() -> None:
    """More than that refuses the call; a count that is left over is left out."""
    ids = {f"ids{n}": [f"{n}-{i}" for i in range(12)] for n in range(3)}
    steps = [{"operation": "Load", "arguments": {"id": f"$args.ids{n}"}} for n in range(3)]
    preview, asked = await _look({"Load": {"x": 1}}, arguments=ids, preview=steps[:2])
    assert (len(asked), preview.incomplete) == (20, ("Load", "Load"))
    with pytest.raises(PreviewFailed, match="more than 20 reads"):
        await _look({"Load": {"x": 1}}, arguments=ids, preview=steps)
    count = {**steps[2], "count": "x", "label": "n"}
    preview, _ = await _look({"Load": {"x": 1}}, arguments=ids, preview=steps[:2], impact=[count])
    assert preview.counts == ()


OTHERWISE = {
    "operation": "Load",
    "arguments": {"id": "$args.id"},
    "otherwise": [{"id": "$args.other"}],
}


async def other(answers: dict[str, Any], arguments: dict[str, Any]) -> Preview:
    """Look with a read that answers by the id that it is asked for."""

    async def read(one: Operation, given: dict[str, Any]) -> dict[str, Any]:
        answer = answers[given["id"]]
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    return await look_and_count(_catalog(), operation(preview=[OTHERWISE]), arguments, "P1", read)


BOTH = {"id": "a", "other": "b"}
INVALID = ApiError("That is no id.", "", 400)


async def test_two_ways_to_the_same_target_must_agree() -> None:
    one, two = {"name": "one"}, {"name": "two"}
    assert (await other({"a": one, "b": one}, BOTH)).target == one
    with pytest.raises(Ambiguous):
        await other({"a": one, "b": two}, BOTH)
    for nothing in (MISSING, INVALID, {}):
        assert (await other({"a": one, "b": nothing}, BOTH)).target == one
        assert (await other({"a": nothing, "b": two}, BOTH)).target == two
        with pytest.raises(TargetMissing):
            await other({"a": nothing, "b": nothing}, BOTH)
    with pytest.raises(PreviewFailed):
        await other({"a": one, "b": DENIED}, BOTH)


async def test_a_way_that_the_call_does_not_say_is_not_gone() -> None:
    assert (await other({"b": {"name": "two"}}, {"other": "b"})).target == {"name": "two"}


NAMED = {"operation": "List", "find": "things", "match": {"id": "$args.ids"}}


async def test_what_is_not_found_is_named() -> None:
    given = {"ids": ["T1", "T8", "T9"]}
    preview, _ = await _look({"List": THINGS}, arguments=given, preview=[NAMED])
    assert preview.missing == ("T8", "T9")
    optional = {**NAMED, "optional": True}
    preview, _ = await _look({"List": THINGS}, arguments=given, preview=[optional])
    assert preview.missing == ()


async def test_an_update_of_what_is_not_found_is_refused() -> None:
    with pytest.raises(TargetMissing):
        await _look(
            {"List": THINGS}, arguments={"ids": ["T1", "T9"]}, preview=[NAMED], update="patch"
        )


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


def spelled_out(answer: Any) -> Any:
    """An answer in which free objects (a template of claims) have something in them."""
    if isinstance(answer, dict):
        return {name: spelled_out(value) for name, value in answer.items()} or {"a": "x1"}
    return [spelled_out(value) for value in answer] if isinstance(answer, list) else answer


async def test_every_preview_and_count_finds_what_the_contract_has(catalog: Catalog) -> None:
    """Every path leads somewhere, and no operation needs more reads than a preview may make."""
    spec = load_contract()
    for name, one in catalog.items():
        reads: list[str] = []

        async def read(
            asked: Operation, given: dict[str, Any], reads: list[str] = reads
        ) -> dict[str, Any]:
            reads.append(asked.name)
            return spelled_out(sample_answer(spec, asked))  # type: ignore[no-any-return]

        given = sample_arguments(one)
        arguments = {n: {"a": "x1"} if value == {} else value for n, value in given.items()}
        preview = await look_and_count(catalog, one, arguments, "x1", read)
        expected = most_reads(catalog, (*one.preview, *one.impact), Scope(arguments, None, "x1"))
        assert len(reads) <= min(expected, MOST_READS_IN_ALL), name
        assert [tally.label for tally in preview.counts] == [c.label for c in one.impact], name
        assert (preview.missing, preview.incomplete) == ((), ()), name
        for step, seen in zip(one.preview, preview.found, strict=True):
            assert seen is not None, (name, step.operation)


#: What can be asked about and has no target that a read returns.
UNREADABLE = {
    # whoever holds the token is meant, and no read takes it
    "ThirdPartyApplicationRevocationEndpoint",
    "ThirdPartyAppRevocationEndpointByProjectID",
    "OIDCEndSessionEndpointGet",
    "OIDCEndSessionEndpointPost",
    "OIDCRevocationEndpoint",
    "OIDCSSOAppEndSessionEndpointGet",
    "OIDSSOAppCEndSessionEndpointPost",
    "OIDCSSOAppRevocationEndpoint",
    "WSFedIDPPassiveGet",
    "WSFedIDPPassivePost",
    "IDPSSOLogoutGet",
    "IDPSSOLogoutPost",
    "ExchangeOneTapIDToken",
    "VerifyOneTapIDToken",
    "WebAuthnDeviceAddFinish",
    "UpdateJWT",
    "StopImpersonation",
    # the user is known only after the other side has answered
    "AuthorizeOAuth",
    "CreateOAuthRedirectURISignin",
    "CreateOAuthRedirectURISignup",
    "OAuthNativeStart",
    # nobody has signed in yet; what is asked about is where people are sent
    "ThirdPartyApplicationAuthorizeGetByMcpServerID",
    "ThirdPartyAppAuthorizePOSTByMcpServerID",
    "ThirdPartyApplicationAuthorizeGet",
    "ThirdPartyApplicationAuthorize",
    "ThirdPartyApplicationFinish",
    "ThirdPartyApplicationAuthorizeGetByProjectID",
    "ThirdPartyApplicationAuthorizePostByProjectID",
    "OIDCAuthZEndpointGetStart",
    "OIDCAuthZEndpointPostStart",
    "OIDCAuthZEndpointEntraMFA",
    "OIDCAuthZEndpointFinishPost",
    "OIDCAuthZEndpointFinishGet",
    "OIDCSSOAppAuthZEndpointGetStart",
    "OIDCSSOAppAuthZEndpointPostStart",
    "OIDCSSOAppAuthZEndpointEntraMFA",
    # the key stands for itself; what is asked about are the claims of its token
    "ExchangeAccessKey",
    # no read returns a token by its id; blocked anyway
    "DeleteOutboundAppTokenByID",
    "NoPublishRotate",
}


#: What begins like this makes something new, which is nowhere before.
MAKING = (
    "Create",
    "Import",
    "Register",
    "SignUp",
    "UserSignup",
    "WebAuthnSignup",
    "Anonymous",
    "Clone",
)


def test_whatever_may_destroy_or_take_over_shows_its_target(catalog: Catalog) -> None:
    for name, one in catalog.items():
        grave = {"account_takeover", "project_wide"} & set(one.worst_hazards)
        made = one.worst_effect == "write" and name.startswith(MAKING)
        if (one.worst_effect == "destructive" or grave) and not made:
            # Of roles that are made, those that they hide are looked for (`guard.preview.rights`).
            shown = bool(one.preview or one.defines)
            assert shown is (name not in UNREADABLE), name


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
    preview = await look_and_count(catalog, catalog["UpdateUserStatus"], given, "P1", read)
    assert asked[:2] == [{"loginId": "U1"}, {"userId": "U1"}]
    assert preview.target == {"userId": "U1"}

"""Reads of a preview at once: how many round trips, and that nothing depends on who comes first."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from descope_mcp.api.errors import ApiError
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.consent.confirmation import binding
from descope_mcp.guard.preview.failures import PreviewFailed, TargetMissing, TooMuchToRead
from descope_mcp.guard.preview.ordered_gather import gather
from descope_mcp.guard.preview.preview import Preview, look
from descope_mcp.guard.preview.read_budget import MOST_READS_IN_ALL, Reader, thrifty
from descope_mcp.sandbox.engine.errors import DescopeError
from descope_mcp.sandbox.engine.registry import HANDLERS
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.sandbox.seeds.new_project import call
from tests.guard.build import operation

pytestmark = pytest.mark.anyio

DENIED = ApiError("The credential lacks the right.", "", 403)
LOAD = operation("Load", effect="read")
PAGED = operation(
    "List",
    effect="read",
    arguments={"page": {"type": "integer"}, "limit": {"type": "integer"}},
)
#: In which order answers come back. Drawn whole: what a task draws for itself would end in a group.
ORDERS = st.integers(0, 2**32).map(Random)
Answer = Callable[[Operation, dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def state() -> State:
    """An organisation with more users than fit on a page."""
    state = organisations.acme()
    for number in range(210):
        roles = {"roleNames": ["Viewer"]} if number % 3 else {}
        member = {"tenantId": ("globex", "initech")[number % 2], **roles}
        call(state, "CreateUser", loginId=f"u{number}@x.example", userTenants=[member])
    return state


@pytest.fixture(scope="module")
def in_order() -> dict[str, tuple[str, Preview]]:
    """What one order of the answers led to, for every call."""
    return {}


def directory(state: State) -> Answer:
    """Answers as the sandbox does, without a request."""

    def answer(one: Operation, given: dict[str, Any]) -> dict[str, Any]:
        wire = {one.places[name].name: value for name, value in given.items()}
        try:
            found = HANDLERS[one.name](state, wire)
        except DescopeError as error:
            raise ApiError(str(error), "", error.kind.status) from None
        assert isinstance(found, dict)
        return {one.unwrapped: found} if one.unwrapped else found

    return answer


def shuffled(answer: Answer, order: Random) -> Reader:
    """A reader whose answers come back in any order."""

    async def read(one: Operation, given: dict[str, Any]) -> dict[str, Any]:
        for _ in range(order.randrange(9)):
            await anyio.lowlevel.checkpoint()
        return answer(one, given)

    return read


#: Previews with pages, with steps that build on the first, with several ways to one target.
CALLS: dict[str, dict[str, Any]] = {
    "DeleteTenant": {"id": "globex"},
    "DeleteRole": {"name": "Viewer"},
    "DeleteRoles": {"roleNames": ["Viewer", "Editor"]},
    "DeleteUser": {"loginId": "grace.kim@globex.example"},
    "DeletePermission": {"name": "reports.read"},
    "UpdateUserStatus": {"loginId": "grace.kim@globex.example", "status": "disabled"},
}


async def looked(catalog: Catalog, name: str, arguments: dict[str, Any], read: Reader) -> Preview:
    return await look(catalog, catalog[name], arguments, "P1", thrifty(read), counting=True)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=ORDERS, name=st.sampled_from(sorted(CALLS)))
async def test_what_a_yes_covers_does_not_depend_on_the_order_of_the_answers(
    catalog: Catalog,
    state: State,
    in_order: dict[str, tuple[str, Preview]],
    order: Random,
    name: str,
) -> None:
    one, given = catalog[name], CALLS[name]

    async def seen(read: Reader) -> tuple[str, Preview]:
        preview = await looked(catalog, name, given, read)
        return binding(one.name, given, "P1", "agent", preview), preview

    answer = directory(state)
    if name not in in_order:
        in_order[name] = await seen(shuffled(answer, Random(0)))
    assert await seen(shuffled(answer, order)) == in_order[name]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    order=ORDERS,
    broken=st.sampled_from(["LoadTenant", "GetTenantSettings", "SearchUsers", "SearchRoles"]),
)
async def test_a_step_that_fails_refuses_whatever_comes_first(
    catalog: Catalog, state: State, order: Random, broken: str
) -> None:
    fine = directory(state)

    def answer(one: Operation, given: dict[str, Any]) -> dict[str, Any]:
        if one.name == broken:
            raise DENIED
        return fine(one, given)

    with pytest.raises(PreviewFailed, match=f"^{broken} failed"):
        await looked(catalog, "DeleteTenant", {"id": "globex"}, shuffled(answer, order))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=ORDERS)
async def test_of_several_failures_the_first_of_the_record_is_told(
    catalog: Catalog, order: Random
) -> None:
    """Everything else fails too; that the target is not there says more, and is not a refusal."""

    def answer(one: Operation, given: dict[str, Any]) -> dict[str, Any]:
        raise ApiError("Not there.", "", 404) if one.name == "LoadTenant" else DENIED

    with pytest.raises(TargetMissing):
        await looked(catalog, "DeleteTenant", {"id": "globex"}, shuffled(answer, order))


class Slow:
    """A reader whose answers take one and the same time; how many were under way in each wave."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.waves: list[int] = []
        self._wave: anyio.Event | None = None

    async def __call__(self, one: Operation, given: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(one.name)
        if self._wave:
            self.waves[-1] += 1
            await self._wave.wait()
        else:
            self._wave = wave = anyio.Event()
            self.waves.append(1)
            try:
                await anyio.sleep(0.01)
            finally:
                self._wave = None
                wave.set()
        return self.answer(one, given)


@pytest.mark.parametrize(
    ("name", "counting", "waves"),
    [
        ("DeleteTenant", False, 2),  # its members take two pages
        ("DeleteTenant", True, 2),
        ("DeleteRole", True, 3),
        ("DeleteUser", True, 2),
        ("DeleteUser", False, 1),
        ("UpdateUserStatus", True, 1),
    ],
)
async def test_reads_that_need_no_other_are_made_at_once(
    catalog: Catalog, state: State, name: str, counting: bool, waves: int
) -> None:
    read = Slow(directory(state))
    given = CALLS[name]
    await look(catalog, catalog[name], given, "P1", thrifty(read), counting=counting)
    assert len(read.waves) == waves, read.asked


async def test_pages_after_the_first_are_read_at_once_and_joined_in_their_order() -> None:
    def answer(one: Operation, given: dict[str, Any]) -> dict[str, Any]:
        page = given.get("page", 0)
        return {"things": list(range(page * 5, min(page * 5 + 5, 33))), "total": 33}

    recipe = operation(preview=[{"operation": "List", "arguments": {"limit": 5}, "find": "things"}])
    read = Slow(answer)
    preview = await look({"List": PAGED}, recipe, {}, "P1", thrifty(read))  # type: ignore[arg-type]
    assert read.waves == [1, 6]
    assert preview.target == list(range(33))


async def test_a_list_that_grows_while_it_is_read_is_read_to_its_end() -> None:
    grown = 0

    def answer(one: Operation, given: dict[str, Any]) -> dict[str, Any]:
        nonlocal grown
        grown += 1
        total, page = 6 if grown == 1 else 12, given.get("page", 0)
        return {"things": list(range(page * 5, min(page * 5 + 5, total))), "total": total}

    recipe = operation(preview=[{"operation": "List", "arguments": {"limit": 5}, "find": "things"}])
    read = thrifty(Slow(answer))
    preview = await look({"List": PAGED}, recipe, {}, "P1", read)  # type: ignore[arg-type]
    assert preview.target == list(range(12))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=ORDERS)
async def test_the_budget_holds_and_counts_take_nothing_from_the_steps(order: Random) -> None:
    asked: list[str] = []

    def answer(one: Operation, given: dict[str, Any]) -> dict[str, Any]:
        asked.append(given["id"])
        return {"x": 1}

    steps = [{"operation": "Load", "arguments": {"id": f"$args.s{n}"}} for n in range(2)]
    counts = [
        {"operation": "Load", "arguments": {"id": f"$args.c{n}"}, "count": "x", "label": f"c{n}"}
        for n in range(4)
    ]
    given = {f"s{n}": [f"s{n}-{i}" for i in range(9)] for n in range(2)}
    given |= {f"c{n}": [f"c{n}"] for n in range(4)}
    subject, catalog = operation(preview=steps, impact=counts), {"Load": LOAD}
    read = thrifty(shuffled(answer, order))
    preview = await look(catalog, subject, given, "P1", read, counting=True)  # type: ignore[arg-type]
    assert len(asked) == MOST_READS_IN_ALL
    assert [count.label for count in preview.counts or ()] == ["c0", "c1"]


async def test_who_asks_what_is_being_asked_waits_for_the_same_answer() -> None:
    read = Slow(lambda one, given: {"for": given["id"]})
    sharing = thrifty(read)

    async def ask(name: str) -> dict[str, Any]:
        return await sharing(LOAD, {"id": name})

    answers = await gather([lambda n=n: ask(n) for n in ("a", "b", "a", "a")])  # type: ignore[misc]
    assert [answer["for"] for answer in answers] == ["a", "b", "a", "a"]
    assert len(read.asked) == 2


async def test_a_failure_is_shared_and_asked_for_once() -> None:
    def answer(one: Operation, given: dict[str, Any]) -> dict[str, Any]:
        raise DENIED

    read = Slow(answer)
    sharing = thrifty(read)
    failed = 0

    async def ask() -> None:
        nonlocal failed
        try:
            await sharing(LOAD, {"id": "a"})
        except ApiError:
            failed += 1

    await gather([ask] * 3)
    assert (failed, len(read.asked)) == (3, 1)


async def test_who_waits_for_a_read_that_is_ended_asks_itself() -> None:
    read = Slow(lambda one, given: {"for": given["id"]})
    sharing = thrifty(read)
    answers: list[dict[str, Any]] = []

    async def wait() -> None:
        await anyio.lowlevel.checkpoint()
        answers.append(await sharing(LOAD, {"id": "a"}))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        with anyio.move_on_after(0.005):
            await sharing(LOAD, {"id": "a"})
    assert answers == [{"for": "a"}]


async def test_more_reads_at_once_than_the_budget_has_are_refused() -> None:
    sharing = thrifty(Slow(lambda one, given: {}))

    async def ask(number: int) -> None:
        await sharing(LOAD, {"id": str(number)})

    with pytest.raises(TooMuchToRead):
        await gather([lambda n=n: ask(n) for n in range(MOST_READS_IN_ALL + 1)])  # type: ignore[misc]

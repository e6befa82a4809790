"""Callers by their tokens share nothing, and go to Descope by the keys that are for them."""

from __future__ import annotations

import anyio
import pytest

from descope_mcp.api.credentials import Credentials
from descope_mcp.call.plan.outcome import NAME as PLAN
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse
from descope_mcp.server.auth.configuration import Upstream
from descope_mcp.store.consent import approvals
from descope_mcp.store.journal import entries as journal
from tests.attacks.directory import changes
from tests.on_disk import on_disk
from tests.recorder import Recorder, empty, recording, shared_store
from tests.server.auth.provider import Provider
from tests.server.auth.world import DELETE, READ, WRITE, World, standing

pytestmark = pytest.mark.anyio

ALL = "descope:destructive"
PROJECTS = [f"P2{letter * 26}" for letter in "gi"]


async def test_what_is_approved_for_one_runs_for_nobody_else(world: World) -> None:
    ada, eve = (world.provider.token(sub=sub, scope=ALL) for sub in ("U2approved", "U2other"))
    # A client of an older revision cannot be asked without a session; the call waits for a person.
    for token in (ada, eve):
        assert "approvals" in (await world.call(token, DELETE, era="legacy")).text
    store = shared_store()
    mine = next(r for r in approvals.requests(store) if r.caller == "acme:U2approved")
    assert approvals.answer(store, mine.number, approved=True)
    await world.call(eve, DELETE, era="legacy")
    assert changes(world.descope) == []
    # Another token of the same person is the same caller, whatever application it is from.
    again = world.provider.token(sub="U2approved", scope=ALL, azp="another", jti="another")
    await world.call(again, DELETE, era="legacy")
    assert len(changes(world.descope)) == 1
    (entry,) = journal.entries(store, operation="DeleteUser", caller="acme:U2approved")
    assert (entry.caller, entry.consent) == ("acme:U2approved", f"approval {mine.number}")


async def test_nobody_takes_back_or_goes_on_with_what_another_did(world: World) -> None:
    ada, eve = (world.provider.token(sub=sub, scope=ALL) for sub in ("U2ada", "U2eve"))
    await world.call(ada, WRITE)
    steps = [{"id": "a", "operation": WRITE[1]["operation"], "arguments": {"name": "b"}}]
    await world.call(ada, ("descope_plan", {"steps": steps}))
    store = shared_store()
    call = journal.entries(store, operation="CreateTenant", caller="acme:U2ada")[0].call
    plan = journal.entries(store, operation=PLAN, caller="acme:U2ada")[0].call
    for tool in (
        ("descope_undo", {"call": call}),
        ("descope_undo", {"call": plan}),
        ("descope_plan", {"resume": plan}),
    ):
        assert "in the journal begins with" in (await world.call(eve, tool)).text
        assert "in the journal begins with" not in (await world.call(ada, tool)).text


async def test_nobody_is_told_of_the_plans_that_another_left(world: World) -> None:
    ada, eve = (world.provider.token(sub=sub, scope=ALL) for sub in ("U2left", "U2right"))
    steps = [{"id": "a", "operation": WRITE[1]["operation"], "arguments": {"name": "b"}}]
    await world.call(ada, ("descope_plan", {"steps": steps}))
    store = shared_store()
    plan = journal.entries(store, operation=PLAN, caller="acme:U2left")[0].call
    # As of a process that is no more.
    (store.directory / "plans" / plan).write_text("999999999")
    status = ("descope_status", {})
    assert plan in (await world.call(ada, status)).text
    assert plan not in (await world.call(eve, status)).text


async def test_rules_go_by_what_the_token_says(provider: Provider, catalog: Catalog) -> None:
    text = (
        '[[rule]]\noperation = "CreateTenant"\nwho = { roles = "admin" }\ndecision = "allow"\n'
        '[[rule]]\noperation = "CreateTenant"\ndecision = "deny"\nreason = "for admins alone"\n'
    )
    policy = Policy(rules=parse("p.toml", text, catalog)[0])
    async with standing(provider, catalog, policy=policy) as world:
        for roles in ([], ["user"], None, ["Admin"]):
            token = provider.token(scope=ALL, roles=roles)
            assert "for admins alone" in (await world.call(token, WRITE)).text
        assert changes(world.descope) == []
        await world.call(provider.token(scope=ALL, roles=["user", "admin"]), WRITE)
        assert len(changes(world.descope)) == 1


def _upstream(recorder: Recorder, project: str, **who: tuple[str, ...]) -> Upstream:
    return Upstream(who, recorder.url, Credentials(project, f"K{project[1:]}"))


async def test_each_project_sees_its_own_calls_and_key_alone(
    provider: Provider, catalog: Catalog
) -> None:
    async with recording(empty) as first, recording(empty) as second:
        upstreams = [
            _upstream(first, PROJECTS[0], tenant=("globex",)),
            _upstream(second, PROJECTS[1], tenant=("initech",)),
        ]
        async with standing(provider, catalog, upstreams) as world:
            tokens = [
                provider.token(sub=f"U2{tenant}", scope=ALL, tenants={tenant: {}})
                for tenant in ("globex", "initech")
            ]
            async with anyio.create_task_group() as tasks:
                for number in range(40):
                    tasks.start_soon(world.call, tokens[number % 2], WRITE if number % 4 else READ)
            for nobody in ({"other": {}}, {}, {"globex": {}, "*": {}}, None):
                token = provider.token(scope=ALL, tenants=nobody)
                answer = await world.call(token, WRITE)
                # Of several tenants one that fits is enough; of none, or another, nothing is.
                fits = bool(nobody) and "globex" in nobody
                assert answer.status_code == (200 if fits else 403)
                assert ("No key of this server is for this caller" in answer.text) is not fits
        for project, recorder in zip(PROJECTS, (first, second), strict=True):
            keys = {request.headers["authorization"] for request in recorder.requests}
            assert keys == {f"Bearer {project}:K{project[1:]}"}
            assert len(recorder.requests) >= 20
        assert world.descope.requests == []
        written = journal.entries(shared_store(), operation="CreateTenant")
        assert {(e.caller, e.project) for e in written} >= {
            ("acme:U2globex", PROJECTS[0]),
            ("acme:U2initech", PROJECTS[1]),
        }
        assert all(("globex" in e.caller) <= (e.project == PROJECTS[0]) for e in written)


async def test_readers_go_by_a_key_that_reads(provider: Provider, catalog: Catalog) -> None:
    async with recording(empty) as writers, recording(empty) as readers:
        upstreams = [
            _upstream(writers, PROJECTS[0], scopes=("descope:write",)),
            _upstream(readers, PROJECTS[0]),
        ]
        async with standing(provider, catalog, upstreams) as world:
            await world.call(provider.token(scope="descope:read"))
            assert (len(writers.requests), len(readers.requests)) == (0, 1)
            # Whoever may delete may write.
            await world.call(provider.token(scope=ALL))
            assert (len(writers.requests), len(readers.requests)) == (1, 1)


async def test_the_token_goes_to_nobody(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = world.provider.token(scope=ALL)
    for tool in (READ, WRITE, DELETE):
        answer = await world.call(token, tool)
        assert token[-30:] not in answer.text
    sent = "".join(str(dict(r.headers)) + r.path + str(r.body) for r in world.descope.requests)
    assert token[-30:] not in sent + caplog.text
    store = shared_store()
    assert token[-30:].encode() not in on_disk(store.directory)

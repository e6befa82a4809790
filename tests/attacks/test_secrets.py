"""A canary in every place where an operation can answer a secret: it is nowhere to be seen.

The places are those of the records and the session cookies, and the same names once more where
the contract does not have them. What a handle stands for reaches Descope and comes back from
nowhere, whatever Descope repeats of it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.responses import JSONResponse, Response

from descope_mcp.call.invoke import Services, invoke
from descope_mcp.call.outcome import (
    SO_ALREADY,
    Call,
    Completed,
    Failed,
    NeedsConfirmation,
    Outcome,
)
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.json_path import values_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.server.answers import tool_result
from descope_mcp.server.answers.continuation import View
from descope_mcp.server.answers.kept_answers import Shelf
from descope_mcp.server.answers.size_limit import Answers
from descope_mcp.store.secrets import sealed
from descope_mcp.store.secrets.handle import LIFETIME, Owner, Secret, handle
from descope_mcp.store.store import Store
from tests.attacks.tally import CALLS, CANARIES, LEAKED, none, tally
from tests.attacks.world import SECRET, World, bare, calls
from tests.on_disk import on_disk
from tests.recorder import PROJECT, Recorded, recording

pytestmark = pytest.mark.anyio

CALLER = "somebody"
OWNER = Owner(PROJECT, CALLER)
#: What is denied, and what makes no sense with made-up arguments; their answers hold no secret.
NOT_RUN = {"NoPublishRotate", "UpdateRoles", "UpdatePermissions"}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Store]:
    """A store that nobody else writes into."""
    store = Store(tmp_path / "state", tmp_path / "key")
    yield store
    store.close()


def raw(store: Store) -> bytes:
    """Everything that lies in the state directory, as it is on the disk."""
    return on_disk(store.directory)


async def approved(call: Call, services: Services) -> tuple[Outcome, str]:
    """The outcome for a person who says yes, and what the person was shown."""
    tally[CALLS] += 1
    outcome = await invoke(call, services)
    if not isinstance(outcome, NeedsConfirmation):
        return outcome, ""
    word = accept(outcome.question, outcome.question.typed)
    again = Call(call.operation, call.arguments, call.caller, None, word, call.progress)
    return await invoke(again, services), outcome.question.text


def told(outcome: Outcome) -> str:
    """An outcome in every form that it is told in."""
    shown = ""
    if isinstance(outcome, Completed):
        first = Answers({}, Shelf()).first(outcome, View(), {}, "me")
        shown = tool_result.completed(outcome, first, []).model_dump_json()
    if isinstance(outcome, Failed):
        shown = tool_result.failed(outcome).model_dump_json()
    return f"{outcome!r} {getattr(outcome, 'data', '')} {shown}"


def planted(operation: Operation, response: Response, canary: str) -> Response:
    """The world's answer with its secrets being `canary`, in the body, elsewhere and in cookies."""
    answer = json.loads(bytes(response.body).replace(SECRET.encode(), canary.encode()))
    names = {path.rpartition(".")[2].removesuffix("[]") for path in operation.secrets}
    elsewhere: dict[str, Any] = {"list": [{name: canary} for name in sorted(names)]}
    elsewhere["usual"] = {"clientSecret": canary, "refresh_token": canary, "cleartext": canary}
    if operation.scan:
        elsewhere["free"] = {"apiKey": canary, "text": f"a: 1\npassword: {canary}"}
        elsewhere["pair"] = {"name": "Authorization", "value": canary}
    if isinstance(answer, dict):
        answer = {**answer, "elsewhere": elsewhere}
    sent = JSONResponse(answer)
    for name in ("DS", "DSR"):
        sent.set_cookie(name, canary)
    return sent


async def test_no_secret_of_any_operation_is_seen(
    catalog: Catalog,
    own: Store,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    world = World(catalog)
    without: tuple[str, ...] = ()
    canaries: list[str] = []
    seen: list[str] = []
    said: list[str] = []
    not_run = set()

    async def progress(message: str) -> None:
        said.append(message)

    def answer(request: Recorded) -> Response:
        name = world.name(request)
        return planted(catalog[name], world.answer(request, without=without), canaries[-1])

    async with recording(answer) as recorder:
        services = recorder.services(catalog, store=own)
        for number, operation in enumerate(catalog.values()):
            canaries.append(f"canary{number:04}-hunter/2+")
            for _, arguments in calls(operation):
                without = bare(operation, arguments)
                call = Call(operation.name, arguments, CALLER, progress=progress)
                outcome, question = await approved(call, services)
                shown = (told(outcome), question, *said)
                seen += [f"{operation.name}: {text}" for text in shown if canaries[-1] in text]
                if isinstance(outcome, Completed):
                    if outcome.became == SO_ALREADY:
                        break  # it was not sent
                    assert set(outcome.data["cookies"]) == {"DS", "DSR"}
                    secrets = [v for p in operation.secrets for v in values_at(outcome.data, p)]
                    assert all("[sealed:" in str(value) for value in secrets), operation.name
                    break
            else:
                not_run.add(operation.name)
        await services.client.close()
    tally[CANARIES] += len(canaries)
    none(seen, LEAKED)
    assert not_run == NOT_RUN
    captured = capfd.readouterr()
    noise = caplog.text + captured.out + captured.err
    content = raw(own)
    for canary in canaries:
        assert canary not in noise
        assert canary.encode() not in content
    found = sealed.kept(own)
    assert {secret.operation for secret in found} >= {o.name for o in catalog.values() if o.secrets}
    with sealed.revealing(own, found[0].handle) as value:
        assert value in canaries


def keep(
    store: Store, kind: str, value: str, owner: Owner = OWNER, *, lasting: bool = False
) -> str:
    """A secret in the store, and its handle."""
    name = handle(store.key, owner, kind, value)
    sealed.keep(store, owner, {name: Secret("Made", "up", kind, value, lasting)})
    return name


def accepting(catalog: Catalog) -> Iterator[tuple[Operation, str, str, str]]:
    """Every argument that takes a handle, a kind that it takes, and a query parameter or ""."""
    for operation in catalog.values():
        for path, kinds in operation.accepts.items():
            for kind, query in kinds.items():
                yield operation, path, kind, query


def echo(request: Recorded) -> dict[str, Any]:
    """What a service that repeats everything would say."""
    sent = f"{request.headers.get('authorization')} {request.query} {request.body.decode()}"
    return {"sent": sent, "deep": [{"note": sent, quote(sent, safe=""): 1}], sent: 1}


async def test_a_handle_reaches_descope_as_its_value_and_does_not_come_back(
    catalog: Catalog, own: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world = World(catalog)
    under_test, mode, token, without = "", "", "", ("",)

    def answer(request: Recorded) -> Response:
        if world.name(request) != under_test:
            return world.answer(request, without=without)
        repeated = echo(request)
        if mode == "error":
            # Once whole, and once where messages are cut.
            message = f"{token} {quote(token)} {'x' * 250} {token}"
            return JSONResponse({"errorCode": "E1", "errorMessage": message}, 400)
        return JSONResponse(repeated)

    tried = 0
    async with recording(answer) as recorder:
        services = recorder.services(catalog, store=own)
        for operation, path, kind, query in accepting(catalog):
            under_test = operation.name
            token = f"hunter2-{tried:03}_!~"
            value = f"https://a.example/?x=1&{query}={token}" if query else token
            name = keep(own, kind, value)
            for now in ("repeats", "error"):
                mode = now
                for _, sample in calls(operation):
                    arguments = {**sample, path: name}
                    without = bare(operation, arguments)
                    recorder.requests.clear()
                    call = Call(operation.name, arguments, CALLER)
                    outcome, question = await approved(call, services)
                    assert "hunter2" not in told(outcome) + question + caplog.text, operation.name
                    if isinstance(outcome, Completed) or getattr(outcome, "status", 0) == 400:
                        break
                else:
                    raise AssertionError(f"{operation.name}: {outcome}")
                arrived = [str(echo(one)["sent"]) for one in recorder.requests]
                assert any(token in one for one in arrived), operation.name
                assert not any("[sealed:" in one for one in arrived), operation.name
            tried += 1
            tally[CANARIES] += 1
        await services.client.close()
    assert tried > 60


@pytest.fixture
def taken() -> tuple[str, str, str]:
    """An operation, an argument of it that takes a handle, and the kind."""
    return "RefreshSession", "credential", "session"


Making = Callable[[Store], str]
FOREIGN: dict[str, Making] = {
    "another project's": lambda store: keep(store, "session", "v", Owner("P9", CALLER)),
    "another caller's": lambda store: keep(store, "session", "v", Owner(PROJECT, "else")),
    "another kind's": lambda store: keep(store, "access_key", "v"),
    "no kind's": lambda store: keep(store, "", "v"),
    "forged": lambda store: f"[sealed:{'a' * 22}]",
    "with a letter changed": lambda store: keep(store, "session", "v")[:-2] + "_]",
}


@pytest.mark.parametrize("making", FOREIGN)
async def test_a_handle_opens_nothing_for_others(
    catalog: Catalog, own: Store, making: str, taken: tuple[str, str, str]
) -> None:
    name, argument, _ = taken
    async with recording() as recorder:
        services = recorder.services(catalog, store=own)
        outcome = await invoke(Call(name, {argument: FOREIGN[making](own)}, CALLER), services)
        await services.client.close()
    assert isinstance(outcome, Failed)
    assert outcome.kind == "invalid_arguments"
    assert recorder.requests == []


async def test_a_handle_expires(
    catalog: Catalog, own: Store, monkeypatch: pytest.MonkeyPatch, taken: tuple[str, str, str]
) -> None:
    name, argument, kind = taken
    passing, lasting = keep(own, kind, "v1"), keep(own, kind, "v2", lasting=True)
    later = sealed.time.time() + LIFETIME + 1
    monkeypatch.setattr(sealed.time, "time", lambda: later)
    async with recording() as recorder:
        services = recorder.services(catalog, store=own)
        gone = await invoke(Call(name, {argument: passing}, CALLER), services)
        there = await invoke(Call(name, {argument: lasting}, CALLER), services)
        await services.client.close()
    assert isinstance(gone, Failed)
    assert "expired" in gone.message
    assert isinstance(there, Completed)
    assert [secret.handle for secret in sealed.kept(own)] == [lasting]


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("UpdateUserEmail", {"loginId": "ada", "email": "{}"}),
        ("CreateOutboundApp", {"name": "n", "clientSecret": "{}"}),
        ("CreateUser", {"loginId": "{}"}),
        ("CreateUser", {"loginId": "a", "customAttributes": {"{}": 1}}),
        ("CreateUser", '{{"loginId": "a", "customAttributes": {{"deep": ["{}"]}}}}'),
        ("RefreshSession", {"credential": "x{}"}),
        ("RefreshSession", {"credential": "{}{}"}),
        ("UploadOutboundAppUserAPIKey", {"appId": "a", "userId": "u", "apiKey": "{}"}),
        ("LoadAllTenants", {"{}": "{}"}),
    ],
)
async def test_a_handle_stands_nowhere_else(
    catalog: Catalog, own: Store, operation: str, arguments: Any
) -> None:
    name = keep(own, "session", "hunter2")

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {filled(k): filled(v) for k, v in value.items()}
        if isinstance(value, list):
            return [filled(item) for item in value]
        return value.format(name, name) if isinstance(value, str) else value

    async with recording() as recorder:
        services = recorder.services(catalog, store=own)
        outcome = await invoke(Call(operation, filled(arguments), CALLER), services)
        await services.client.close()
    assert isinstance(outcome, Failed)
    assert outcome.kind == "invalid_arguments"
    assert "hunter2" not in told(outcome)
    assert recorder.requests == []


async def test_a_plain_read_does_not_open_the_store(catalog: Catalog, own: Store) -> None:
    async with recording() as recorder:
        services = recorder.services(catalog, store=own)
        assert isinstance(await invoke(Call("LoadAllTenants", {}, CALLER), services), Completed)
        await services.client.close()
    assert not own.directory.exists()
    assert not own.key_file.exists()

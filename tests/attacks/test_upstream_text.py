"""An upstream that repeats tokens in every error: none comes through, wherever it is told."""

from __future__ import annotations

import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio.to_thread import run_sync
from starlette.responses import JSONResponse, Response

from descope_mcp.api import errors
from descope_mcp.api.errors import ApiFailure
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, Outcome, Undo
from descope_mcp.call.undo.undo import undo
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.store import Store
from tests.attacks.scenes import answer as friendly
from tests.attacks.tally import CANARIES, LEAKED, none, tally
from tests.attacks.world import calls
from tests.cli.processes import run
from tests.recorder import MANAGEMENT_KEY, PROJECT, Recorded, recording

pytestmark = pytest.mark.anyio

#: Nobody but a token has this in it.
CANARY = "c4n4ryc4n4ry"
_JWT = f"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIx{CANARY}In0.s1gn4tur3{CANARY}"
TEXTS = (
    f"the token {_JWT} is not accepted",
    f"see https://x.example/cb?access_token={CANARY}{CANARY}&state=1",
    f"K{CANARY * 5} is no key",
    f'{{"refreshToken": "{CANARY}{CANARY}"}}',
    f"Authorization: Bearer {CANARY}{CANARY}",
    # Where a message is cut, half a token does not look like one.
    "x" * 200 + f" eyJ{'a' * 60}{CANARY}{'b' * 400}.eyJ{CANARY}.{CANARY}",
)


def hostile(text: str, status: int) -> Response:
    """An error that says `text` wherever an error says something."""
    body = {"errorCode": "E011003", "errorDescription": text, "errorMessage": text, "message": text}
    headers = {"cf-ray": text if text.isascii() else "", "retry-after": "0"}
    if status == 502:
        return Response(f"<html>{text}</html>", status, headers, "text/html")
    return JSONResponse(body, status, headers)


@pytest.mark.parametrize("status", [400, 403, 404, 500, 502, 503])
async def test_no_error_of_any_operation_repeats_a_token(catalog: Catalog, status: int) -> None:
    """Whatever a call reads before it is sent, and whether it is sent at all."""
    leaked, said = list[str](), list[str]()
    text = ""

    async def progress(message: str) -> None:
        said.append(message)

    async with recording(lambda request: hostile(text, status)) as recorder:
        services = recorder.services(catalog)
        for number, operation in enumerate(catalog.values()):
            text = TEXTS[number % len(TEXTS)]
            # A 503 with a time to come back is tried again, which takes its time.
            if status == 503 and number % 120:
                continue
            for _, arguments in list(calls(operation))[-1:]:
                tally[CANARIES] += 1
                outcome = await invoke(
                    Call(operation.name, arguments, "somebody", progress=progress), services
                )
                assert not isinstance(outcome, Completed), operation.name
                if CANARY in f"{outcome!r}":
                    leaked.append(f"{operation.name}: {outcome!r}")
        await services.client.close()
    none([*leaked, *(message for message in said if CANARY in message)], LEAKED)


@pytest.mark.parametrize("text", TEXTS)
async def test_no_undo_repeats_a_token(
    catalog: Catalog, tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good = True

    def answer(request: Recorded) -> Response:
        return friendly(request) if good else hostile(text, 400)

    async with recording(answer) as recorder:
        services = recorder.services(catalog, store=Store(tmp_path / "state", tmp_path / "key"))
        made = await invoke(Call("PatchUser", {"loginId": "ada", "name": "Ada"}, "me"), services)
        assert isinstance(made, Completed)
        good = False
        ended: list[Outcome] = [
            await undo(Undo(made.call_id, "me", anyway), services) for anyway in (False, True)
        ]
        tally[CANARIES] += len(ended)
        assert not any(isinstance(outcome, Completed) for outcome in ended)
        rows = [str(entry) for entry in journal.entries(services.store)]
        await services.client.close()
        services.store.close()
    told = [*map(repr, ended), *rows, caplog.text]
    none([line for line in told if CANARY in line], LEAKED)


@pytest.mark.parametrize("text", TEXTS)
async def test_neither_doctor_nor_call_repeats_a_token(text: str) -> None:
    async with recording(lambda request: hostile(text, 403)) as recorder:
        env = {
            "DESCOPE_BASE_URL": recorder.url,
            "DESCOPE_PROJECT_ID": PROJECT,
            "DESCOPE_MANAGEMENT_KEY": MANAGEMENT_KEY,
        }
        commands = (
            ["doctor"],
            ["doctor", "--json"],
            ["call", "LoadUser", "--arguments", json.dumps({"loginId": "ada"})],
            ["call", "DeleteUser", "--arguments", json.dumps({"loginId": "ada"})],
        )
        for command in commands:
            tally[CANARIES] += 1
            ended = await run_sync(partial(run, *command, env=env))
            assert ended.returncode != 0
            none([f"{command}: {ended}"] if CANARY in f"{ended}" else [], LEAKED)


def kinds(of: type[ApiFailure]) -> list[type[ApiFailure]]:
    """A kind of failure and all below it."""
    return [of, *(kind for below in of.__subclasses__() for kind in kinds(below))]


@pytest.mark.parametrize("kind", kinds(ApiFailure))
def test_no_failure_can_be_made_with_a_token(kind: type[ApiFailure]) -> None:
    """Also one that somebody adds later, and builds from a text as it came."""
    more: dict[type[ApiFailure], tuple[Any, ...]] = {
        errors.ApiError: (403, "E011005"),
        errors.RateLimited: (1.0,),
    }
    for text in (TEXTS[0], TEXTS[1], TEXTS[2], TEXTS[5]):
        made = kind(text, text, *more.get(kind, ()))
        assert CANARY not in f"{made} {made!r} {made.message} {made.remedy} {made.args}"

"""Calls that are about to be made by other processes, each on a store of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import httpx
from anyio.to_thread import run_sync
from starlette.responses import JSONResponse, Response

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation, Undo
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.consent.confirmation import Approval, accept
from descope_mcp.store.consent import approvals, grants
from descope_mcp.store.journal import entries as journal
from descope_mcp.store.store import Store
from tests.attacks.directory import changes
from tests.attacks.victim import Job, services
from tests.recorder import PROJECT, Recorded, Recorder

CALLER = "somebody"
CANARY = "hunter2-canary"


class Runner:
    """The process that forks those who die."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.victim"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    async def run(self, *jobs: Job) -> list[dict[str, Any]]:
        """Run jobs at once, each in a process of its own."""
        return await run_sync(self._run, jobs)

    def _run(self, jobs: tuple[Job, ...]) -> list[dict[str, Any]]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([asdict(job) for job in jobs]) + "\n")
        self._process.stdin.flush()
        found: list[dict[str, Any]] = json.loads(self._process.stdout.readline())
        return found

    def close(self) -> None:
        self._process.communicate()


def answer(request: Recorded) -> Response:
    """What finds every user, and makes every key."""
    if request.path.startswith("/v1/mgmt/accesskey/create"):
        return JSONResponse({"cleartext": CANARY, "key": {"id": "K1", "name": "n"}})
    if request.path.startswith("/v1/mgmt/user"):
        return JSONResponse({"user": {"loginIds": ["ada"], "userId": "U1", "name": "Ada"}})
    return JSONResponse({})


async def arrived(recorder: Recorder) -> list[str]:
    """The changes that have reached the server, whoever sent them; called when they are dead."""
    # What lies in the sockets of the dead is read before what comes now.
    async with httpx.AsyncClient(base_url=recorder.url) as client:
        for _ in range(2):
            await client.get("/ping")
            await anyio.sleep(0.01)
    return changes(recorder)


@dataclass(frozen=True)
class Scene:
    """A store of its own, a job on it, and what was in its journal before."""

    job: Job
    store: Store
    before: frozenset[str]


DELETE = ("DeleteUser", {"loginId": "ada"})
ONCE = ("CreateAccessKey", {"name": "n", "roleNames": ["r"]})
#: What leaves the user as the recorder shows it, so that it can be undone without asking.
UNASKED = ("PatchUser", {"loginId": "ada", "name": "Ada"})
WRITE = ("PatchUser", {"loginId": "ada", "name": "Bea"})


async def _question(used: Services, request: Call | Undo) -> Approval:
    outcome = await (undo(request, used) if isinstance(request, Undo) else invoke(request, used))
    assert isinstance(outcome, NeedsConfirmation), outcome
    return accept(outcome.question)


async def _first(job: Job, used: Services) -> Job:
    return job


async def _write(job: Job, used: Services) -> Job:
    await invoke(Call(*WRITE, CALLER), used)
    return job


async def _answered(job: Job, used: Services) -> Job:
    word = await _question(used, Call(job.operation, job.arguments, CALLER))
    return replace(job, approval=asdict(word))


async def _approved(job: Job, used: Services) -> Job:
    word = await _question(used, Call(job.operation, job.arguments, CALLER))
    filed = approvals.file(
        used.store,
        project=PROJECT,
        caller=CALLER,
        operation=job.operation,
        binding=word.binding,
        question="?",
        typed="",
    )
    assert approvals.answer(used.store, filed.number, approved=True)
    return job


async def _granted(job: Job, used: Services) -> Job:
    grants.create(
        used.store,
        project=PROJECT,
        operation=job.operation,
        arguments={"loginId": "ada"},
        items=1,
        seconds=600,
    )
    return job


async def _made(used: Services, operation: str, arguments: dict[str, Any]) -> str:
    made = await invoke(Call(operation, arguments, CALLER), used)
    assert isinstance(made, Completed), made
    return made.call_id


async def _undoing(job: Job, used: Services) -> Job:
    made = await _made(used, "CreateUser", {"loginId": "ada"})
    word = await _question(used, Undo(made, CALLER))
    return replace(job, arguments={"call": made}, approval=asdict(word))


async def _undoing_unasked(job: Job, used: Services) -> Job:
    return replace(job, arguments={"call": await _made(used, *UNASKED)})


#: What is called, and what is done before: a person's word in each of its forms.
SCENES: dict[str, tuple[tuple[str, dict[str, Any]], Any]] = {
    "an empty store": (WRITE, _first),
    "an allowed change": (WRITE, _write),
    "a question": (DELETE, _write),
    "an answer": (DELETE, _answered),
    "an approval": (DELETE, _approved),
    "a grant": (DELETE, _granted),
    "a secret shown once": (ONCE, _answered),
    "an undo": (("undo", {}), _undoing),
    "an undo that nobody is asked about": (("undo", {}), _undoing_unasked),
}


async def scene(kind: str, place: Path, recorder: Recorder, catalog: Catalog) -> Scene:
    """A fresh scene of a kind."""
    (operation, arguments), prepare = SCENES[kind]
    job = Job(recorder.url, str(place / "state"), str(place / "config/key"), operation, arguments)
    used = services(job, catalog)
    job = await prepare(job, used)
    before = [] if prepare is _first else journal.entries(used.store)
    await used.client.close()
    used.store.close()
    store = Store(Path(job.state), Path(job.key))
    return Scene(job, store, frozenset(entry.call for entry in before))

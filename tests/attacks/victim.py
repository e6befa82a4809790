"""Processes that are killed in the middle of a call, at a line that the test chooses.

This process has everything loaded and forks one child for each line of JSON that it reads. The
child counts the lines of the program that it runs, in all threads, and kills itself at one.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import shared_memory
from pathlib import Path
from typing import Any

import anyio

import descope_mcp
import descope_mcp.api
import descope_mcp.store
from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Undo
from descope_mcp.call.plan.outcome import PlanRequest
from descope_mcp.call.plan.plan import plan
from descope_mcp.call.services import Services
from descope_mcp.call.undo.undo import undo
from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.guard.consent.confirmation import Approval
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.store.store import Store
from tests.recorder import MANAGEMENT_KEY, PROJECT

ROOT = Path(descope_mcp.__file__).parent
#: Where a call spends what could be lost: the path, the store, the way out.
COUNTED = tuple(
    str(ROOT / name) for name in ("call/", "store/", "api/client.py", "api/transport.py")
)


@dataclass(frozen=True)
class Job:
    """What a child does, and at which line it dies; 0 counts the lines, None does not.

    `times` calls are made at once, after the moment `start` (epoch seconds).
    """

    url: str
    state: str
    key: str
    operation: str
    arguments: dict[str, Any]
    caller: str = "somebody"
    approval: dict[str, Any] = field(default_factory=dict)
    at: int | None = None
    times: int = 1
    start: float = 0.0


def services(job: Job, catalog: Catalog) -> Services:
    """Services on the recorder and the store that a job names."""
    client = Client(job.url, Credentials(PROJECT, MANAGEMENT_KEY), catalog.errors, 10.0)
    return Services(catalog, client, Policy(), Store(Path(job.state), Path(job.key)))


async def perform(job: Job, services: Services) -> list[str]:
    """Make the calls of a job; how each ended."""
    word = Approval(**job.approval) if job.approval else None
    ended: list[str] = []

    async def once() -> None:
        if job.operation == "plan":
            planned = PlanRequest(job.arguments["steps"], job.caller, approval=word)
            ended.append(type(await plan(planned, services)).__name__)
            return
        request: Any = Call(job.operation, job.arguments, job.caller, approval=word)
        if job.operation == "undo":
            request = Undo(job.arguments["call"], job.caller, approval=word)
        outcome = await (undo if job.operation == "undo" else invoke)(request, services)
        ended.append(type(outcome).__name__)

    await anyio.sleep(max(0.0, job.start - time.time()))
    async with anyio.create_task_group() as tasks:
        for _ in range(job.times):
            tasks.start_soon(once)
    await services.client.close()
    return ended


def counting(at: int, count: memoryview) -> Callable[..., Any]:
    """A trace function that counts lines into `count` and kills this process at the given one."""
    known: dict[str, bool] = {}

    def line(frame: Any, event: str, argument: Any) -> Any:
        if event == "line":
            count[0] += 1
            if count[0] == at:
                os.kill(os.getpid(), signal.SIGKILL)
        return line

    def enter(frame: Any, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if name not in known:
            known[name] = name.startswith(COUNTED)
        return line if known[name] else None

    return enter


def child(job: Job, catalog: Catalog, count: memoryview, said: int) -> None:
    """Run a job and end."""
    used = services(job, catalog)
    if job.at is not None:
        trace = counting(job.at, count)
        threading.settrace(trace)
        sys.settrace(trace)
    ended = anyio.run(perform, job, used)
    sys.settrace(None)
    os.write(said, json.dumps(ended).encode())
    os._exit(0)


def forked(jobs: list[Job], catalog: Catalog) -> list[dict[str, Any]]:
    """Run each job in a child of its own, all at once: lines run, how it ended, what it said."""
    memory = shared_memory.SharedMemory(create=True, size=8 * len(jobs))
    counts = memory.buf.cast("L")
    running = []
    for number, job in enumerate(jobs):
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            try:
                child(job, catalog, counts[number : number + 1], writing)
            finally:
                os._exit(1)
        os.close(writing)
        running.append((pid, reading))
    results = []
    for number, (pid, reading) in enumerate(running):
        with os.fdopen(reading) as pipe:
            said = pipe.read()
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        results.append({"lines": counts[number], "code": code, "ended": json.loads(said or "[]")})
    counts.release()
    memory.close()
    memory.unlink()
    return results


def warm() -> Catalog:
    """Load all that a call loads, so that children need not."""
    for package in (descope_mcp.store, descope_mcp.api):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations." not in module.name:
                importlib.import_module(module.name)
    for name in ("alembic.command", "cryptography.fernet", "sqlalchemy.dialects.sqlite"):
        importlib.import_module(name)
    for name in (
        "httpx",
        "h11",
        "sniffio",
        "anyio._backends._asyncio",
        "descope_mcp.call.audit_record",
    ):
        importlib.import_module(name)
    return load()


def main() -> None:
    """Answer lists of jobs with lists of results, line by line, until stdin closes."""
    catalog = warm()
    for line in sys.stdin:
        jobs = [Job(**given) for given in json.loads(line)]
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.write(json.dumps(forked(jobs, catalog)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

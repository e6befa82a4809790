"""Two people answer at once on two replicas: one answer counts, and one change is sent."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TypeVar

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from sqlalchemy import select
from starlette.responses import JSONResponse, Response

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.store.consent import approvals
from descope_mcp.store.journal import entries, hash_chain
from descope_mcp.store.store import Store
from descope_mcp.store.tables import journal
from tests.attacks.requests import asked
from tests.console.served import Served
from tests.console.somebody import Somebody
from tests.recorder import Recorded, Recorder, recording
from tests.stores import places

pytestmark = pytest.mark.attacks
#: 2,500 rounds of four answers in pieces, each of users of its own.
_ROUNDS, _PIECES = 250, 10
_LONG = [pytest.mark.campaign, pytest.mark.timeout(1_800)]
_RUNS = [
    pytest.param(0, 6, id="short"),
    *(pytest.param(n, _ROUNDS, marks=_LONG, id=f"piece-{n + 1}") for n in range(_PIECES)),
]

#: Seconds that lie between them at most, so that each of them is the first now and then.
_APART = 0.01
Said = TypeVar("Said")


class Replica(Served):
    """A process that serves the console and makes calls."""

    process: subprocess.Popen[str]

    def call(self, number: int) -> str:
        """Have a user deleted; how the call ended."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextmanager
def running(store: Store, seen_by: Store, recorder: Recorder) -> Iterator[Replica]:
    """A replica at `store`; people's sessions are begun in `seen_by`, which is the same store."""
    command = [sys.executable, "-m", "tests.console.replica", recorder.url, *places(store)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            replica = Replica(seen_by, process.stdout.readline().strip())
            replica.process = process
            with replica.opened:
                yield replica
            assert process.stdin
            process.stdin.close()
            assert process.wait(30) == 0
        finally:
            process.kill()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A directory that finds everybody, in a loop of its own."""

    def answer(request: Recorded) -> Response:
        if request.path.endswith("/delete"):
            return JSONResponse({})
        query = dict(request.query)
        login = str(query.get("loginId") or query.get("userId")).removeprefix("U-")
        return JSONResponse({"user": {"loginIds": [login], "userId": f"U-{login}", "name": login}})

    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(recording(answer)) as listening,
    ):
        yield listening


@pytest.mark.parametrize(("piece", "rounds"), _RUNS)
def test_of_many_answers_at_once_on_two_replicas_one_counts(
    catalog: Catalog, replicas: tuple[Store, Store], recorder: Recorder, piece: int, rounds: int
) -> None:
    """A yes, a no and both again, two on each replica; then both replicas make the call."""
    own, other = replicas
    users = range(piece * rounds, (piece + 1) * rounds)
    counted, ended = Counter[str](), Counter[tuple[str, ...]]()
    approved: set[str] = set()
    with ExitStack() as stack:
        here, there = (stack.enter_context(running(one, own, recorder)) for one in (own, other))
        bea = Somebody(here, "approver", name="bea")
        cem = Somebody(there, "administrator", name="cem")
        sent = [
            (bea, "approve"), (cem, "deny"), (bea.at(there), "approve"), (cem.at(here), "deny"),
        ]  # fmt: skip
        pool = stack.enter_context(ThreadPoolExecutor(len(sent)))
        dice, began = random.Random(piece), time.monotonic()
        for batch in (users[n : n + 50] for n in range(0, rounds, 50)):
            anyio.run(asked, batch, own, recorder, catalog)
            waiting = reversed(approvals.requests(own, pending=True))
            for user, request in zip(batch, waiting, strict=True):
                answers = [partial(who.answer, request.number, act) for who, act in sent]
                codes = [answer.status_code for answer in at_once(pool, answers, dice)]
                assert sorted(codes) == [303, 409, 409, 409]
                act = sent[codes.index(303)][1]
                calls = [partial(one.call, user) for one in (here, there)]
                ended[act, *sorted(at_once(pool, calls, dice))] += 1
                counted["approved" if act == "approve" else "denied"] += 1
                if act == "approve":
                    approved.add(f"user-{user}")
    seconds = time.monotonic() - began
    deleted = Counter(
        json.loads(request.body)["loginId"]
        for request in recorder.requests
        if request.path.endswith("/delete")
    )
    assert deleted == Counter(approved)
    assert sum(counted.values()) == rounds
    with own.begin() as connection:
        kinds = Counter(connection.execute(select(journal.c.kind)).scalars())
    assert {kind: kinds[kind] for kind in counted} == counted
    assert [one.result for one in entries.entries(own, limit=2 * rounds)] == ["done"] * len(
        approved
    )
    assert hash_chain.problems(own)[2] == hash_chain.problems(other)[2] == []
    assert {key for key in ended if "Completed" in key} <= {
        ("approve", "Completed", "NeedsConfirmation"),
        ("approve", "Completed", "Refused"),
    }
    text = f"{rounds} rounds from user {users.start} in {seconds:.0f} s: {dict(ended)}\n"
    sys.stdout.write(text)


def at_once(
    pool: ThreadPoolExecutor, sending: Sequence[Callable[[], Said]], dice: random.Random
) -> list[Said]:
    """What they are answered who begin at the same moment, or a few milliseconds later."""
    start = threading.Barrier(len(sending))
    pauses = [dice.uniform(0.0, _APART) for _ in sending]

    def run(send: Callable[[], Said], pause: float) -> Said:
        start.wait()
        time.sleep(pause)
        return send()

    return list(pool.map(run, sending, pauses))

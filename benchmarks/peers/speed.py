"""Start, list and call of each server, over stdio and HTTP, in both eras; and its memory.

Servers take turns, so that a busy machine slows all of them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from benchmarks.peers.client import LEGACY, MODERN, Http, Message, Session, Stdio, speaks
from benchmarks.peers.servers import Server, serving
from descope_mcp.catalog.operation import Operation

#: Measurements by their names; None where a server cannot do it.
Speed = dict[str, float | None]
ERAS = {"present": MODERN, "older": LEGACY}


def starts(servers: Sequence[Server], settings: Mapping[str, str], rounds: int) -> list[float]:
    """Milliseconds from the start of each process to its first list of tools, the median."""
    taken: list[list[float]] = [[] for _ in servers]
    for _ in range(rounds):
        for server, own in zip(servers, taken, strict=True):
            began = time.perf_counter()
            session = Stdio(server.stdio, settings)
            session.request("tools/list", {})
            own.append((time.perf_counter() - began) * 1000)
            session.close()
    return [statistics.median(own) for own in taken]


def conversations(
    servers: Sequence[Server],
    settings: Mapping[str, str],
    read: tuple[Operation, Message],
    turns: int,
) -> list[Speed]:
    """Milliseconds of a list and a call in each era, the medians; MiB when all is done."""
    out: list[Speed] = [{} for _ in servers]
    with ExitStack() as stack:
        ports = [stack.enter_context(serving(server, settings)) for server in servers]
        for era, version in ERAS.items():
            over_stdio: list[Session | None] = [
                _able(Stdio(server.stdio, settings, version), version) for server in servers
            ]
            over_http: list[Session | None] = [
                _able(Http("127.0.0.1", port, version), version) for port in ports
            ]
            for transport, sessions in (("stdio", over_stdio), ("HTTP", over_http)):
                lists = [_lister(session) for session in sessions]
                calls = [
                    _caller(session, server, read)
                    for session, server in zip(sessions, servers, strict=True)
                ]
                for what, actions in (("list", lists), ("call", calls)):
                    taken = _in_turn(actions, turns if what == "call" else max(turns // 10, 3))
                    for speed, value in zip(out, taken, strict=True):
                        speed[f"{what}, {transport}, {era}"] = value
            for speed, session in zip(out, over_stdio, strict=True):
                if isinstance(session, Stdio):
                    speed["memory"] = max(speed.get("memory") or 0, session.memory)
            for left in (*over_stdio, *over_http):
                if left:
                    left.close()
    return out


def _able(session: Session, version: str) -> Session | None:
    """The session, if the server speaks its revision."""
    if version == LEGACY or speaks(session):
        return session
    session.close()
    return None


def _lister(session: Session | None) -> Callable[[], object] | None:
    return partial(_ask, session, "tools/list", {}) if session else None


def _caller(
    session: Session | None, server: Server, read: tuple[Operation, Message]
) -> Callable[[], object] | None:
    name, arguments = server.call(*read)
    params = {"name": name, "arguments": arguments}
    return partial(_ask, session, "tools/call", params) if session else None


def _ask(session: Session, method: str, params: Message) -> None:
    answer = session.request(method, params)
    if "result" not in answer or answer["result"].get("isError"):
        raise ValueError(str(answer)[:500])


def _in_turn(actions: Sequence[Callable[[], object] | None], turns: int) -> list[float | None]:
    taken: list[list[float]] = [[] for _ in actions]
    for turn in range(turns + 1):
        for action, own in zip(actions, taken, strict=True):
            if action:
                began = time.perf_counter()
                action()
                own += [(time.perf_counter() - began) * 1000] * (turn > 0)
    return [statistics.median(own) if own else None for own in taken]

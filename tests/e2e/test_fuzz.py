"""The transport of a real process under bytes that nobody planned for."""

from __future__ import annotations

import itertools
import json
import select
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.e2e.test_stdio import INITIALIZE, INITIALIZED
from tests.e2e.wire import environment, meta
from tests.preloaded import PRELOADED

#: Of one length, so that what is drawn does not depend on how much was drawn before.
_numbers = itertools.count()

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below),
    max_leaves=8,
)
_CALLS = st.sampled_from(
    [
        ("ping", {}),
        ("tools/list", {}),
        ("tools/list", {"_meta": meta()}),
        ("resources/list", {}),
        ("prompts/list", {"cursor": "x"}),
        ("tools/call", {"name": "descope_describe", "arguments": {"names": ["users"]}}),
        ("tools/call", {"name": "descope_read", "arguments": {"operation": "LoadUser"}}),
        ("tools/call", {"name": "descope_status"}),
        ("initialize", {}),
        ("nothing", {"a": [1, 2]}),
        ("notifications/cancelled", {"requestId": 1}),
        ("notifications/progress", {"progressToken": 1, "progress": 1}),
    ]
)


@st.composite
def _messages(draw: st.DrawFn) -> bytes:
    """A message that may be whole, and may lack or have too much of anything."""
    method, params = draw(_CALLS)
    number: Any = f"fuzz-{next(_numbers):09}"
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    message |= draw(st.dictionaries(st.sampled_from(list(message)), _VALUES, max_size=1))
    if draw(st.booleans()):
        del message[draw(st.sampled_from(list(message)))]
    line = json.dumps(message).encode()
    kind = draw(st.sampled_from(["whole", "whole", "cut", "noise", "deep"]))
    if kind == "cut":
        return line[: draw(st.integers(0, len(line)))]
    if kind == "noise":
        at = draw(st.integers(0, len(line)))
        return line[:at] + draw(st.binary(max_size=8)) + line[at:]
    if kind == "deep":
        return b'{"a":' * draw(st.integers(1, 2000)) + line
    return line


_SEQUENCES = st.lists(st.binary(max_size=100) | _messages(), max_size=6)


class _Server:
    """A process that answers, and everything that it ever said."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._buffer = b""
        self.answered: Counter[str] = Counter()

    def feed(self, data: bytes) -> None:
        """Write `data`, end its line, and wait for the answer to a ping behind it."""
        number = f"ping-{next(_numbers)}"
        ping = json.dumps({"jsonrpc": "2.0", "id": number, "method": "ping"}).encode()
        assert self._process.stdin
        self._process.stdin.write(data + b"\n" + ping + b"\n")
        self._process.stdin.flush()
        ends = time.monotonic() + 20
        while number not in self.answered:
            assert self._process.poll() is None, "the process is gone"
            assert time.monotonic() < ends, "no answer"
            self._hear()

    def _hear(self) -> None:
        assert self._process.stdout
        descriptor = self._process.stdout.fileno()
        if not select.select([descriptor], [], [], 1)[0]:
            return
        *lines, self._buffer = (self._buffer + self._process.stdout.read1(1 << 20)).split(b"\n")
        for line in lines:
            message = json.loads(line)
            assert message["jsonrpc"] == "2.0"
            assert message.keys() & {"result", "error", "method"}
            if "method" not in message and message["id"] is not None:
                self.answered[str(message["id"])] += 1

    def memory(self) -> int:
        """What the process holds, in bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024


@contextmanager
def _served() -> Iterator[_Server]:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [PRELOADED, "serve"], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment()
    ) as process:
        server = _Server(process)
        server.feed(b"\n".join(json.dumps(m).encode() for m in (INITIALIZE, INITIALIZED)))
        try:
            yield server
            assert process.stdin
            process.stdin.close()
            assert process.wait(20) == 0
        finally:
            process.kill()


def _fuzz(examples: int) -> None:
    with _served() as server:
        held: list[int] = []

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(_SEQUENCES)
        def feed(lines: list[bytes]) -> None:
            server.feed(b"\n".join(lines))
            held.append(server.memory())

        feed()
        often = {number: times for number, times in server.answered.items() if times > 1}
        assert not {number for number in often if "fuzz-" in number or "ping-" in number}
        assert sum(server.answered.values()) > examples
        # What is loaded and remembered once is there after the first fifth.
        assert max(held) - held[len(held) // 5] < 16 * 1024 * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_five_hundred_random_sequences_do_no_harm() -> None:
    _fuzz(500)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_ten_thousand_random_sequences_do_no_harm() -> None:
    _fuzz(10_000)

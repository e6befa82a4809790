"""Two replicas on one PostgreSQL, behind the proxy of `deploy/haproxy.cfg`, as processes."""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import sandbox
from tests.cli.processes import BASE, PRELOADED
from tests.postgres import cluster
from tests.recorder import EVERY_SERVER

__all__ = ["sandbox"]

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "haproxy.cfg"


@dataclass
class Replica:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    @property
    def calls(self) -> int:
        """How many calls it has run."""
        return self.log.read_text().count('"outcome": "done"') if self.log.exists() else 0


@dataclass
class Proxied:
    """The proxy's port, and what is behind it."""

    port: int
    replicas: list[Replica]

    @property
    def calls(self) -> list[int]:
        """How many calls each replica has run."""
        return [replica.calls for replica in self.replicas]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def status(self, path: str) -> int:
        """How a request by hand is answered."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory, sandbox: dict[str, str]) -> Iterator[Proxied]:
    place = tmp_path_factory.mktemp("replicas")
    if shutil.which("haproxy") is None:
        said = "HAProxy is not installed (Debian: apt-get install haproxy)"
        pytest.fail(said) if os.environ.get("CI") else pytest.skip(said)
    shared = {
        **sandbox,
        "DESCOPE_MCP_DATABASE_URL": cluster().database().text,
        "DESCOPE_MCP_KEY": base64.b64encode(os.urandom(32)).decode(),
    }
    with ExitStack() as stack:
        replicas = [_replica(stack, place / f"replica-{n}", shared) for n in (1, 2)]
        port = _free()
        places = {f"REPLICA_{n}": f"127.0.0.1:{r.port}" for n, r in enumerate(replicas, 1)}
        proxy = subprocess.Popen(
            ["haproxy", "-db", "-f", str(CONFIGURATION)],
            env={"PATH": BASE["PATH"], "LISTEN": f"127.0.0.1:{port}", **places},
        )
        stack.callback(_end, proxy)
        made = Proxied(port, replicas)
        _until(lambda: made.status("/healthz") == 200)
        yield made


def _replica(stack: ExitStack, place: Path, shared: dict[str, str]) -> Replica:
    place.mkdir()
    log = place / "log"
    env = {
        "PATH": BASE["PATH"],
        **EVERY_SERVER,
        **shared,
        "DESCOPE_MCP_STATE": str(place / "state"),
        "DESCOPE_MCP_LOG_LEVEL": "info",
        "DESCOPE_MCP_LOG_FORMAT": "json",
        "DESCOPE_MCP_LOG_FILE": str(log),
    }
    process = subprocess.Popen(
        [PRELOADED, "serve", "--http", "127.0.0.1:0", "--no-auth"],
        env=env,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    stack.callback(_end, process)
    assert process.stderr
    stack.callback(process.stderr.close)
    said = process.stderr.readline()
    found = re.search(r"serving http://127\.0\.0\.1:(\d+)", said)
    assert found, said
    return Replica(process, int(found[1]), log)


def _end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _until(ready: object) -> None:
    end = time.monotonic() + 30
    assert callable(ready)
    while True:
        try:
            if ready():
                return
        except OSError:
            pass
        assert time.monotonic() < end, "it did not become so"
        time.sleep(0.1)

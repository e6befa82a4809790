"""The sandbox: start, and reads a second, with 2,000 users.

A second process asks over a few kept-alive connections with as little work as possible. Beside the
rate by the clock stands the rate by the sandbox's own processor time, which is what one core
gives when nobody else has work for it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

_SECONDS = 3.0
_CONNECTIONS = 4
_STARTS = 5
_SANDBOX = [sys.executable, "-m", "descope_mcp", "sandbox"]


class _Running(NamedTuple):
    """A sandbox process and how to call it."""

    pid: int
    port: int
    credentials: str


@contextmanager
def _sandbox(*options: str) -> Iterator[_Running]:
    process = subprocess.Popen([*_SANDBOX, *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        lines = (process.stdout.readline().strip().partition("=") for _ in range(3))
        settings = {name: value for name, _, value in lines}
        credentials = f"{settings['DESCOPE_PROJECT_ID']}:{settings['DESCOPE_MANAGEMENT_KEY']}"
        port = urlsplit(settings["DESCOPE_BASE_URL"]).port
        assert port is not None
        yield _Running(process.pid, port, credentials)
    finally:
        process.kill()
        process.communicate()


def _request(box: _Running, method: str, path: str, body: object = None) -> bytes:
    text = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(text)}\r\n"
    return f"{head}Authorization: Bearer {box.credentials}\r\n\r\n".encode() + text


def _answer(connection: socket.socket) -> bytes:
    """One whole answer; it must be a good one."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise RuntimeError(body.decode())
    return body


def _processor_time(pid: int) -> float:
    """Seconds of processor time that the process has had."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rates(box: _Running, request: bytes) -> tuple[float, float]:
    """Requests a second: by the clock, and by the sandbox's processor time."""
    address = ("127.0.0.1", box.port)
    connections = [socket.create_connection(address) for _ in range(_CONNECTIONS)]
    try:
        done, used, start = 0, _processor_time(box.pid), time.perf_counter()
        while time.perf_counter() - start < _SECONDS:
            for connection in connections:
                connection.sendall(request)
            for connection in connections:
                _answer(connection)
            done += len(connections)
        seconds = time.perf_counter() - start
        return done / seconds, done / max(_processor_time(box.pid) - used, 0.01)
    finally:
        for connection in connections:
            connection.close()


def _start(*options: str) -> float:
    """Seconds until the sandbox says where it is, the best of some."""
    times = []
    for _ in range(_STARTS):
        start = time.perf_counter()
        with _sandbox(*options):
            times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print both tables."""
    print("| start of the sandbox | s |")
    print("| --- | ---: |")
    for seed in ("empty", "acme", "b2b"):
        print(f"| {seed} | {_start('--seed', seed):.2f} |")
    print()
    print("| 2,000 users | requests/s | requests/s of its processor time |")
    print("| --- | ---: | ---: |")
    with _sandbox("--seed", "b2b") as box:
        search = _request(box, "POST", "/v2/mgmt/user/search", {"limit": 1})
        with socket.create_connection(("127.0.0.1", box.port)) as connection:
            connection.sendall(search)
            (user,) = json.loads(_answer(connection))["users"]
        tenant = user["userTenants"][0]["tenantId"]
        reads = {
            "LoadUser": ("GET", f"/v1/mgmt/user?loginId={user['loginIds'][0]}", None),
            "LoadTenant": ("GET", f"/v1/mgmt/tenant?id={tenant}", None),
            "LoadAllRoles": ("GET", "/v1/mgmt/role/all", None),
            "SearchUsers, a page of 10": ("POST", "/v2/mgmt/user/search", {"limit": 10}),
            "SearchUsers by tenant": (
                "POST",
                "/v2/mgmt/user/search",
                {"tenantIds": [tenant], "limit": 10},
            ),
            "SearchUsers by text": ("POST", "/v2/mgmt/user/search", {"text": "silva", "limit": 10}),
        }
        for name, (method, path, body) in reads.items():
            clock, processor = _rates(box, _request(box, method, path, body))
            print(f"| {name} | {clock:.0f} | {processor:.0f} |")


if __name__ == "__main__":
    main()

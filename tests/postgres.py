"""A real PostgreSQL server for tests: a cluster of its own, on loopback, gone with the process."""

from __future__ import annotations

import atexit
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import psycopg
import pytest

from descope_mcp.store.databases.postgres_url import PostgresUrl, parsed, written

#: A password that has to be escaped, and that must not turn up anywhere.
PASSWORD = "p@ss:w/rd canary?#%41"
_ACCOUNT = "postgres"
_numbers = itertools.count(1)
#: Fast, and lost with the machine.
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class Cluster:
    """A server and where it listens."""

    def __init__(self, place: Path, settings: Mapping[str, object]) -> None:
        self.place = place
        self._settings = settings
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        password = place / "password"
        password.write_text(PASSWORD)
        own(password)
        made = ["-U", "tester", "--auth=scram-sha-256", f"--pwfile={password}", "--no-sync"]
        _run("initdb", "-D", str(place / "data"), *made, "-E", "UTF8", "--locale=C")
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.place,
            "shared_buffers": "16MB",
            "max_connections": 120,
            **self._settings,
        }
        options = [f"-c{name}={value}" for name, value in settings.items()]
        command = [*as_account("--pdeathsig", "INT"), program("postgres")]
        with (self.place / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "-D", str(self.place / "data"), *options],
                stdout=log,
                stderr=log,
                cwd=self.place,
            )
        end = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url("postgres").text, connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise RuntimeError((self.place / "log").read_text()[-2000:]) from None
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End the server at once, as a crash does."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)

    def url(self, database: str) -> PostgresUrl:
        """The address of a database."""
        return parsed(written("tester", PASSWORD, "127.0.0.1", self.port, database))

    def database(self) -> PostgresUrl:
        """A new, empty database."""
        name = f"test_{next(_numbers)}"
        with psycopg.connect(self.url("postgres").text, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)


def new_cluster(settings: Mapping[str, object] = _NOT_DURABLE) -> Cluster:
    """A server that nobody else uses, with settings; without, it does not wait for the disk.

    Tests of it are skipped where there is no PostgreSQL, but not in continuous integration.
    """
    if not program("initdb"):
        said = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
        pytest.fail(said) if os.environ.get("CI") else pytest.skip(said)
    made = Cluster(new_place(), settings)
    atexit.register(made.stop)
    return made


def new_place() -> Path:
    """A directory of the account's own, gone with the process."""
    place = Path(tempfile.mkdtemp(prefix="pg-", dir=_reachable()))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    own(place)
    return place


@cache
def cluster() -> Cluster:
    """The server that the tests of a process share."""
    return new_cluster()


def execute(url: PostgresUrl, *statements: str) -> None:
    """What somebody does who may write the database."""
    with psycopg.connect(url.text, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def program(name: str) -> str:
    """Where a program of PostgreSQL, or around it, is; "" if it is not there."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join([*map(str, places), os.environ.get("PATH", ""), "/usr/sbin"])
    return shutil.which(name, path=path) or ""


def as_account(*more: str) -> list[str]:
    """What makes a command run as an account that PostgreSQL accepts: it refuses to be root."""
    if os.getuid() != 0:
        return []
    return ["setpriv", f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--init-groups", *more]


def own(path: Path) -> None:
    """Give a file to that account."""
    if os.getuid() == 0:
        account = pwd.getpwnam(_ACCOUNT)
        os.chown(path, account.pw_uid, account.pw_gid)


def _run(name: str, *arguments: str) -> None:
    command = [*as_account(), program(name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=120)
    assert done.returncode == 0, done.stderr


def _reachable() -> str:
    """A directory for temporary files that the account gets to."""
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        seen = subprocess.run([*as_account(), "test", "-x", place], cwd="/")
        if seen.returncode == 0:
            return place
    raise RuntimeError("no directory for temporary files can be reached by the account postgres")

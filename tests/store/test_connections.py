"""How PostgreSQL is reached in earnest: with TLS that is checked, and through a pooler."""

from __future__ import annotations

import datetime
import ipaddress
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from descope_mcp.store.consent import approvals
from descope_mcp.store.databases.postgres_url import PostgresUrl, parsed, written
from descope_mcp.store.errors import StoreError
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.journal.entries import entries
from descope_mcp.store.journal.write_ahead import intend, settle
from descope_mcp.store.store import Store
from tests.postgres import (
    PASSWORD,
    as_account,
    cluster,
    new_cluster,
    new_place,
    own,
    program,
)
from tests.stores import close_all, replica

from .journal.test_journal import ADA, BOB
from .test_replicas import ask


def certified(place: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody else has signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "postgres")])
    now = datetime.datetime.now(datetime.UTC)
    host = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([host]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = place / "server.crt", place / "server.key"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    private.chmod(0o600)
    own(private)
    return certificate, private


def test_a_certificate_is_checked(tmp_path: Path) -> None:
    certificate, private = certified(new_place())
    tls = {"ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": private}
    server = new_cluster({"fsync": "off", **tls})
    trusted = tmp_path / "trusted.crt"
    trusted.write_bytes(certificate.read_bytes())
    url, port = server.database(), server.port

    def store(name: str, text: str, root: Path) -> Store:
        full = f"{text}?sslmode=verify-full&sslrootcert={root}"
        return Store(tmp_path / name, tmp_path / "config" / "key", url=parsed(full))

    good = store("good", url.text, trusted)
    intend(good, ADA)
    with good.begin() as connection:
        used = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert connection.exec_driver_sql(used).scalar() is True
    (tmp_path / "another").mkdir()
    another, _ = certified(tmp_path / "another")
    elsewhere = written("tester", PASSWORD, "localhost", port, url.database)
    for name, text, root in (("a", url.text, another), ("b", elsewhere, trusted)):
        bad = store(name, text, root)
        with pytest.raises(StoreError, match="its certificate does not fit") as told:
            intend(bad, BOB)
        assert PASSWORD not in str(told.value)
        bad.close()
    assert len(entries(good)) == 1
    good.close()
    server.stop()


@pytest.fixture
def pooled(tmp_path: Path) -> Iterator[Store]:
    """A store behind PgBouncer in transaction mode, with two connections for everybody."""
    if not (pgbouncer := program("pgbouncer")):
        said = "PgBouncer is not installed (Debian: apt-get install pgbouncer)"
        pytest.fail(said) if os.environ.get("CI") else pytest.skip(said)
    server, place = cluster(), new_place()
    direct = server.database()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    users = place / "users"
    users.write_text(f'"tester" "{PASSWORD}"\n')
    settings = place / "pgbouncer.ini"
    settings.write_text(f"""
[databases]
* = host=127.0.0.1 port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = 2
""")
    for file in (users, settings):
        own(file)
    process = subprocess.Popen(
        [*as_account("--pdeathsig", "INT"), pgbouncer, "-q", str(settings)],
        cwd=place,
        stderr=subprocess.DEVNULL,
    )
    url = parsed(written("tester", PASSWORD, "127.0.0.1", port, direct.database))
    try:
        _answering(url)
        store = Store(tmp_path / "state", tmp_path / "config" / "key", url=url)
        yield store
        store.close()
        close_all()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)


def _answering(url: PostgresUrl) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            psycopg.connect(url.text, connect_timeout=2).close()
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def test_a_pooler_may_sit_in_between(pooled: Store, tmp_path: Path) -> None:
    store, other = pooled, replica(pooled, tmp_path / "other")
    failed: list[Exception] = []

    def change(one: Store, of: str) -> None:
        try:
            for number in range(10):
                called = replace(ADA, call=f"{of}{number}")
                intend(one, called)
                settle(one, called, "done")
        except Exception as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    # More at once than there are connections, so that each is handed around.
    threads = [
        threading.Thread(target=change, args=(one, f"{name}{number}-"))
        for name, one in (("a", store), ("b", other))
        for number in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(entries(store)) == 60
    assert all(entry.result == "done" for entry in entries(other))
    assert [hash_chain.problems(one)[2] for one in (store, other)] == [[], []]


def test_through_a_pooler_nobody_is_told_but_everybody_sees(pooled: Store, tmp_path: Path) -> None:
    store, other = pooled, replica(pooled, tmp_path / "other")
    number = ask(store)
    with store.changes() as changed:
        assert approvals.answer(other, number, approved=True)
        changed(0.5)
    assert approvals.consume(store, "b") == number

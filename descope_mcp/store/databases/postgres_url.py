"""The address of a PostgreSQL database, with a password that nothing shows."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from descope_mcp.store.errors import StoreError

_SCHEMES = ("postgresql", "postgres")
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]|(?:%2[Ff]|/)[\w%./-]*")
_NAME = re.compile(r"[\w.-]+")
_PORT, _USUAL_PORT = re.compile(r"[0-9]{1,5}"), "5432"
#: The parameters of libpq that may stand in the address; another may be a part of a password.
_PARAMETERS = frozenset(
    (
        "application_name",
        "channel_binding",
        "connect_timeout",
        "gssencmode",
        "host",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "krbsrvname",
        "load_balance_hosts",
        "options",
        "passfile",
        "port",
        "require_auth",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslnegotiation",
        "sslrootcert",
        "target_session_attrs",
        "tcp_user_timeout",
        "user",
    )
)


@dataclass(frozen=True)
class PostgresUrl:
    """An address that libpq understands. ``hosts`` has none where the default socket is meant.

    ``ports`` has one for each of them, "" where it is the usual one.
    """

    text: str = field(repr=False)
    hosts: tuple[str, ...]
    ports: tuple[str, ...]
    database: str
    parameters: frozenset[str]

    @property
    def is_local(self) -> bool:
        """Whether everything stays on this machine: sockets and loopback addresses."""
        return all(_local(host) for host in self.hosts)

    @property
    def name(self) -> str:
        """Where the database is, without user and password."""
        places = [
            host + (f":{port}" if port else "")
            for host, port in zip(self.hosts, self.ports, strict=True)
        ]
        return f"postgresql://{','.join(places)}/{self.database}"

    @property
    def identity(self) -> str:
        """What tells it from other stores, by whatever port it is reached (a pooler's, say)."""
        return f"postgresql://{','.join(self.hosts)}/{self.database}"


def parsed(text: str) -> PostgresUrl:
    """The address in a text: ``postgresql://user:password@host:port/database?sslmode=...``.

    What libpq would make of it otherwise (a password with an unescaped @ is a part of the host
    then) is refused, since it would stand in messages.

    Raises:
        StoreError: it is none; the message repeats nothing of it.
    """
    try:
        parts = urlsplit(text)
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise StoreError(_NONE) from None
    credentials, _, places = parts.netloc.rpartition("@")
    database = unquote(parts.path.removeprefix("/"))
    named = [(value, "") for key, value in given if key in ("host", "hostaddr")]
    found = [*_hosts(places), *named] or _hosts(os.environ.get("PGHOST", ""))
    hosts = [host for host, _ in found]
    wrong = (
        parts.scheme not in _SCHEMES
        or parts.fragment
        or "@" in credentials
        or not _NAME.fullmatch(database)
        or not all(_HOST.fullmatch(host) for host in hosts)
        or not {key for key, _ in given} <= _PARAMETERS
    )
    if wrong:
        raise StoreError(_NONE)
    names = tuple(unquote(host) for host in hosts)
    ports = tuple(port or _port(given) for _, port in found)
    return PostgresUrl(text, names, ports, database, frozenset(key for key, _ in given))


def written(user: str, password: str, host: str, port: int, database: str) -> str:
    """An address with these parts, escaped."""
    secret = f":{quote(password, safe='')}" if password else ""
    return f"postgresql://{quote(user, safe='')}{secret}@{quote(host, safe='')}:{port}/{database}"


def _hosts(places: str) -> list[tuple[str, str]]:
    """The hosts of the middle part, which may name several for failing over, and their ports."""
    found = []
    for place in filter(None, places.split(",")):
        host, colon, port = place.rpartition(":")
        if place.endswith("]") or not colon:
            host, port = place, ""
        if port and not _PORT.fullmatch(port):
            raise StoreError(_NONE)
        found += [(host, "" if port == _USUAL_PORT else port)] if host else []
    return found


def _port(given: list[tuple[str, str]]) -> str:
    """The port that the parameters name for all hosts, "" for the usual one."""
    port = next((value for key, value in given if key == "port"), "")
    return port if _PORT.fullmatch(port) and port != _USUAL_PORT else ""


def _local(host: str) -> bool:
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


_NONE = (
    "is not the address of a PostgreSQL database; it looks like "
    "postgresql://USER:PASSWORD@HOST:5432/DATABASE, with %40 for @, %3A for : and %2F for / in the "
    "password"
)

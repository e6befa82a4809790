"""The file that says who may call over HTTP, and by which key their calls go to Descope.

Several issuers and keys do not fit into variables, and each has attributes of its own; so there is
one TOML file. Nothing in it is secret: keys are named by where they are.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from descope_mcp.api.credentials import Credentials
from descope_mcp.catalog.operation_record.effect import Effect
from descope_mcp.configuration import regions, text_files
from descope_mcp.configuration.documents import from_toml
from descope_mcp.configuration.secret_source import NoSecret
from descope_mcp.configuration.secret_table import SecretTable
from descope_mcp.guard.policy.file_format import Claim, Patterns, ProjectId
from descope_mcp.guard.policy.who import Who
from descope_mcp.server.auth.console_provider import ConsoleProvider
from descope_mcp.server.auth.issuer import Issuer

#: How the names of machines begin, and those of people who sign in to the console.
MACHINES, PEOPLE = "token", "console"
#: No issuer is called so: whoever it vouches for would be one of them.
_TAKEN = {MACHINES: "machines have", PEOPLE: "people of the console have"}
_WELL_KNOWN = "/.well-known/openid-configuration"


class ConfigurationError(Exception):
    """The file is wrong; one line per problem."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """By which credentials, and to which API, calls of some callers go."""

    who: Who
    base_url: str
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the file says: the public origin of this server, issuers, and ways to Descope.

    ``first_class`` is the class of calls that clients ask for when they sign in first. ``console``
    is by whom people are known who decide in a browser, None where nobody does.
    """

    origin: str
    issuers: tuple[Issuer, ...]
    upstreams: tuple[Upstream, ...]
    first_class: Effect = "read"
    console: ConsoleProvider | None = None


def is_safe(address: str) -> bool:
    """Whether an address is reached over TLS, or is of this machine."""
    parts = urlsplit(address)
    loopback = parts.scheme == "http" and _is_loopback(parts.hostname or "")
    return bool(parts.hostname) and (parts.scheme == "https" or loopback)


def _address(value: str) -> str:
    """An https address, or one of this machine, as it is compared: without a slash at the end."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("write an address like https://mcp.example.com")
    if not is_safe(value):
        raise ValueError("must be https; plain http is for this machine only")
    if parts.username or parts.password:
        raise ValueError("leave the user out of it")
    return value.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


Address = Annotated[str, AfterValidator(_address)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _KeyTable(SecretTable):
    """Where a key is: one of these places."""

    def read(self) -> str:
        """The key.

        Raises:
            NoSecret: it is not there, or is none.
        """
        value = super().read()
        if not re.fullmatch(r"[\x21-\x39\x3b-\x7e]+", value):
            raise NoSecret("what is there holds a space, a colon or a special character")
        return value


class _IssuerTable(_Table):
    url: Address
    audience: Annotated[str, Field(max_length=500)] = ""
    keys: Address | None = None
    claims: dict[Claim, Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default_factory=dict
    )


class _UpstreamTable(_Table):
    who: dict[Claim, Patterns] = Field(default_factory=dict)
    project: ProjectId
    management_key: _KeyTable
    auth_management_key: _KeyTable | None = None
    access_key: _KeyTable | None = None
    base_url: Address | None = None

    def upstream(self) -> Upstream:
        """The table with its keys.

        Raises:
            NoSecret: one is not where it should be.
        """
        keys = (self.management_key, self.auth_management_key, self.access_key)
        read = [key.read() if key else "" for key in keys]
        base_url = self.base_url or regions.api_url(self.project)
        return Upstream(self.who, base_url, Credentials(self.project, *read))


_Values = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]


class _RolesTable(_Table):
    """Which values of the claim bring which role."""

    approver: _Values = ("approver",)
    auditor: _Values = ("auditor",)
    administrator: _Values = ("administrator",)


class _ConsoleTable(_Table):
    issuer: Address
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: _KeyTable | None = None
    claim: Annotated[str, Field(min_length=1)] = "roles"
    roles: _RolesTable = _RolesTable()
    scopes: tuple[Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")], ...] = (
        "profile",
        "email",
        "offline_access",
    )

    def provider(self) -> ConsoleProvider:
        """The table with its secret.

        Raises:
            NoSecret: it is not where it should be.
        """
        return ConsoleProvider(
            self.issuer.removesuffix(_WELL_KNOWN),
            self.client_id,
            self.client_secret.read() if self.client_secret else "",
            self.claim,
            self.roles.model_dump(),
            self.scopes,
        )


class _File(_Table):
    url: Address
    sign_in: Effect = "read"
    issuer: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")], _IssuerTable] = Field(
        default_factory=dict
    )
    upstream: tuple[_UpstreamTable, ...] = ()
    console: _ConsoleTable | None = None


def read(path: Path) -> Configuration:
    """What the file says, with the keys that it names.

    Raises:
        ConfigurationError: something in it is wrong, or a key is not where it says.
    """
    try:
        data = from_toml(text_files.read(path))
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise ConfigurationError(f"{path}: {reason}") from None
    except ValueError as error:
        raise ConfigurationError(f"{path.name}: {error}; correct the file") from None
    try:
        written = _File.model_validate(data)
    except ValidationError as error:
        lines = [f"{path.name}: {_said(one)}" for one in error.errors()]
        raise ConfigurationError("\n".join(lines)) from None
    issuers = tuple(_issuer(name, table) for name, table in written.issuer.items())
    problems = [*_faults(written, issuers)]
    upstreams: list[Upstream] = []
    for number, table in enumerate(written.upstream, 1):
        try:
            upstreams.append(table.upstream())
        except NoSecret as error:
            problems.append(f"upstream {number}: {error}")
    console = None
    try:
        console = written.console.provider() if written.console else None
    except NoSecret as error:
        problems.append(f"console: {error}")
    if problems:
        raise ConfigurationError("\n".join(f"{path.name}: {one}" for one in problems))
    return Configuration(written.url, issuers, tuple(upstreams), written.sign_in, console)


def _issuer(name: str, table: _IssuerTable) -> Issuer:
    # The console shows the address of the metadata.
    url = table.url.removesuffix(_WELL_KNOWN)
    return Issuer(name, url, table.audience, table.keys or "", table.claims)


def _faults(written: _File, issuers: Sequence[Issuer]) -> list[str]:
    found = [f"issuer.{issuer.name}: {why}" for issuer in issuers if (why := issuer.fault())]
    if urlsplit(written.url).path:
        found.append("url: write the origin alone; the paths of this server are added to it")
    found += [
        f"issuer.{name}: {whose} this name; choose another"
        for name, whose in _TAKEN.items()
        if name in written.issuer
    ]
    for number, issuer in enumerate(issuers):
        found += [
            f"issuer.{issuer.name}: its tokens may be those of {other.name} too"
            for other in issuers[:number]
            if other.issues(issuer.url) or issuer.issues(other.url) or issuer.alike(other)
        ]
    return found


def _said(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"] if part != "[key]")
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message[:1].lower()}{message[1:]}" if place else message

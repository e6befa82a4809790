"""Who is told of requests, as a TOML file says it. Nothing in it is secret.

The address of a webhook is one with most services, so that only the place of it is written.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from descope_mcp.configuration import text_files
from descope_mcp.configuration.documents import from_toml
from descope_mcp.configuration.secret_source import NoSecret
from descope_mcp.configuration.secret_table import SecretTable


class ConfigurationError(Exception):
    """The file is wrong; one line per problem, without anything secret."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A URL that is posted to; ``key`` signs what is, if it is not empty.

    ``names`` says whether it is told whom a call hits and who asks: personal data.
    """

    name: str
    url: str = field(repr=False)
    body: Literal["json", "slack", "teams"] = "json"
    key: bytes = field(default=b"", repr=False)
    names: bool = False


@dataclass(frozen=True, slots=True)
class Email:
    """Mailboxes, and the server that takes mail for them; ``names`` as of webhooks."""

    name: str
    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"]
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)
    names: bool = False


Channel = Webhook | Email


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _WebhookTable(_Table):
    url: SecretTable
    body: Literal["json", "slack", "teams"] = "json"
    key: SecretTable | None = None
    names: bool = False

    def channel(self, name: str) -> Webhook:
        """The channel.

        Raises:
            NoSecret: something is not where it should be, or is not what it should be.
        """
        key = _key(self.key.read()) if self.key else b""
        if self.body == "json" and not key:
            raise NoSecret("key: name one, which signs what is sent")
        return Webhook(name, _url(self.url.read()), self.body, key, self.names)


_Mailbox = Annotated[str, Field(pattern=r"^[^\s@<>,;:\"]+@[^\s@<>,;:\"]+$", max_length=254)]


class _EmailTable(_Table):
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]+$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: str = ""
    password: SecretTable | None = None
    sender: Annotated[_Mailbox, Field(alias="from")]
    to: Annotated[tuple[_Mailbox, ...], Field(min_length=1, max_length=50)]
    names: bool = False

    def channel(self, name: str) -> Email:
        """The channel.

        Raises:
            NoSecret: something is not where it should be, or would go unprotected.
        """
        if self.tls == "none" and not _is_loopback(self.host):
            raise NoSecret('tls: "none" is for this machine only')
        if bool(self.user) != bool(self.password):
            raise NoSecret("user and password belong together")
        password = self.password.read() if self.password else ""
        if not (self.user + password).isascii():
            raise NoSecret(
                "user and password: one holds other letters than ASCII, which mail servers are not "
                "asked for with; choose another"
            )
        places = (self.host, self.port, self.tls, self.sender, self.to)
        return Email(name, *places, self.user, password, self.names)


_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]


class _File(_Table):
    webhook: dict[_Name, _WebhookTable] = Field(default_factory=dict)
    email: dict[_Name, _EmailTable] = Field(default_factory=dict)


_Given = TypeVar("_Given", _WebhookTable, _EmailTable)


def read(path: Path) -> tuple[Channel, ...]:
    """The channels that the file names, with their secrets.

    Raises:
        ConfigurationError: something in it is wrong, or a secret is not where it says.
    """
    try:
        written = _File.model_validate(from_toml(text_files.read(path)))
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise ConfigurationError(f"{path}: {reason}") from None
    except ValidationError as error:
        said = ((".".join(map(str, e["loc"])), e["msg"]) for e in error.errors())
        lines = [f"{path.name}: {place}: {why}" for place, why in said]
        raise ConfigurationError("\n".join(lines)) from None
    except ValueError as error:
        raise ConfigurationError(f"{path.name}: {error}; correct the file") from None
    problems: list[str] = []
    found = [
        _made(f"{kind}.{name}", table.channel, name, problems)
        for kind, tables in (("webhook", written.webhook), ("email", written.email))
        for name, table in tables.items()
    ]
    twice = sorted(written.webhook.keys() & written.email.keys())
    problems += [f"email.{name}: a webhook has this name; choose another" for name in twice]
    if problems:
        raise ConfigurationError("\n".join(f"{path.name}: {one}" for one in problems))
    return tuple(one for one in found if one is not None)


def _made(
    place: str, make: Callable[[str], Channel], name: str, problems: list[str]
) -> Channel | None:
    try:
        return make(name)
    except NoSecret as error:
        problems.append(f"{place}: {error}")
        return None


def _url(text: str) -> str:
    """A URL that may be posted to: https, or http on this machine."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise NoSecret("url: what is there is not a URL") from None
    if not re.fullmatch(r"[\x21-\x7e]+", text) or not parts.hostname or parts.username:
        raise NoSecret("url: what is there is not a URL")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise NoSecret("url: must be https; plain http is for this machine only")
    return text


def _key(text: str) -> bytes:
    """A key as Standard Webhooks writes it: in base64, perhaps after ``whsec_``."""
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise NoSecret("key: what is there is not base64") from None
    if not 24 <= len(key) <= 64:
        raise NoSecret("key: has to have 24 to 64 bytes (openssl rand -base64 32)")
    return key


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False

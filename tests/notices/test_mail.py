"""Notices by e-mail: to a server that is who it says, with a password that nobody overhears."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Literal

import pytest

from descope_mcp.notices import delivery
from descope_mcp.notices.configuration import Email
from descope_mcp.store.store import Store
from tests.api.sockets import self_signed
from tests.notices.test_delivery import CONSOLE, filed, nothing_left, until
from tests.store.conftest import in_files

__all__ = ["in_files"]
pytestmark = pytest.mark.anyio

TO = ("oncall@example.com", "lead@example.com")
PASSWORD = "mail-canary"


class Mailboxes:
    """A small SMTP server on loopback (RFC 5321), which keeps what it is given.

    With `tls` it offers STARTTLS (RFC 3207), and takes user and password (RFC 4954).
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.mails: list[tuple[list[str], bytes]] = []
        #: Each command, and whether it came through TLS.
        self.heard: list[tuple[str, bool]] = []
        self._tls = tls

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._served(reader, writer)
        except (OSError, ssl.SSLError):
            pass  # the client does not trust us, and goes
        finally:
            writer.close()

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to: list[str] = []
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            secure = writer.get_extra_info("ssl_object") is not None
            text = line.decode().strip()
            self.heard.append((text, secure))
            match text.upper().partition(" ")[0]:
                case "EHLO":
                    more = [b"250-AUTH PLAIN"] if secure else [b"250-STARTTLS"]
                    offered = more if self._tls else []
                    writer.write(b"\r\n".join([b"250-here", *offered, b"250 8BITMIME", b""]))
                case "STARTTLS" if self._tls:
                    writer.write(b"220 go on\r\n")
                    await writer.drain()
                    await writer.start_tls(self._tls)
                case "RCPT":
                    to.append(text.split("<")[1].split(">")[0])
                    writer.write(b"250 ok\r\n")
                case "DATA":
                    writer.write(b"354 go on\r\n")
                    self.mails.append((to, await reader.readuntil(b"\r\n.\r\n")))
                    writer.write(b"250 ok\r\n")
                case "AUTH":
                    right = base64.b64encode(f"\0mcp\0{PASSWORD}".encode()).decode()
                    known = text == f"AUTH PLAIN {right}"
                    writer.write(b"235 in\r\n" if known else b"535 no\r\n")
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                case _:
                    writer.write(b"250 ok\r\n")
            await writer.drain()


@asynccontextmanager
async def mailboxes(
    tls: ssl.SSLContext | None = None, *, implicit: bool = False
) -> AsyncIterator[tuple[Mailboxes, int]]:
    kept = Mailboxes(tls)
    server = await asyncio.start_server(kept, "127.0.0.1", 0, ssl=tls if implicit else None)
    async with server:
        yield kept, server.sockets[0].getsockname()[1]


async def test_mail_is_plain_text_to_everybody_named(in_files: Store) -> None:
    async with mailboxes() as (kept, port):
        plain = Email("mail", "127.0.0.1", port, "none", "mcp@example.com", TO, names=True)
        with delivery.running([plain], in_files, CONSOLE):
            number = filed(in_files, "mail")
            await until(nothing_left(in_files, "mail"))
    ((received, raw),) = kept.mails
    assert received == list(TO)
    parsed = message_from_bytes(raw, policy=policy.default)
    assert parsed["Subject"] == f"Request {number} waits for a person: Delete a role"
    text = parsed.get_content()
    assert parsed.get_content_type() == "text/plain"
    assert f"{CONSOLE}/requests/{number}" in text
    assert "evil.example" not in text


def mail(port: int, tls: Literal["starttls", "implicit"], password: str = PASSWORD) -> Email:
    return Email("mail", "127.0.0.1", port, tls, "mcp@example.com", TO, "mcp", password)


@pytest.mark.parametrize("way", ["starttls", "implicit"])
async def test_mail_over_tls_and_its_password_are_heard_by_the_server_alone(
    in_files: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: Literal["starttls", "implicit"],
) -> None:
    pem = tmp_path / "server.pem"
    async with mailboxes(self_signed(pem), implicit=way == "implicit") as (kept, port):
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        with delivery.running([mail(port, way)], in_files, CONSOLE):
            filed(in_files, "mail")
            await until(nothing_left(in_files, "mail"))
    ((received, _),) = kept.mails
    assert received == list(TO)
    open_ = {command.partition(" ")[0].upper() for command, secure in kept.heard if not secure}
    assert open_ == ({"EHLO", "STARTTLS"} if way == "starttls" else set())
    assert any(command.startswith("AUTH PLAIN") for command, _ in kept.heard)


@pytest.mark.parametrize("way", ["starttls", "implicit"])
async def test_a_server_that_nobody_vouches_for_is_told_nothing(
    in_files: Store,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    way: Literal["starttls", "implicit"],
) -> None:
    made = self_signed(tmp_path / "server.pem")
    async with mailboxes(made, implicit=way == "implicit") as (kept, port):
        with caplog.at_level(logging.WARNING), delivery.running([mail(port, way)], in_files, ""):
            filed(in_files, "mail")
            await until(lambda: "was not taken: SSLCertVerificationError" in caplog.text)
    assert kept.mails == []
    assert {text.partition(" ")[0].upper() for text, _ in kept.heard} <= {"EHLO", "STARTTLS"}


async def test_a_wrong_password_is_told_without_it(
    in_files: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pem = tmp_path / "server.pem"
    async with mailboxes(self_signed(pem), implicit=True) as (kept, port):
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        wrong = mail(port, "implicit", "wrong-canary")
        with caplog.at_level(logging.WARNING), delivery.running([wrong], in_files, ""):
            filed(in_files, "mail")
            await until(lambda: "was not taken: SMTPAuthenticationError" in caplog.text)
    assert kept.mails == []
    assert "canary" not in caplog.text


async def test_mail_that_must_be_protected_is_not_sent_in_the_clear(
    in_files: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with mailboxes() as (kept, port):
        sent = Email("mail", "127.0.0.1", port, "starttls", "a@example.com", ("b@example.com",))
        with caplog.at_level(logging.WARNING), delivery.running([sent], in_files, ""):
            filed(in_files, "mail")
            await until(lambda: "was not taken" in caplog.text)
    assert kept.mails == []

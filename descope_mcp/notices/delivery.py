"""Notices on their way: taken from the outbox, sent, tried again later if they were not taken.

Each channel has a thread of its own, so that one which hangs keeps no other from being told.
"""

from __future__ import annotations

import logging
import smtplib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import anyio

from descope_mcp.api import webhook
from descope_mcp.api.errors import ApiFailure
from descope_mcp.api.transport import certificates
from descope_mcp.notices import bodies, signature
from descope_mcp.notices.configuration import Channel, Email, Webhook
from descope_mcp.notices.content import Content, content
from descope_mcp.store.consent import listings, outbox
from descope_mcp.store.consent.outbox import Notice
from descope_mcp.store.errors import StoreError
from descope_mcp.store.store import Store

log = logging.getLogger(__name__)

#: Seconds after which a notice is tried again, the last of them until its request waits no more.
PAUSES = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)
#: Seconds after which a thread sees whether it should end, and after which it looks in any case.
_EVERY, _AT_LEAST = 0.5, 10.0
_BODIES = {"json": bodies.as_json, "slack": bodies.as_slack, "teams": bodies.as_teams}


class _NotTaken(Exception):
    """A notice was not taken; the text says why, and nothing of the address."""


@contextmanager
def running(channels: Sequence[Channel], store: Store, console: str) -> Iterator[None]:
    """Send what is in the outbox, as long as the context lasts."""
    ended = threading.Event()
    threads = [
        threading.Thread(target=_serve, args=(one, store, console, ended), daemon=True)
        for one in channels
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join(2 * _EVERY)


def _serve(channel: Channel, store: Store, console: str, ended: threading.Event) -> None:
    told = False
    while not ended.is_set():
        try:
            with store.changes() as changed:
                look = 0.0
                while not ended.is_set():
                    if time.time() >= look:
                        look = _sent(channel, store, console)
                    if changed(_EVERY):
                        look = 0.0
        except Exception as error:  # noqa: BLE001 - a thread that ends would tell nobody any more
            if not told:
                known = error if isinstance(error, StoreError) else type(error).__name__
                log.warning("notices to %s wait: %s", channel.name, known)
            told = True
            ended.wait(_EVERY)


def _sent(channel: Channel, store: Store, console: str) -> float:
    """Send what is due to a channel; when something is next, in epoch seconds."""
    while True:
        due = outbox.due(store, channel.name)
        if due is None or due > time.time():
            return min(due or float("inf"), time.time() + _AT_LEAST)
        if notice := outbox.take(store, channel.name, time.time()):
            _try(channel, store, console, notice)


def _try(channel: Channel, store: Store, console: str, notice: Notice) -> None:
    """Send a notice of a request that still waits, or have it tried again."""
    seen = listings.overview(store, notice.request)
    request = seen.requests.get(notice.request)
    if request is None or request.status != "pending":
        outbox.done(store, notice)
        return
    try:
        voted = len(seen.voters[request.number])
        told = content(request, console, names=channel.names, voted=voted)
        send(channel, told, notice.message)
    except Exception as error:  # noqa: BLE001 - what one notice meets must not stop those behind it
        # Of what nobody foresaw only the kind is told: its text may hold a secret.
        why = error if isinstance(error, _NotTaken) else type(error).__name__
        pause = PAUSES[min(notice.attempts, len(PAUSES)) - 1]
        text = "notice of request %d to %s was not taken: %s; again in %.0f s"
        log.warning(text, request.number, channel.name, why, pause)
        outbox.later(store, notice, time.time() + pause)
    else:
        outbox.done(store, notice)


def send(channel: Channel, told: Content, message: str) -> None:
    """One try.

    Raises:
        _NotTaken: it was not taken.
    """
    match channel:
        case Webhook():
            body = _BODIES[channel.body](told)
            headers = signature.headers(channel.key, message, time.time(), body)
            try:
                status = anyio.run(webhook.post, channel.url, body, headers)
            except ApiFailure as failure:
                raise _NotTaken(failure.message.rstrip(".")) from None
            if not 200 <= status < 300:
                raise _NotTaken(f"answered {status}")
        case Email():
            try:
                _mail(channel, told, message)
            except ApiFailure as failure:
                raise _NotTaken(failure.message.rstrip(".")) from None
            except (OSError, smtplib.SMTPException) as error:
                # What a server says of a message may repeat an address.
                raise _NotTaken(type(error).__name__) from None


def _mail(channel: Email, told: Content, message: str) -> None:
    context = certificates()
    mail = bodies.as_email(told, channel, message)
    where = (channel.host, channel.port)
    patience = webhook.PATIENCE
    if channel.tls == "implicit":
        server: smtplib.SMTP = smtplib.SMTP_SSL(*where, timeout=patience, context=context)
    else:
        server = smtplib.SMTP(*where, timeout=patience)
    with server:
        if channel.tls == "starttls":
            server.starttls(context=context)
        if channel.user:
            server.login(channel.user, channel.password)
        server.send_message(mail, channel.sender, list(channel.to))

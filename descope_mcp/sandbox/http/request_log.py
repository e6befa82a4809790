"""The requests that came last, with their answers, for whoever wants to see what a client does.

Secrets are replaced when they are shown. What is kept is bounded in number and in size.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from descope_mcp.catalog.arguments.validation import SEALED
from descope_mcp.catalog.secret_shapes import scan
from descope_mcp.sandbox.http.masking import masked

#: So many requests, so many bytes of all their bodies, and of one body.
MOST, BYTES, LONGEST = 500, 8 * 1024 * 1024, 64 * 1024

#: What the id of a project looks like, in a region or without one.
_PROJECT = re.compile(r"P[0-9A-Za-z]{20,38}")

#: Where the endpoint of an operation puts its name.
OPERATION = "sandbox.operation"


@dataclass(slots=True)
class Exchange:
    """A request and its answer; the bodies are as they came, or None if they are too long."""

    number: int
    at: float
    method: str
    path: str
    query: str = field(repr=False)
    authorization: str
    operation: str = ""
    status: int = 0
    seconds: float = 0.0
    asked: bytes | None = field(default=b"", repr=False)
    answered: bytes | None = field(default=b"", repr=False)
    secret_fields: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """How many bytes of bodies are kept."""
        return len(self.asked or b"") + len(self.answered or b"")

    def shown(self) -> dict[str, Any]:
        """All of it as JSON, with secrets replaced."""
        query = scan(f"?{self.query}") if self.query else ""
        return {
            "number": self.number,
            "time": int(self.at),
            "operation": self.operation,
            "method": self.method,
            "path": self.path + query,
            "authorization": self.authorization,
            "status": self.status,
            "milliseconds": round(self.seconds * 1000, 1),
            "request": self._body(self.asked),
            "answer": self._body(self.answered),
        }

    def _body(self, raw: bytes | None) -> Any:
        if raw is None:
            return f"[more than {LONGEST >> 10} KiB, not kept]"
        text = raw.decode(errors="replace")
        try:
            value = json.loads(text) if text.strip() else None
        except (ValueError, RecursionError):
            form = parse_qs(text, keep_blank_values=True) if text.isprintable() else {}
            value = {name: values[-1] for name, values in form.items()} if "=" in text else text
        return masked(value, self.secret_fields)


@dataclass(slots=True)
class RequestLog:
    """What is kept.

    Attributes:
        clock: the time of the sandbox.
        project: the id of the project.
        secret_fields: by operation, the names of the fields that its record calls secret.
        kept: the latest last.
    """

    clock: Callable[[], float]
    project: Callable[[], str]
    secret_fields: Mapping[str, frozenset[str]]
    kept: deque[Exchange] = field(default_factory=deque)
    came: int = 0
    size: int = 0

    def find(self, number: int) -> Exchange | None:
        """The request of a number, if it is still there."""
        return next((one for one in self.kept if one.number == number), None)

    def forget(self) -> None:
        """Forget all of them; the numbers go on."""
        self.kept.clear()
        self.size = 0

    def add(self, exchange: Exchange) -> None:
        """Keep one that is over, and no more than fits."""
        exchange.secret_fields = self.secret_fields.get(exchange.operation, frozenset())
        self.kept.append(exchange)
        self.size += exchange.size
        while len(self.kept) > MOST or self.size > BYTES:
            self.size -= self.kept.popleft().size


class Logged:
    """Keeps what goes through it, but for the sandbox's own paths."""

    def __init__(self, app: ASGIApp, log: RequestLog, own: tuple[str, ...]) -> None:
        self._app = app
        self._log = log
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and keep it when it has been answered."""
        if scope["type"] != "http" or scope["path"].startswith(self._own):
            await self._app(scope, receive, send)
            return
        self._log.came += 1
        exchange = Exchange(
            self._log.came,
            self._log.clock(),
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            _shown_authorization(
                Headers(scope=scope).get("authorization", ""), self._log.project()
            ),
        )

        async def heard() -> Message:
            message = await receive()
            exchange.asked = _longer(exchange.asked, message.get("body", b""))
            return message

        async def said(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
            else:
                exchange.answered = _longer(exchange.answered, message.get("body", b""))
            await send(message)

        start = time.perf_counter()
        try:
            await self._app(scope, heard, said)
        finally:
            exchange.seconds = time.perf_counter() - start
            exchange.operation = scope.get(OPERATION, "")
            self._log.add(exchange)


def _longer(kept: bytes | None, more: bytes) -> bytes | None:
    return None if kept is None or len(kept) + len(more) > LONGEST else kept + more


def _shown_authorization(header: str, own: str) -> str:
    """Which kind of credential there was: a project may be seen, what follows it not.

    A token alone may look like the id of a project, so alone only the `own` one is shown.
    """
    kind, _, value = header.partition(" ")
    if not value:
        return ""
    project, *others = value.split(":")
    is_project = project == own or (others and _PROJECT.fullmatch(project))
    named = project if is_project else SEALED
    return " ".join([kind, ":".join([named, *[SEALED] * len(others)])])

"""The layer that asks for more scopes when a call needs them.

A tool can answer with no HTTP status, and clients sign in again on a 403 alone. So the message is
looked at here, its body and not its headers, which are verified later and not in both eras. What
counts is what the guard decides: what this layer does not see or understand is refused there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.operation_record.effect import EFFECTS, Effect, worse
from descope_mcp.guard import scopes
from descope_mcp.guard.policy.risk import assess
from descope_mcp.server.auth.challenge import Challenges
from descope_mcp.server.http.callers import caller_of

#: A longer message is left to the guard: here everybody would wait for it.
_LONGEST = 256 * 1024
#: What a call of a class may need, and the toolset that it is of.
Need = tuple[Effect, str]


class StepUp:
    """Turns calls away that the caller's scopes do not cover."""

    def __init__(
        self, app: ASGIApp, origin: str, catalog: Catalog, hosts: frozenset[str] = frozenset()
    ) -> None:
        """A layer around `app`, behind the one that knows who calls.

        Args:
            app: what is reached by calls that are covered.
            origin: the public one of this server.
            catalog: what can be called.
            hosts: that are trusted.
        """
        self._app, self._challenges = app, Challenges(origin)
        self._catalog, self._hosts = catalog, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or ask for the scopes that it needs."""
        caller = caller_of(scope)
        if caller.scopes is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        first = await receive()
        missing = {
            one: None
            for effect, toolset in self._needs(first)
            for one in scopes.lacking(caller.scopes, effect, toolset)
        }
        if missing:
            refused = self._challenges.insufficient(scope, caller.scopes, missing)
            await refused(scope, receive, send)
            return
        begun = [first]

        async def again() -> Message:
            return begun.pop() if begun else await receive()

        await self._app(scope, again, send)

    def _needs(self, message: Message) -> Iterator[Need]:
        """What the calls of a request need."""
        body = message.get("body", b"")
        if message["type"] != "http.request" or message.get("more_body") or len(body) > _LONGEST:
            return
        try:
            sent = json.loads(body)
        except (ValueError, RecursionError):
            return
        for one in sent if isinstance(sent, list) else [sent]:
            params = one.get("params") if isinstance(one, dict) else None
            if isinstance(params, dict) and one.get("method") == "tools/call":
                yield from self._of_tool(params.get("name"), params.get("arguments"))

    def _of_tool(self, name: object, arguments: object) -> Iterator[Need]:
        """What a call of a tool needs, as far as its arguments tell."""
        given = _object(arguments)
        if name in _CALLING:
            yield self._of_operation(given.get("operation"), given.get("arguments"))
        elif name == "descope_undo":
            yield "write", ""
        elif name == "descope_plan":
            steps = given.get("steps")
            for step in steps if isinstance(steps, list) else []:
                # A step may take its arguments from others, which nobody knows yet.
                yield self._of_operation(_object(step).get("operation"), None)
        elif name not in _FREE:
            yield self._of_operation(name, arguments)

    def _of_operation(self, name: object, arguments: object) -> Need:
        operation = self._catalog.find(name) if isinstance(name, str) else None
        if operation is None:
            return "read", ""  # a kept answer, or nothing that there is
        try:
            checked = check(operation, _object(arguments))
        except InvalidArguments:
            return operation.effect, operation.toolset
        risk = assess(operation, checked, self._hosts)
        return worse(operation.effect, risk.effect), operation.toolset


_CALLING = frozenset(f"descope_{effect}" for effect in EFFECTS)
#: These tell what there is, and reach nothing of anybody.
_FREE = frozenset({"descope_search", "descope_describe", "descope_status"})


def _object(value: object) -> Mapping[str, Any]:
    """An object; some clients send it as a JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}

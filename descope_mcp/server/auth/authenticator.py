"""The layer that knows who calls: by the access token of every single request."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from descope_mcp.guard.caller import Caller
from descope_mcp.server.auth import principal
from descope_mcp.server.auth.access_token import AccessTokens
from descope_mcp.server.auth.challenge import Challenges, path_of
from descope_mcp.server.auth.machines import Machines
from descope_mcp.server.auth.refusals import InvalidToken, NotVerifiable
from descope_mcp.server.http.callers import seat
from descope_mcp.server.http.refusal import refusal
from descope_mcp.server.http.surfaces import ROOT
from descope_mcp.store import machine_tokens

log = logging.getLogger(__name__)

#: RFC 6750, section 2.1.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_HEADER = b"authorization"
_ONE_WAY = "Send the access token once, in the Authorization header, and nowhere else."


class Authenticator:
    """Lets in requests with a token that counts, and names who sent them."""

    def __init__(
        self,
        app: ASGIApp,
        origin: str,
        challenges: Challenges,
        tokens: AccessTokens,
        machines: Machines,
        refused: Callable[[Caller], str],
    ) -> None:
        """A layer around `app`.

        Args:
            app: what is reached by those who are let in.
            origin: the public one of this server.
            challenges: what is answered to those who are not let in.
            tokens: verifies those of the issuers.
            machines: knows those that were made here.
            refused: why a caller may not do anything here, "" if it may.
        """
        self._app, self._origin, self._tokens, self._machines = app, origin, tokens, machines
        self._challenges, self._refused = challenges, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or answer why not."""
        given = [value for name, value in scope["headers"] if name == _HEADER]
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        challenges = self._challenges
        if len(given) > 1 or any(name == "access_token" for name, _ in query):
            refused = challenges.malformed(scope, _ONE_WAY)
        elif (token := _bearer(given)) is None:
            refused = challenges.unknown(scope)
        else:
            try:
                caller = await self._verified(token, path_of(scope))
            except InvalidToken as error:
                log.info("turned away: %s", error)
                refused = challenges.invalid(scope, str(error))
            except NotVerifiable as error:
                log.warning("nobody is let in: %s", error)
                after = {"Retry-After": str(math.ceil(error.after))}
                refused = refusal(503, f"Nobody can be let in now: {error}.", after)
            else:
                if why := self._refused(caller):
                    refused = refusal(403, why)
                else:
                    seat(scope, caller)
                    # It has done its work: nothing behind this layer has to do with it.
                    scope["headers"] = [pair for pair in scope["headers"] if pair[0] != _HEADER]
                    await self._app(scope, receive, send)
                    return
        await refused(scope, receive, send)

    async def _verified(self, token: str, path: str) -> Caller:
        """Whom a token stands for.

        Raises:
            InvalidToken: for nobody.
            NotVerifiable: that cannot be known now.
        """
        if token.startswith(machine_tokens.PREFIX):
            return await self._machines.verify(token)
        # A token for the whole server is one for each of its surfaces, which offer less.
        own = {f"{self._origin}{path}", f"{self._origin}{ROOT}"}
        return principal.caller(await self._tokens.verify(token, own))


def _bearer(given: Sequence[bytes]) -> str | None:
    """The token of a request, None if it has none; another scheme is none."""
    scheme, _, token = (given[0] if given else b"").decode("latin-1").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and _TOKEN.fullmatch(token) else None

"""Signing in with an OpenID provider: the code flow with PKCE, state and nonce.

Roles are what the provider says of somebody, and its word ages: for a decision it is asked again
after half a minute, for a page after five. It is asked with a refresh token, where it has given
one, and for the claims of the person. Where it does not answer, nobody decides.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from descope_mcp.console.sign_in import sessions
from descope_mcp.console.sign_in.claims import NoPerson, person_of
from descope_mcp.console.sign_in.provider import Away, Provider, Refused
from descope_mcp.console.sign_in.sessions import Session
from descope_mcp.console.sign_in.sign_in import NotKnown, NotNow, way_back
from descope_mcp.console.visit import PREFIX, see_other
from descope_mcp.server.auth.console_provider import ConsoleProvider
from descope_mcp.store.errors import StoreError
from descope_mcp.store.store import Store

if TYPE_CHECKING:
    from descope_mcp.console.console import Console

#: Seconds for which the provider's word on somebody's roles counts: for a decision, for a page.
DECIDING, READING = 30.0, 300.0
#: Seconds for which a sign-in that has begun can be ended.
_BEGUN = 600
_COOKIE = "sign-in"


class OpenIdSignIn:
    """People are known by a provider."""

    def __init__(self, settings: ConsoleProvider, store: Store) -> None:
        self._settings, self._store = settings, store
        self._provider = Provider(settings)

    def routes(self, console: Console) -> list[Route]:
        """Where a sign-in begins, and where the provider sends somebody back."""

        async def begin(request: Request) -> Response:
            to = way_back(request.query_params.get("to", ""))
            try:
                begun = await self._provider.begin(_callback(console))
            except Away:
                return await console.plain(request, "message.html", 503, text="sign-in.away")
            kept = {
                "state": begun.state,
                "nonce": begun.nonce,
                "verifier": begun.verifier,
                "to": to,
                "until": time.time() + _BEGUN,
            }
            # In the browser, so that nobody who is not known writes into the store.
            sealed = await run_sync(lambda: self._store.key.seal(json.dumps(["sign-in", kept])))
            response = RedirectResponse(begun.url, status_code=303)
            console.set_cookie(response, console.cookie_name(_COOKIE), sealed, _BEGUN)
            return response

        async def end(request: Request) -> Response:
            response = await self._ended(console, request)
            console.set_cookie(response, console.cookie_name(_COOKIE), "", 0)
            return response

        return [
            Route("/sign-in", console.open(begin), methods=["GET"]),
            Route("/sign-in/callback", console.open(end), methods=["GET"]),
        ]

    async def asked(self, console: Console, request: Request) -> Response:
        """On to the provider, and then back to the page that somebody wanted."""
        if (
            request.method != "GET"
            or request.headers.get("sec-fetch-mode", "navigate") != "navigate"
        ):
            return await console.plain(request, "message.html", 401, text="signed-out")
        to = way_back(request.url.path.removeprefix(f"{PREFIX}/"))
        return see_other(f"{PREFIX}/sign-in?to={to}")

    async def looked_again(self, session: Session, *, deciding: bool) -> Session:
        """Who it is by now."""
        if time.time() < session.checked + (DECIDING if deciding else READING):
            return session
        try:
            known = await self._provider.again(session.provider, session.person.subject)
            who = person_of(known.claims, self._settings)
        except Away:
            raise NotNow from None
        except (Refused, NoPerson):
            # Another page may have used the refresh token at the same moment.
            newer = await run_sync(sessions.find, self._store, session.secret)
            if newer and newer.checked > session.checked:
                return newer
            raise NotKnown from None
        kept = await run_sync(sessions.known, self._store, session, who, known.tokens)
        if kept is None:
            raise NotKnown
        return kept

    async def _ended(self, console: Console, request: Request) -> Response:
        """Somebody comes back from the provider."""
        sealed = request.cookies.get(console.cookie_name(_COOKIE), "")
        begun = await run_sync(self._begun, sealed)
        if begun is None or not self._is_answer(request, begun):
            return await console.plain(request, "message.html", 400, text="sign-in.failed")
        try:
            known = await self._provider.end(
                request.query_params.get("code", ""),
                begun["verifier"],
                begun["nonce"],
                _callback(console),
            )
            who = person_of(known.claims, self._settings)
        except Away:
            return await console.plain(request, "message.html", 503, text="sign-in.away")
        except (Refused, NoPerson):
            return await console.plain(request, "message.html", 403, text="sign-in.failed")
        if not who.roles:
            return await console.plain(request, "message.html", 403, text="sign-in.none")
        return await console.signed_in(request, who, known.tokens, begun["to"])

    def _begun(self, sealed: str) -> dict[str, Any] | None:
        """The sign-in that a browser has begun; the provider takes each code once."""
        try:
            what, kept = json.loads(self._store.key.unseal(sealed))
        except (StoreError, ValueError):
            return None
        return kept if what == "sign-in" and kept["until"] > time.time() else None

    def _is_answer(self, request: Request, begun: Mapping[str, Any]) -> bool:
        """Whether it is the answer to what this browser began, from the provider that was asked."""
        given = request.query_params
        state = hmac.compare_digest(given.get("state", "").encode(), begun["state"].encode())
        # RFC 9207: which provider answers, where it says so.
        return state and given.get("iss", self._settings.issuer) == self._settings.issuer


def _callback(console: Console) -> str:
    return f"{console.origins.first}{PREFIX}/sign-in/callback"

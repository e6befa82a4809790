"""The pages, put together: who may see each, and what each answer says to a browser."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from descope_mcp.call.services import Services
from descope_mcp.console import forms, live, rendering, static_files, texts
from descope_mcp.console.forms import NotAForm
from descope_mcp.console.origins import Origins
from descope_mcp.console.pages import grants, journal, policy, requests, secrets, undo
from descope_mcp.console.response_headers import guarded, strict_transport
from descope_mcp.console.sign_in import sessions
from descope_mcp.console.sign_in.people import Person, Right
from descope_mcp.console.sign_in.sessions import Session
from descope_mcp.console.sign_in.sign_in import NotKnown, NotNow, SignIn
from descope_mcp.console.static_files import FILES
from descope_mcp.console.visit import PREFIX, Visit, page_values, see_other
from descope_mcp.store.errors import StoreError
from descope_mcp.store.store import Store

log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]
#: Answers somebody who is signed in and may.
Handler = Callable[[Visit], Awaitable[Response]]

#: What the script of a page sends when it asks by itself.
UNATTENDED = "x-unattended"


class Console:
    """The pages over one store."""

    def __init__(self, services: Services, origins: Origins, sign_in: SignIn) -> None:
        """Args: what calls need, where the pages are, how somebody becomes known."""
        self.services, self.origins, self._sign_in = services, origins, sign_in
        self.changes = live.Changes(services.store)

    @property
    def store(self) -> Store:
        """Where requests and sessions are."""
        return self.services.store

    @property
    def routes(self) -> list[BaseRoute]:
        """All of it, for an application."""
        inner = [
            *self._sign_in.routes(self),
            *requests.routes(self),
            *grants.routes(self),
            *journal.routes(self),
            *undo.routes(self),
            *secrets.routes(self),
            *policy.routes(self),
            Route("/live", self.page(live.stream), methods=["GET"]),
            Route("/sign-out", self.page(_sign_out), methods=["POST"]),
            Route("/signed-out", self.open(self._signed_out), methods=["GET"]),
            *(Route(f"/{name}", self.open(static_files.sent), methods=["GET"]) for name in FILES),
            Route("/{path:path}", self.page(_nothing), methods=["GET", "POST"]),
        ]
        home = Route(PREFIX, self.open(_home), methods=["GET"])
        return [home, Mount(PREFIX, routes=inner)]

    def end(self) -> None:
        """End what only listens."""
        self.changes.end()

    def open(self, endpoint: Endpoint) -> Endpoint:
        """An endpoint for everybody who comes to one of our addresses, from our own pages."""

        async def answered(request: Request) -> Response:
            if self.origins.of(request) is None:
                return guarded(
                    PlainTextResponse("The Host of this request is not a name of this server.", 421)
                )
            try:
                if request.method == "POST" and not self.origins.sent_from_here(request):
                    response = await self.plain(
                        request, "message.html", 403, text="error.not-from-here"
                    )
                else:
                    response = await endpoint(request)
            except NotAForm:
                response = await self.plain(request, "message.html", 400, text="error.form")
            except StoreError as error:
                log.warning("the console cannot use the store: %s", error)
                response = await self.plain(request, "message.html", 503, text="error.store")
            return (strict_transport if self.origins.secure else _as_it_is)(guarded(response))

        return answered

    def page(self, handler: Handler, right: Right = "see") -> Endpoint:
        """An endpoint for those who are signed in and have the right; forms need their token.

        For more than to see, their roles are looked at again first.
        """

        async def known(request: Request) -> Response:
            session = await run_sync(sessions.find, self.store, self._cookie(request))
            if session is None:
                return await self._sign_in.asked(self, request)
            try:
                session = await self._current(request, session, deciding=right != "see")
            except NotKnown:
                await run_sync(sessions.end, self.store, session)
                return await self._sign_in.asked(self, request)
            except NotNow:
                return await self.plain(request, "message.html", 503, text="sign-in.away")
            sent = request.method == "POST"
            form = await self.fields(request) if sent else {}
            visit = Visit(self, request, self.texts(request), session, form)
            if sent and not visit.has_token():
                return await visit.refused("error.form", 403)
            if not visit.person.may(right):
                return await visit.refused("error.role", 403)
            return await handler(visit)

        return self.open(known)

    async def fields(self, request: Request) -> dict[str, str]:
        """The fields of a form.

        Raises:
            NotAForm: it is none of ours.
        """
        return await forms.fields(request)

    def texts(self, request: Request) -> texts.Texts:
        """The words in the language of the reader."""
        return texts.chosen(request.headers.get("accept-language", ""))

    async def plain(
        self, request: Request, template: str, status: int = 200, *, text: str = "", **values: Any
    ) -> Response:
        """A page for somebody who is not known; `text` is the name of its message, if it is one."""
        words = self.texts(request)
        message = {"message": words(text)} if text else {}
        said = page_values(self, words, None) | message | values
        return HTMLResponse(await run_sync(lambda: rendering.rendered(template, **said)), status)

    async def signed_in(
        self, request: Request, who: Person, provider: Mapping[str, Any], to: str
    ) -> Response:
        """Begin a session in this browser, end the one that it had, and go on to `to`."""
        if before := await run_sync(sessions.find, self.store, self._cookie(request)):
            await run_sync(sessions.end, self.store, before)
        session = await run_sync(sessions.begin, self.store, who, provider)
        response = see_other(f"{PREFIX}/{to}")
        self.set_cookie(response, self._session_cookie, session.secret, int(sessions.LONGEST))
        return response

    def set_cookie(self, response: Response, name: str, value: str, seconds: int) -> None:
        """A cookie that no script reads, and no other site's form carries."""
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/" if self.origins.secure else PREFIX,
            secure=self.origins.secure,
            httponly=True,
            samesite="lax",
        )

    def cookie_name(self, name: str) -> str:
        """A cookie's name, which no other host can set over TLS, and no other port without."""
        if self.origins.secure:
            return f"__Host-descope-mcp-{name}"
        return f"descope-mcp-{name}-{self.origins.port}"

    @property
    def _session_cookie(self) -> str:
        return self.cookie_name("session")

    def _cookie(self, request: Request) -> str:
        return request.cookies.get(self._session_cookie, "")

    async def _current(self, request: Request, session: Session, *, deciding: bool) -> Session:
        """The session, with the roles that the person has by now.

        Raises:
            NotKnown: that cannot be said, or it was ended meanwhile.
            NotNow: nobody answers.
        """
        session = await self._sign_in.looked_again(session, deciding=deciding)
        # A page that keeps itself up to date is nobody who is there.
        if UNATTENDED in request.headers or request.url.path == f"{PREFIX}/live":
            return session
        now = await run_sync(sessions.seen, self.store, session)
        if now is None:
            raise NotKnown
        return now

    async def _signed_out(self, request: Request) -> Response:
        return await self.plain(request, "message.html", text="signed-out")


async def _sign_out(visit: Visit) -> Response:
    await run_sync(sessions.end, visit.console.store, visit.session)
    response = visit.go("signed-out")
    console = visit.console
    console.set_cookie(response, console.cookie_name("session"), "", 0)
    return response


async def _nothing(visit: Visit) -> Response:
    return await visit.refused("error.nothing", 404)


async def _home(request: Request) -> Response:
    return RedirectResponse(f"{PREFIX}/", status_code=308)


def _as_it_is(response: Response) -> Response:
    return response

"""Sending one request: retries where they are safe (`retry`), bounds on time, size, concurrency."""

from __future__ import annotations

import logging
import os
import ssl
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import cast
from weakref import WeakValueDictionary

import anyio
import httpx

from descope_mcp.api import proxies, rate_limit, retry
from descope_mcp.api.connection_failures import reason
from descope_mcp.api.errors import OutcomeUnknown, RateLimited, Unreachable
from descope_mcp.api.request import Flight, Request
from descope_mcp.telemetry import vocabulary
from descope_mcp.telemetry.stages import level, stage

LARGEST_ANSWER = 16 * 1024 * 1024
#: Of one caller, so many reads and so many changes are on their way at once; others of it wait.
#: Slow ones are not to keep the next one waiting, and the service has rate limits of its own.
READS, CHANGES = 64, 10
#: Of all callers together.
CONNECTIONS = 500

# What these log holds URLs and cookies, and with them tokens.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

#: No connection was made, so that nothing was sent; a proxy refuses before there is one.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
#: Gzip is what `_read` can unpack within bounds.
_ALWAYS = {"Accept-Encoding": "gzip", "Connection": "keep-alive"}

#: Tells that a request waits, for how many seconds, and why.
Waiting = Callable[[float, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What came back: `body` has at most LARGEST_ANSWER bytes, `cut` says that there was more."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    cut: bool = False


class Transport:
    """One connection pool to one base URL. It keeps no cookies and follows no redirect.

    httpx's client would do both, and reads every URL and all headers several times.

    Raises:
        Unreachable: the proxy or the certificates that the environment names cannot be used.
    """

    def __init__(self, base_url: str, timeout: float) -> None:
        # Half, so that a connection that is never made is told from an answer that never comes,
        # which `_once` bounds.
        bounds = httpx.Timeout(None, connect=min(timeout / 2, 10.0), pool=timeout)
        self._extensions = {"timeout": bounds.as_dict()}
        self._base_url = base_url.rstrip("/")
        url = httpx.URL(base_url)
        secure = url.scheme == "https"
        # Plain http is for this machine; a proxy would carry the credential off it.
        self._proxy = proxies.chosen(url.host, url.port or 443) if secure else None
        try:
            self._pool = httpx.AsyncHTTPTransport(
                limits=httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=5.0),
                # What the environment says was read above, or here, and is named if it is wrong.
                proxy=self._proxy.url if self._proxy else None,
                verify=certificates() if secure else False,
                trust_env=False,
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            variable = self._proxy.variable if self._proxy else "The base URL"
            raise Unreachable(
                f"No connection can be set up ({type(error).__name__}).",
                f"Check {variable}.",
            ) from None
        self._place = url.netloc.decode("ascii")
        self._where = {"host": url.host, "port": url.port or (443 if secure else 80)}
        vocabulary.know("host", (url.host,))
        self._timeout = timeout
        #: By caller, and whether it is for reads; each is forgotten with its last request.
        self._rooms: WeakValueDictionary[tuple[str, bool], anyio.CapacityLimiter] = (
            WeakValueDictionary()
        )

    @property
    def way(self) -> str:
        """By which way requests go."""
        proxy = self._proxy
        return f"through {proxy.variable} {proxy.place}" if proxy else "directly"

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.aclose()

    async def send(
        self,
        request: Request,
        *,
        repeatable: bool,
        waiting: Waiting,
        flight: Flight | None = None,
        caller: str = "",
    ) -> RawAnswer:
        """Send `request` until there is an answer that counts.

        Args:
            request: what to send.
            repeatable: whether running it twice does no harm (a read).
            waiting: told before each pause.
            flight: kept up to date for a caller that is ended from outside.
            caller: whose other requests it may have to wait for.

        Returns:
            The answer, whatever its status.

        Raises:
            Unreachable: nothing ran, or a read got no answer.
            RateLimited: turned away, and the wait would be too long.
            OutcomeUnknown: a change was sent and its fate is not known, or nobody waits for it.
        """
        flight = flight or Flight()
        room = self._rooms.get((caller, repeatable))
        if room is None:
            room = anyio.CapacityLimiter(READS if repeatable else CHANGES)
            self._rooms[caller, repeatable] = room
        try:
            # Mostly there is room, and what waits for it gives way to other tasks first.
            room.acquire_nowait()
        except anyio.WouldBlock:
            with level("waiting", why="room"):
                await room.acquire()
        try:
            return await self._tried(request, repeatable, waiting, flight)
        finally:
            room.release()

    async def _tried(
        self, request: Request, repeatable: bool, waiting: Waiting, flight: Flight
    ) -> RawAnswer:
        """The answer that counts, of one of several tries."""
        for again, pause in enumerate((*retry.PAUSES, None)):
            try:
                answer = await self._once(request, again, flight, finish=not repeatable)
            except _NEVER_SENT as error:
                flight.on_its_way = False
                failure: Unreachable | OutcomeUnknown = self._unreachable(error)
            except (httpx.HTTPError, TimeoutError) as error:
                failure = self._unreachable(error) if repeatable else self._unknown(error)
                if not repeatable:
                    raise failure from None
            else:
                delay = retry.delay(answer, repeatable=repeatable, pause=pause)
                if delay is None or pause is None or delay > retry.LONGEST_WAIT:
                    return self._final(answer, repeatable)
                # Turned away. Any other answer means that it ran, whatever is done with it.
                flight.on_its_way = answer.status not in (429, 503)
                await waiting(delay, f"Descope answered {answer.status}")
                with level("waiting", why="pause"):
                    await anyio.sleep(delay)
                continue
            if pause is None:
                raise failure from None
            await waiting(pause, failure.message.rstrip("."))
            with level("waiting", why="pause"):
                await anyio.sleep(pause)
        raise AssertionError("the last round returns or raises")

    async def _once(
        self, request: Request, again: int, flight: Flight, *, finish: bool
    ) -> RawAnswer:
        """The answer to one try; with `finish` it is waited for even if the caller hangs up."""
        told = {"method": request.method, "template": request.template, **self._where}
        with stage("request", **told, again=again or "") as span:
            # httpx bounds single steps of a request; it is the whole that must end.
            with anyio.move_on_after(self._timeout, shield=finish) as flight.scope:
                flight.on_its_way = True
                sent = httpx.Request(
                    request.method,
                    f"{self._base_url}{request.target}",
                    headers={**_ALWAYS, **request.headers},
                    content=request.body,
                    extensions=self._extensions,
                )
                response = await self._pool.handle_async_request(sent)
                span.note(status=response.status_code)
                if response.is_error:
                    span.note(error=str(response.status_code))
                rate_limit.tell(response.status_code, response.headers)
                try:
                    body, cut = await _read(response)
                finally:
                    await response.aclose()
                return RawAnswer(response.status_code, response.headers, body, cut)
            if anyio.current_time() >= flight.scope.deadline:
                raise TimeoutError
            raise OutcomeUnknown(*_GIVEN_UP)

    def _final(self, answer: RawAnswer, repeatable: bool) -> RawAnswer:
        wanted = retry.retry_after(answer.headers) if answer.status in (429, 503) else None
        if answer.status == 429 or wanted is not None:
            after = 60.0 if wanted is None else wanted
            raise RateLimited(
                "Descope accepts no more requests of this kind for now.",
                f"Try again in {after:.0f} seconds." if after else "It names no time to wait.",
                after,
            )
        if answer.status in retry.PASSING and not repeatable:
            raise OutcomeUnknown(
                f"Descope's front answered {answer.status} to a change that had been sent.",
                "Read the target to see whether the change took effect before repeating it.",
            )
        return answer

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(
            f"No answer from {self._shown()} ({reason(error)}).",
            "Check the network, the base URL (DESCOPE_BASE_URL), the certificates (SSL_CERT_FILE) "
            "and the proxy (HTTPS_PROXY, NO_PROXY).",
        )

    def _unknown(self, error: Exception) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"The connection to {self._shown()} failed ({reason(error)}) after a change was sent.",
            "Read the target to see whether the change took effect before repeating it.",
        )

    def _shown(self) -> str:
        """The address that was called, and the proxy if there is one."""
        return f"{self._place} {self.way}" if self._proxy else self._place


def certificates() -> ssl.SSLContext:
    """What servers are known by: the authorities that the environment names, else the usual ones.

    Raises:
        Unreachable: there are none where the environment says; names the variable and the place.
    """
    try:
        return httpx.create_ssl_context(trust_env=True)
    except OSError as error:
        variable = next((n for n in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(n)), "")
        place = f"{variable}={os.environ[variable]}" if variable else "The certificates"
        raise Unreachable(
            f"{place} cannot be used ({error.strerror or 'it holds no certificates'}).",
            "Set SSL_CERT_FILE to a PEM file with the authorities, or leave it out.",
        ) from None


_GIVEN_UP = (
    "This server was ended before Descope answered.",
    "Read the target to see whether the change took effect before repeating it.",
)


async def _read(response: httpx.Response) -> tuple[bytes, bool]:
    """The body, unpacked, up to LARGEST_ANSWER bytes, and whether there was more.

    Not httpx's own unpacking: it takes a chunk at a time, and a small one can hold gigabytes.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("gzip", "identity"):
        raise httpx.DecodingError("an encoding that was not asked for")
    gzip = partial(zlib.decompressobj, wbits=16 + zlib.MAX_WBITS)
    member = gzip() if encoding == "gzip" else None
    body, begun = bytearray(), False
    async for chunk in cast("httpx.AsyncByteStream", response.stream):
        begun = True
        while chunk and len(body) <= LARGEST_ANSWER:
            room = LARGEST_ANSWER + 1 - len(body)
            if member is None:
                body += chunk[:room]
                break
            # Members may follow each other (RFC 1952, section 2.2).
            member = gzip() if member.eof else member
            try:
                body += member.decompress(chunk, room)
            except zlib.error:
                raise httpx.DecodingError("no gzip") from None
            chunk = member.unused_data
        if len(body) > LARGEST_ANSWER:
            return bytes(body[:LARGEST_ANSWER]), True
    if member and begun and not member.eof:
        raise httpx.DecodingError("half of a gzip")
    return bytes(body), False

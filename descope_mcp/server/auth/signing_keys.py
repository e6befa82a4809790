"""The public keys of an issuer: found by discovery, kept for a while, fetched anew as they rotate.

Nobody can make this server fetch more than once in a while, and an issuer that cannot be reached
does not end what goes on: the keys that are known count for some hours. After that nothing does.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import anyio
import jwt
from jwt import PyJWK

from descope_mcp.api import json_document
from descope_mcp.api.errors import ApiFailure
from descope_mcp.guard.question.quoting import quoted
from descope_mcp.server.auth.issuer import Issuer
from descope_mcp.server.auth.refusals import InvalidToken, NotVerifiable

#: Keys are fetched anew after so many seconds, and count for so many while that fails.
FRESH, KEPT = 10 * 60.0, 4 * 3600.0
#: Between two attempts, whatever tokens come in: for keys that nobody knows, and after a failure.
PAUSE = 30.0
#: A request waits so long for keys.
_SECONDS = 5.0
_SHORTEST_RSA = 2048
#: Algorithms by the type of key, or its curve. No key that is secret (HS256) and no key at all
#: (none) can be among them.
_ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
    "Ed25519": ("EdDSA",),
}
ALGORITHMS = frozenset(name for names in _ALGORITHMS.values() for name in names)

Fetch = Callable[[str, float], Awaitable[dict[str, Any] | None]]


class SigningKeys:
    """The keys of one issuer."""

    def __init__(
        self,
        issuer: Issuer,
        fetch: Fetch = json_document.fetch,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer, self._fetch, self._now = issuer, fetch, now
        self._keys: list[dict[str, Any]] = []
        self._made: dict[tuple[str, str], PyJWK] = {}
        self._place = issuer.keys
        self._fetched = self._tried = float("-inf")
        self._fetching = anyio.Lock()
        #: Why the last attempt failed, "" if it did not; for whoever runs the server.
        self.fault = ""

    async def find(self, kid: str, algorithm: str) -> PyJWK:
        """The key that a token was signed with.

        Args:
            kid: what the token calls it, "" if it does not say.
            algorithm: that it was signed by, one of `ALGORITHMS`.

        Raises:
            InvalidToken: the issuer has no such key.
            NotVerifiable: its keys are not known, and cannot be fetched.
        """
        if self._now() - self._fetched > FRESH:
            await self._refresh()
        found = self._fitting(kid, algorithm)
        if found is None:
            # The issuer may have a new key.
            await self._refresh()
            found = self._fitting(kid, algorithm)
        if self._now() - self._fetched > KEPT:
            raise NotVerifiable(f"the keys of {self._issuer.name} cannot be fetched", PAUSE)
        if found is None:
            raise InvalidToken("it is signed with a key that its issuer does not have")
        return found

    async def ready(self) -> bool:
        """Whether the keys are known; they are fetched if they are not."""
        if not self._keys:
            await self._refresh()
        return bool(self._keys)

    def _fitting(self, kid: str, algorithm: str) -> PyJWK | None:
        if (kid, algorithm) in self._made:
            return self._made[kid, algorithm]
        fitting = [
            key
            for key in self._keys
            if algorithm in _algorithms(key) and (not kid or key.get("kid") == kid)
        ]
        # Without a name it has to be the only one: nothing is tried out.
        if not fitting or (not kid and len(fitting) > 1):
            return None
        try:
            made = PyJWK(fitting[0], algorithm)
        except jwt.PyJWTError:
            return None
        if getattr(made.key, "key_size", _SHORTEST_RSA) < _SHORTEST_RSA and algorithm[0] in "RP":
            return None
        self._made[kid, algorithm] = made
        return made

    async def _refresh(self) -> None:
        """Fetch the keys, unless that was tried a moment ago."""
        async with self._fetching:
            if self._now() - self._tried < PAUSE:
                return
            self._tried = self._now()
            self.fault = f"no answer within {_SECONDS:.0f} s"
            try:
                with anyio.move_on_after(_SECONDS):
                    self._keys = await self._fetched_keys()
                    self._made, self._fetched, self.fault = {}, self._now(), ""
            except ApiFailure as error:
                self.fault = error.message.rstrip(".")
            except _Unusable as error:
                self.fault = str(error)

    async def _fetched_keys(self) -> list[dict[str, Any]]:
        self._place = self._place or await self._discovered()
        found = await self._fetch(self._place, _SECONDS)
        keys = found.get("keys") if found else None
        if not isinstance(keys, list):
            raise _Unusable(f"there are no keys at {self._place}")
        return [key for key in keys if isinstance(key, dict) and _algorithms(key)]

    async def _discovered(self) -> str:
        """Where the issuer's metadata says that its keys are."""
        another = ""
        for url in self._issuer.metadata_urls():
            found = await self._fetch(url, _SECONDS)
            if found is None:
                continue
            place = found.get("jwks_uri")
            # RFC 8414, section 3.3: metadata that names another issuer is not to be used.
            if found.get("issuer") == self._issuer.url and isinstance(place, str):
                if urlsplit(place)[:2] == urlsplit(self._issuer.url)[:2]:
                    return place
                raise _Unusable("its keys are on another host: name that place by `keys`")
            if isinstance(named := found.get("issuer"), str):
                another = f"its metadata names another issuer, {quoted(named)}: write that as `url`"
        raise _Unusable(another or "it has no metadata of an issuer; look at `url`")


class _Unusable(Exception):
    """What an issuer says of itself cannot be used."""


def _algorithms(key: Mapping[str, Any]) -> tuple[str, ...]:
    """By which algorithms a key verifies, none if it is no public key for signatures."""
    kind = key.get("kty")
    names = _ALGORITHMS.get(str(key.get("crv") if kind in ("EC", "OKP") else kind), ())
    if key.get("use", "sig") != "sig" or "d" in key:
        return ()
    return tuple(name for name in names if key.get("alg", name) == name)

"""Verifying a signed access token (RFC 9068, RFC 7519): that it is genuine, current, and for us.

PyJWT verifies signatures and times. What it would leave open is decided here before: which
algorithms there are at all, that the key fits the algorithm, and who may issue for whom.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt

from descope_mcp.server.auth.issuer import Issuer
from descope_mcp.server.auth.refusals import InvalidToken
from descope_mcp.server.auth.signing_keys import ALGORITHMS, SigningKeys

#: In characters. Headers of 64 KiB are read; no issuer's tokens come near to this.
LONGEST = 16 * 1024
#: Seconds by which clocks may differ.
LEEWAY = 30.0
#: What a token may be called in its header, if anything; an identity token has no business here,
#: and is told by its audience.
_TYPES = (None, "jwt", "at+jwt", "application/at+jwt")
_LONGEST_SUBJECT = 255


@dataclass(frozen=True, slots=True)
class Verified:
    """What a genuine token says, and who issued it."""

    issuer: Issuer
    claims: Mapping[str, Any] = field(repr=False)


class AccessTokens:
    """Verifies tokens of some issuers."""

    def __init__(self, issuers: Sequence[Issuer], keys: Mapping[str, SigningKeys] | None = None):
        """Args: `keys` of each issuer by its name; made if they are not given."""
        self._keys = keys or {issuer.name: SigningKeys(issuer) for issuer in issuers}
        self._issuers = tuple(issuers)

    async def unknown(self) -> list[tuple[Issuer, str]]:
        """The issuers whose keys cannot be fetched now, so that they let nobody in, and why."""
        keys = [(one, self._keys[one.name]) for one in self._issuers]
        return [(one, its.fault) for one, its in keys if not await its.ready()]

    async def verify(self, token: str, own: Collection[str]) -> Verified:
        """What a token says.

        Args:
            token: as it came.
            own: the addresses of this server, one of which the token has to be for.

        Raises:
            InvalidToken: it does not count here.
            NotVerifiable: its issuer's keys cannot be fetched.
        """
        if len(token) > LONGEST:
            raise InvalidToken("it is too long")
        try:
            claimed = jwt.decode_complete(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise InvalidToken("it is not a signed token") from None
        header, iss = claimed["header"], claimed["payload"].get("iss")
        algorithm, kid = header.get("alg"), header.get("kid", "")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise InvalidToken("it is signed by an algorithm that does not count here")
        if "crit" in header or _type(header) not in _TYPES or not isinstance(kid, str):
            raise InvalidToken("its header is not that of an access token")
        issuer = next(
            (one for one in self._issuers if isinstance(iss, str) and one.issues(iss)), None
        )
        if issuer is None:
            raise InvalidToken("its issuer does not count here")
        key = await self._keys[issuer.name].find(kid, algorithm)
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=iss,
                audience=sorted(issuer.audiences(str(iss), own)),
                leeway=LEEWAY,
                options={"require": ["iss", "sub", "aud", "exp"]},
            )
        except jwt.PyJWTError as error:
            raise InvalidToken(_WHY.get(type(error), "it is not genuine")) from None
        except (ValueError, TypeError, OverflowError):
            raise InvalidToken("it is not a signed token") from None
        if not 0 < len(claims["sub"]) <= _LONGEST_SUBJECT:
            raise InvalidToken("it names nobody")
        return Verified(issuer, claims)


def _type(header: Mapping[str, Any]) -> Any:
    kind = header.get("typ")
    return kind.lower() if isinstance(kind, str) else kind


_WHY: Mapping[type[Exception], str] = {
    jwt.ExpiredSignatureError: "it has expired",
    jwt.ImmatureSignatureError: "it does not count yet",
    jwt.InvalidAudienceError: "it was issued for another audience",
    jwt.InvalidIssuerError: "its issuer does not count here",
    jwt.MissingRequiredClaimError: "it does not say for whom, by whom, about whom and until when",
}

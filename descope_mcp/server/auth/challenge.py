"""What is answered to a request that is not let in (RFC 6750, section 3; RFC 9728, section 5).

Each answer says where the metadata of the resource is, and which scopes to ask for. Where no token
came there is no error: that client has only to sign in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from starlette.responses import Response
from starlette.types import Scope

from descope_mcp.guard.scopes import CLASSES, TOOLSET
from descope_mcp.server.http.refusal import refusal

METADATA = "/.well-known/oauth-protected-resource"
#: What a client is to ask for that has not signed in, unless the configuration says more; it asks
#: for the rest when a call needs it.
FIRST = (CLASSES["read"],)
_SIGN_IN = "Sign in first: this server takes calls with an access token alone."


class Challenges:
    """Answers for requests under the paths of one server."""

    def __init__(self, origin: str, first: Iterable[str] = FIRST) -> None:
        """Args: the public `origin` of this server, and the scopes to ask for at `first`."""
        self._origin, self._first = origin, tuple(first)

    def unknown(self, scope: Scope) -> Response:
        """To a request without a token."""
        return self._answer(scope, 401, _SIGN_IN, "")

    def invalid(self, scope: Scope, why: str) -> Response:
        """To one whose token does not count."""
        return self._answer(scope, 401, f"The access token does not count: {why}.", "invalid_token")

    def insufficient(self, scope: Scope, has: Collection[str], missing: Iterable[str]) -> Response:
        """To one whose token is for less than it asks for. A client adds the scopes it has."""
        lacking = list(missing)
        text = f"The access token is not for this call; it needs the scope {' '.join(lacking)}."
        # What it has is repeated, since a new token has nothing but what is asked for.
        ours = (one for one in sorted(has) if one in CLASSES.values() or one.startswith(TOOLSET))
        kept = [one for one in ours if one not in lacking]
        return self._answer(scope, 403, text, "insufficient_scope", [*kept, *lacking])

    def malformed(self, scope: Scope, why: str) -> Response:
        """To one that does not bring its token as it should."""
        return self._answer(scope, 400, why, "invalid_request")

    def _answer(
        self, scope: Scope, status: int, text: str, error: str, scopes: Iterable[str] = ()
    ) -> Response:
        # As in RFC 6750, 3.1, the description is a phrase.
        said = {"error": error, "error_description": text.rstrip(".") if error else ""}
        said["scope"] = " ".join(scopes or self._first)
        said["resource_metadata"] = f"{self._origin}{METADATA}{path_of(scope)}"
        parts = [f'{name}="{_quotable(value)}"' for name, value in said.items() if value]
        return refusal(status, text, {"WWW-Authenticate": f"Bearer {', '.join(parts)}"})


def path_of(scope: Scope) -> str:
    """The path of a request, as the address of the resource has it."""
    path: str = scope["path"]
    return path.rstrip("/")


def _quotable(value: str) -> str:
    """A text without what would end it, or the header."""
    return "".join(c for c in value if c.isascii() and c.isprintable() and c not in '"\\')

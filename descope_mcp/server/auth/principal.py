"""From what a token says to whoever calls: a name that is nobody else's, scopes, and claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from descope_mcp.guard import scopes
from descope_mcp.guard.caller import Caller
from descope_mcp.server.auth.access_token import Verified

#: Stands between issuer and subject. No caller on stdio or a terminal can have it in its name.
SEPARATOR = ":"
#: What a subject is written with as it is; all else is escaped, so that two stay two.
_PLAIN = "@+=~"
#: What rules may ask of every caller, beside the claims that an issuer's configuration adds.
CLAIMS = frozenset(
    {"subject", "issuer", "client", "scopes", "email", "roles", "permissions", "tenant"}
    | {"tenant_roles", "tenant_permissions"}
)
#: More values of one claim than this are not kept; then it counts as not known.
_MOST_VALUES = 500


def caller(verified: Verified) -> Caller:
    """Whom a token stands for."""
    issuer, said = verified.issuer, verified.claims
    claims = _usual(said) | {"issuer": (issuer.name,)}
    for name, path in issuer.claims.items():
        claims.pop(name, None)
        if (values := _texts(_at(said, path))) is not None:
            claims[name] = values
    return Caller(
        f"{issuer.name}{SEPARATOR}{quote(said['sub'], safe=_PLAIN)}",
        _client(said),
        scopes.with_implied(_scopes(said)),
        claims,
    )


def _usual(said: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The claims that tokens of Descope and of most others have, by our names for them."""
    memberships = said.get("tenants")
    memberships = memberships if isinstance(memberships, Mapping) else {}
    # Of several tenants the one that the person has chosen, if the token names it.
    chosen = said.get("dct")
    tenants = (chosen,) if isinstance(chosen, str) and chosen else tuple(map(str, memberships))
    own = memberships.get(tenants[0]) if len(tenants) == 1 else None
    own = own if isinstance(own, Mapping) else {}
    found = {
        "subject": _texts(said["sub"]),
        # An address that nobody has verified may be anybody's.
        "email": _texts(said.get("email")) if said.get("email_verified") is True else None,
        "roles": _texts(said.get("roles")),
        "permissions": _texts(said.get("permissions")),
        "tenant": tenants if "tenants" in said or chosen else None,
        "tenant_roles": _texts(own.get("roles")),
        "tenant_permissions": _texts(own.get("permissions")),
    }
    return {name: values for name, values in found.items() if values is not None}


def _client(said: Mapping[str, Any]) -> str:
    """The application that the token was issued to (RFC 9068; ``azp`` of OpenID Connect)."""
    found = (said.get(name) for name in ("client_id", "azp"))
    return next((one for one in found if isinstance(one, str)), "")


def _scopes(said: Mapping[str, Any]) -> list[str]:
    """The scopes, as a text with blanks between them (RFC 8693) or a list, as some write them."""
    given = said.get("scope", said.get("scp", ""))
    if isinstance(given, list):
        return [one for one in given if isinstance(one, str)]
    return given.split() if isinstance(given, str) else []


def _at(said: Mapping[str, Any], path: str) -> Any:
    """What is at a path; a claim may have dots in its own name."""
    if path in said:
        return said[path]
    value: Any = said
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _texts(value: Any) -> tuple[str, ...] | None:
    """The values of a claim as texts; None of what is not there or not made of plain values."""
    values = value if isinstance(value, list) else [value]
    if len(values) > _MOST_VALUES or not all(isinstance(v, (str, int, bool)) for v in values):
        return None
    return tuple(str(v).lower() if isinstance(v, bool) else str(v) for v in values)

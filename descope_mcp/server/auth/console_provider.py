"""By whom people are known who decide in the console, as the configuration says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ConsoleProvider:
    """An OpenID provider, and what its claims make of somebody.

    ``claim`` is the path of the claim with a person's roles, ``roles`` maps roles of the console to
    the values that bring them. ``scopes`` are asked for beside ``openid``.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    claim: str
    roles: Mapping[str, tuple[str, ...]]
    scopes: tuple[str, ...] = ()

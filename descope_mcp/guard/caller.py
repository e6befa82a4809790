"""Who calls: the one client of a server on stdio, or whoever a token on HTTP stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal. Everything that is kept for somebody is kept under `name`.

    ``name`` is unique among all callers of a server: approvals, grants, handles, kept answers and
    the journal go by it. ``scopes`` is None where no scopes limit the caller. ``claims`` are those
    that the policy may compare, each with its values; one that is not there is not known.
    """

    name: str
    client: str = ""
    scopes: frozenset[str] | None = None
    claims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def known(self, claim: str) -> tuple[str, ...] | None:
        """The values of a claim, also of ``client`` and ``scopes``; None if they are not known."""
        if claim == "client":
            return (self.client,) if self.client else None
        if claim == "scopes":
            return None if self.scopes is None else tuple(sorted(self.scopes))
        return self.claims.get(claim)


#: Who calls on stdio, unless the settings name somebody else.
STDIO = Caller("stdio")

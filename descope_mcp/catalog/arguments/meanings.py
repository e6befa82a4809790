"""What the arguments of operations mean, from ``tool_specs/meanings.yaml``.

A meaning is a kind of thing that an argument holds, whatever it is called and wherever it stands:
roles, an address where codes go. Risk and policies speak of meanings, so that they hold for the
operations that nobody thought of when a rule was written.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from descope_mcp.catalog.frozen_model import Frozen

#: What a policy rule can name; ``ways_in``, whatever lets somebody sign in, and ``applications``.
Meaning = Literal[
    "roles",
    "permissions",
    "tenants",
    "claims",
    "hosts",
    "recipients",
    "ways_in",
    "applications",
]


class Marks(Frozen):
    """The arguments of one operation that have a meaning, by their paths.

    ``acts`` decide: who is named gets it, what is named receives codes, tokens or people.
    ``texts`` are free texts of a message, in which such a thing may stand.
    ``names`` only say which one is meant, ``takes`` which one is taken away, ``lends`` which user's
    rights whoever holds the credential has. Of what acts,
    ``console`` are roles of Descope's console; ``console_roles`` says what each is for.
    ``in_claims`` are claims that hold such things, where the operation takes claims.
    """

    acts: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    lends: tuple[str, ...] = ()
    console: tuple[str, ...] = ()
    console_roles: dict[str, str] = Field(default_factory=dict)
    in_claims: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Every argument of the meaning."""
        return (*self.acts, *self.names, *self.takes)

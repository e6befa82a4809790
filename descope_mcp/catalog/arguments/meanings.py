"""What the arguments of operations mean, from ``tool_specs/meanings.yaml``.

A meaning is a kind of thing that an argument holds, whatever it is called and wherever it stands:
roles, an address where codes go. Risk and policies speak of meanings, so that they hold for the
operations that nobody thought of when a rule was written.
"""

from __future__ import annotations

from typing import Literal

from descope_mcp.catalog.operation_record import Frozen

#: What a policy rule can name, and ``ways_in``: whatever lets somebody sign in.
Meaning = Literal["roles", "permissions", "tenants", "claims", "hosts", "recipients", "ways_in"]


class Marks(Frozen):
    """The arguments of one operation that have a meaning, by their paths.

    ``acts`` decide: who is named gets it, what is named receives codes, tokens or people.
    ``names`` only say which one is meant. ``in_claims`` are claims that hold such things, where
    the operation takes claims.
    """

    acts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    in_claims: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Every argument of the meaning."""
        return (*self.acts, *self.names)

"""What there is to say of an operation's arguments beyond what every list of tools can afford."""

from __future__ import annotations

from pydantic import Field

from descope_mcp.catalog.frozen_model import Frozen


class Explanation(Frozen):
    """What describe and the documentation show of arguments, by path.

    ``notes`` are clauses on what an argument means; of ``unknown`` nobody says it. ``refers_to``
    says which field of which kind of object an argument names. ``used_by`` are for an operation on
    objects of one kind the other kinds that refer to it, each with the fields that do. ``reads``
    are the operations that list the objects of both. ``required`` are fields that their object
    cannot do without; the service checks that. ``folded`` are arguments whose fields are shown on
    request only.
    """

    notes: dict[str, str] = Field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    refers_to: dict[str, str] = Field(default_factory=dict)
    used_by: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    reads: dict[str, str] = Field(default_factory=dict)
    required: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()

    def references(self, *, unfolded: bool = True) -> tuple[str, ...]:
        """The kinds that the arguments refer to, with or without what is folded."""
        kinds = (
            target.partition(".")[0]
            for path, target in self.refers_to.items()
            if unfolded or not any(path.startswith(f"{folded}.") for folded in self.folded)
        )
        return tuple(dict.fromkeys(kinds))

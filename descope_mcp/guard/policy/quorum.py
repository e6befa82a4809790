"""Whose word a call needs: how many people, and whether one beside whom the agent acts for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

#: No rule asks for more people.
MOST = 9


class Quorum(NamedTuple):
    """So many different people have to approve; with ``four_eyes`` not whom the agent acts for."""

    approvals: int = 1
    four_eyes: bool = False

    @property
    def is_of_others(self) -> bool:
        """Whether one answer to whoever sits at the client is not enough."""
        return self.approvals > 1 or self.four_eyes


#: Anybody who may approve.
ANYBODY = Quorum()


def strictest(quorums: Iterable[Quorum]) -> Quorum:
    """What satisfies all of them."""
    several = [ANYBODY, *quorums]
    return Quorum(max(q.approvals for q in several), any(q.four_eyes for q in several))

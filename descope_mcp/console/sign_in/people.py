"""Who is signed in, and what they may do here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from descope_mcp.guard.decide import Decider

Role = Literal["approver", "auditor", "administrator"]
Right = Literal["see", "decide", "administer"]
ROLES: tuple[Role, ...] = ("approver", "auditor", "administrator")
_RIGHTS: Mapping[Right, frozenset[Role]] = {
    "see": frozenset(ROLES),
    "decide": frozenset({"approver", "administrator"}),
    "administer": frozenset({"administrator"}),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in.

    ``name`` is theirs in the journal and nobody else's, ``shown`` what a page calls them.
    ``subject`` and ``emails`` are what a provider says of them; without one, they are the account
    of this machine.
    """

    name: str
    shown: str
    roles: tuple[Role, ...]
    subject: str = ""
    emails: tuple[str, ...] = ()

    def may(self, right: Right) -> bool:
        """Whether one of their roles brings this."""
        return not _RIGHTS[right].isdisjoint(self.roles)

    @property
    def decider(self) -> Decider:
        """Them, as somebody whose answer counts."""
        return Decider(self.name, "console", self.subject, frozenset(self.emails))

    def data(self) -> dict[str, Any]:
        """What a session keeps of them."""
        return asdict(self)


def person(data: Mapping[str, Any]) -> Person:
    """The person that `Person.data` was made of."""
    return Person(
        data["name"],
        data["shown"],
        tuple(data["roles"]),
        data["subject"],
        tuple(data["emails"]),
    )

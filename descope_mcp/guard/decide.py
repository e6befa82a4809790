"""A person's answer to a request that waits: the one way from a terminal and from a browser.

What has to be typed, the second factor, four eyes and the number of people are looked at here, and
the answer is written into the journal with who gave it and how, in the transaction that lets it
count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from descope_mcp.guard.question.question_data import Disclosure, Project, from_json
from descope_mcp.store.consent import approvals, second_factor
from descope_mcp.store.consent.request import Answer, Request
from descope_mcp.store.store import Store

Act = Literal["approve", "deny", "revoke"]
#: Stands between issuer and subject in the name of a caller who has signed in.
_SEPARATOR = ":"
#: Callers of this issuer are machines, for which no person is known.
_MACHINES = "token"
#: So much of a reason is kept.
MOST_REASON = 500


class NotDecided(Exception):
    """An answer that does not count; ``why`` is the rule."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why = why


Why = Literal["gone", "status", "own", "typed", "code", "voted"]


@dataclass(frozen=True, slots=True)
class Decider:
    """Who answers, known by a terminal of this machine or by a provider.

    ``name`` goes into the journal and has one vote. ``subject`` and ``emails`` are what a provider
    says of the person, "" and empty for an account of this machine. Nothing tells that an account
    and somebody whom a provider knows by another name are the same person.
    """

    name: str
    way: Literal["terminal", "console"]
    subject: str = ""
    emails: frozenset[str] = frozenset()

    @property
    def marks(self) -> frozenset[str]:
        """What tells one person from another, by whatever name they answer."""
        account = {self.name} if not self.subject else {self.subject}
        return frozenset(account | {one.casefold() for one in self.emails})


@dataclass(frozen=True, slots=True)
class Decided:
    """An answer that counts; ``recovery`` is how many recovery codes are left, if one was used."""

    answer: Answer
    recovery: int | None = None


def decide(
    store: Store,
    number: int,
    act: Act,
    decider: Decider,
    *,
    typed: str = "",
    code: str = "",
    reason: str = "",
) -> Decided:
    """Let a person's answer to a request count, once.

    Args:
        store: where it is.
        number: of the request.
        act: what they say.
        decider: who they are. That they may decide at all is known to whoever calls.
        typed: what they typed, where the request wants the name.
        code: six digits or a recovery code, where a second factor is enrolled.
        reason: why; the agent is told.

    Raises:
        NotDecided: it does not count.
        StoreError: it cannot be recorded, so it does not count.
    """
    request = approvals.request(store, number)
    if request is None:
        raise NotDecided("gone", f"there is no request {number}")
    said, reason = told(request), " ".join(reason.split())[:MOST_REASON]
    if act == "revoke":
        answer = approvals.revoke(store, number, reason, by=decider.name, way=decider.way)
        return Decided(_counted(store, answer, number))
    if request.status != "pending":
        raise NotDecided("status", f"request {number} is {request.status}")
    if act == "deny":
        denied = approvals.answer(
            store, number, approved=False, reason=reason, by=decider.name, way=decider.way
        )
        return Decided(_counted(store, denied, number))
    if said.four_eyes and is_own(request, said, decider):
        raise NotDecided("own", "whoever an agent acts for does not approve what it does")
    if said.typed and typed.strip() != said.typed:
        raise NotDecided("typed", f"that is not {said.typed}")
    recovery = proven(store, code)
    answer = approvals.answer(
        store, number, approved=True, by=decider.name, way=decider.way, marks=decider.marks
    )
    return Decided(_counted(store, answer, number), recovery)


def is_own(request: Request, said: Disclosure, decider: Decider) -> bool:
    """Whether a request is from an agent that acts for the decider, or may be.

    A person is the same whom two issuers know by one subject, or by one address. Whoever decides
    in a terminal is not told from whoever an agent on the same machine acts for.
    """
    issuer, separator, subject = request.caller.partition(_SEPARATOR)
    if not separator:
        return not decider.subject
    if issuer == _MACHINES:
        return False
    acting = {unquote(subject), *(one.casefold() for one in said.people)}
    return not acting.isdisjoint(decider.marks)


def told(request: Request) -> Disclosure:
    """What the person is told; of a request of an earlier version, its text."""
    return from_json(request.question) or Disclosure(
        request.operation,
        request.operation,
        request.question,
        Project(request.project),
        request.caller,
        "",
        typed=request.typed,
    )


def proven(store: Store, code: str) -> int | None:
    """Use the code, where one is needed; how many recovery codes are left, if it was one.

    Raises:
        NotDecided: it is wrong, or none counts for now.
    """
    if not second_factor.enrolled(store):
        return None
    checked = second_factor.check(store, code)
    if checked.result != "right":
        raise NotDecided("code", checked.said)
    return checked.recovery


def _counted(store: Store, answer: Answer | None, number: int) -> Answer:
    if answer is None:
        now = approvals.request(store, number)
        raise NotDecided("status", f"request {number} is {now.status if now else 'gone'}")
    if not answer.counted:
        raise NotDecided("voted", f"you have approved request {number} already")
    return answer

"""How dangerous a call is, in a word, and why: for whoever has five seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from descope_mcp.guard.policy.risk import Risk
from descope_mcp.guard.question.consequence import number
from descope_mcp.guard.question.marks import ADMINISTRATOR, LAST, OWNER

_MIGHTY = {OWNER, ADMINISTRATOR, LAST}
_SHUT_OUT = {"disabled", "inactive"}
Grade = Literal["Take care", "Dangerous", "Very dangerous"]


class Danger(NamedTuple):
    """A grade, and what makes it so in a few words each."""

    grade: Grade
    because: tuple[str, ...] = ()


def danger(
    risk: Risk,
    undo: Literal["whole", "part", "no"],
    hit: Sequence[tuple[str, ...]],
    *,
    gains: bool,
    loses: bool,
) -> Danger:
    """The danger of one call.

    Args:
        risk: of the call.
        undo: how much of it can be taken back.
        hit: the marks of everybody whom it hits.
        gains: somebody may do more after it.
        loses: somebody may do less after it.
    """
    because = (*_hit(hit), *_done(risk, gains=gains, loses=loses))
    takes_over = "account_takeover" in risk.hazards
    mighty = any(_MIGHTY & set(marks) for marks in hit if not _SHUT_OUT & set(marks))
    destroys = risk.effect == "destructive"
    many = bool({"project_wide", "bulk"} & set(risk.hazards))
    if (mighty and (destroys or takes_over)) or (many and destroys and undo == "no"):
        return Danger("Very dangerous", because)
    if takes_over or many or (destroys and undo != "whole"):
        return Danger("Dangerous", because)
    return Danger("Take care", because)


def _hit(hit: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The mighty among those whom it hits, counted."""
    found = Counter(mark for marks in hit if not _SHUT_OUT & set(marks) for mark in marks)
    for mark in (OWNER, ADMINISTRATOR):
        if found[mark]:
            one = f"an {mark}" if len(hit) == 1 else number(found[mark], mark, f"{mark}s")
            yield f"hits {one}"
    if found[LAST]:
        yield "the last of its kind" if len(hit) == 1 else f"{found[LAST]:,} the last of a kind"


def _done(risk: Risk, *, gains: bool, loses: bool) -> Iterator[str]:
    """What it does to whom, beyond what its consequence says."""
    if gains:
        yield "gives more rights"
    elif "account_takeover" in risk.hazards:
        yield "decides who gets in, or with which rights"
    if loses:
        yield "takes rights away"
    if "project_wide" in risk.hazards:
        yield "affects the whole project"
    elif "bulk" in risk.hazards:
        yield "affects many"

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
    takes_over = "account_takeover" in risk.hazards
    destroys = risk.effect == "destructive"
    # Who is the last of a kind is in danger from what takes something away alone.
    of_weight = _MIGHTY if destroys or loses else _MIGHTY - {LAST}
    here = [of_weight & set(marks) for marks in hit if not _SHUT_OUT & set(marks)]
    because = (*_hit(here, len(hit)), *_done(risk, gains=gains, loses=loses))
    mighty = any(here)
    many = bool({"project_wide", "bulk"} & set(risk.hazards))
    if (mighty and (destroys or takes_over)) or (many and destroys and undo == "no"):
        return Danger("Very dangerous", because)
    if takes_over or many or (destroys and undo != "whole"):
        return Danger("Dangerous", because)
    return Danger("Take care", because)


def _hit(weighty: Sequence[set[str]], of: int) -> Iterator[str]:
    """The mighty among so many whom it hits, counted."""
    found = Counter(mark for marks in weighty for mark in marks)
    named = [
        f"an {mark}" if of == 1 else number(found[mark], mark, f"{mark}s")
        for mark in (OWNER, ADMINISTRATOR)
        if found[mark]
    ]
    if named:
        yield f"hits {' and '.join(named)}"
    if found[LAST]:
        several = f"{number(found[LAST], 'is', 'are')} the last of a kind"
        yield "the last of its kind" if of == 1 else several


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

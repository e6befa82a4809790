"""A person's word for exactly one call.

A confirmation covers an operation, its canonical arguments, the project, the caller and the
digest of the before-state that the person saw. It expires, and it is used once. Nothing here can
be produced by a model: the answer comes from the channel that asked.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from descope_mcp.guard.policy.quorum import Quorum
    from descope_mcp.guard.preview.impact import Tally
    from descope_mcp.guard.preview.preview import Preview

#: So many characters of a binding tell which call it is of; the others are of all that it covers.
OF_CALL = 16
#: Seconds for which a question can be answered.
LIFETIME = 300.0


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked.

    ``text`` is shown as it is. ``typed`` is what must be typed out, "" where a yes is enough;
    ``code`` says whether the six digits of the second factor are needed.
    ``binding``, ``nonce`` and ``expires`` (epoch seconds) come back with the answer. ``same`` is
    what the call has in common with its repetitions (`said_no`), ``parts`` what several calls in
    it have each, ``length`` that of the text.
    """

    text: str
    label: str
    typed: str
    binding: str
    nonce: str
    expires: float
    code: bool = False
    same: str = ""
    length: int = 0
    parts: tuple[str, ...] = ()

    @property
    def asked(self) -> float:
        """When it was put, in epoch seconds."""
        return self.expires - LIFETIME


@dataclass(frozen=True, slots=True)
class Approval:
    """The answer of a person who said yes, with what they typed and their second factor."""

    binding: str
    nonce: str
    expires: float
    typed: str = ""
    code: str = field(default="", repr=False)


def binding(
    operation: str, arguments: Mapping[str, Any], project: str, caller: str, preview: Preview
) -> str:
    """A digest of everything that a confirmation covers."""
    hit = [preview.found, astuple(preview.rights), shown_counts(preview.counts or ())]
    canonical = json.dumps(
        [operation, arguments, project, caller, *hit],
        sort_keys=True,
        separators=(",", ":"),
        default=str,
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def shown_counts(counts: Sequence[Tally]) -> list[tuple[str, int]]:
    """How much hangs on a target, so far as a confirmation covers it: to two digits, rounded up.

    A few more than some thousands are what a person agreed to; one more than three are not.
    """
    return [(tally.key or tally.label, _two_digits(tally.number)) for tally in counts]


def _two_digits(number: int) -> int:
    step: int = 10 ** max(0, len(str(number)) - 2)
    return -(-number // step) * step


def of_call(same: str, digest: str, quorum: Quorum) -> str:
    """A binding that begins like those of the same call, whatever it hits by then (`same`).

    What fewer people have approved than have to by now is another.
    """
    if quorum.is_of_others:
        covered = f"{digest} {quorum.approvals} {quorum.four_eyes}"
        digest = hashlib.sha256(covered.encode()).hexdigest()
    return same[:OF_CALL] + digest[OF_CALL:]


def ask(
    text: str,
    label: str,
    typed: str,
    bound: str,
    *,
    code: bool,
    same: str,
    parts: tuple[str, ...] = (),
) -> Question:
    """A question that can be answered once, for `LIFETIME` seconds."""
    expires, nonce = time.time() + LIFETIME, secrets.token_hex(16)
    return Question(text, label, typed, bound, nonce, expires, code, same, len(text), parts)


def accept(question: Question, typed: str = "", code: str = "") -> Approval:
    """The approval of a person who was shown `question` and said yes."""
    return Approval(question.binding, question.nonce, question.expires, typed, code)

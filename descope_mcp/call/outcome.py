"""What goes into the path of a call and what can come out of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from descope_mcp.api.errors import ApiError, ApiFailure, RateLimited, Unreachable
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import Effect
from descope_mcp.guard.consent.confirmation import Approval, Question

if TYPE_CHECKING:
    from descope_mcp.call.checked import Checked
    from descope_mcp.call.evidence.evidence import Evidence
    from descope_mcp.guard.preview.preview import Preview
    from descope_mcp.guard.question.question_data import Disclosure
    from descope_mcp.guard.restore.way_back import Undoable

#: Tells the client that something goes on.
Progress = Callable[[str], Awaitable[None]]


async def silent(message: str) -> None:
    """The progress of a caller that does not want to know."""


@dataclass(frozen=True, slots=True)
class Part:
    """What makes a call one of a plan: the plan's id and the number in it.

    ``differs`` says in what the call, as it is looked at right before it is sent, is not the one
    that the plan was judged by, "" if it is. ``taken`` is what later calls take from its answer,
    by paths; it is kept for whoever goes on with the plan. Towards the ``cap`` of this rule it has
    been counted, with the whole plan.
    """

    plan: str
    number: int
    differs: Callable[[Checked, Preview], str]
    taken: Callable[[Any], Mapping[str, str]]
    cap: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it came in: `arguments` unchecked, `caller` who sends it.

    ``through`` is the class of calls that it came through, None if it came by its own name.
    ``undoes`` is the journalled call that it takes back, ``back`` which of how many calls that do
    so it is, ``alone`` says that no other may have done the same before, ``consent`` what a person
    said to the undo or the plan as a whole, ``part`` its place in a plan: only `undo` and plans set
    them.
    """

    operation: str
    arguments: object
    caller: str
    through: Effect | None = None
    approval: Approval | None = None
    progress: Progress = silent
    undoes: str = ""
    back: tuple[int, int] | None = None
    alone: bool = False
    consent: str = ""
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Undo:
    """What to take back: `call` is the beginning of a journalled call's id, at least 4 letters.

    ``anyway`` takes it back although the object has changed since, or nobody knows whether the
    call took effect.
    """

    call: str
    caller: str
    anyway: bool = False
    approval: Approval | None = None
    progress: Progress = silent


#: What became of a call that had nothing to do, and was not sent.
SO_ALREADY = "so already"


@dataclass(frozen=True, slots=True)
class Completed:
    """It ran, or had nothing to do (`SO_ALREADY`).

    ``data`` holds no secret; ``partial`` counts what failed inside the success.

    ``notes`` are sentences for the caller, about what did not go as it should although it ran;
    ``became`` says in a word what happened to it. ``size`` is that of the answer in bytes, as it
    came. ``undo`` says how much of a change can be taken back, ``evidence`` what it did; both are
    None of a read that nobody was asked about.
    """

    operation: Operation
    data: dict[str, Any] = field(repr=False)
    call_id: str
    partial: int = 0
    cut: bool = False
    notes: tuple[str, ...] = ()
    became: str = "done"
    size: int = 0
    undo: Undoable | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not run, or failed, or nobody knows (`kind` is one of the kinds of failures)."""

    kind: str
    message: str
    remedy: str
    status: int = 0
    code: str = ""
    retry_after: float = 0.0

    @property
    def is_of_the_call(self) -> bool:
        """Whether another call could help, since way, key and service were well."""
        if self.kind == "api_error":
            return self.status not in (401, 403) and self.status < 500
        return self.kind not in ("unreachable", "rate_limited", "missing_credential")


@dataclass(frozen=True, slots=True)
class Refused:
    """It was not sent. `rule` says which rule of the guard refused.

    ``retry_after`` is in how many seconds it may be let through, 0 where time changes nothing.
    """

    rule: str
    message: str
    remedy: str
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """It was not sent yet: request `number` waits for a person's word outside of the client.

    ``approve`` is the command by which they give it, ``state`` where the request lies, ``link`` its
    page in the console, if there is one. ``rule`` says why not in the client, ``again`` whether an
    earlier call has made the request. ``said`` is what the person is told, and no model.
    """

    rule: str
    message: str
    remedy: str
    number: str
    approve: str
    state: str
    link: str = ""
    again: bool = False
    said: Disclosure | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a call would do, of which nothing was sent: what the policy says, and what is told.

    ``said`` is what a person would read, None of a read that nobody is asked about.
    """

    operation: Operation
    decision: Literal["allow", "confirm", "deny"]
    rule: str
    effect: Effect
    hazards: tuple[str, ...]
    said: Disclosure | None


@dataclass(frozen=True, slots=True)
class NeedsConfirmation:
    """A person has to say yes to exactly this call.

    The text of ``question`` is for a form, and "" where that is too small for what is in
    ``disclosure``.
    """

    question: Question
    disclosure: Disclosure


Outcome = Completed | Failed | Refused | NeedsConfirmation


class Instead(Exception):
    """Ends the path of a call early, with another outcome than its own. Never leaves `invoke`."""

    #: No fault of the stage that it ends (`telemetry.recorder`).
    ends_as_planned = True

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


def failure(error: ApiFailure) -> Failed:
    """The outcome that a failure of the API core is."""
    failed = Failed(error.kind, error.message, error.remedy)
    if isinstance(error, Unreachable) or (isinstance(error, ApiError) and error.status == 401):
        # Said here, and not by doctor itself.
        failed = replace(failed, remedy=f"{error.remedy} `descope-mcp doctor` tests it.")
    if isinstance(error, ApiError):
        return replace(failed, status=error.status, code=error.code)
    if isinstance(error, RateLimited):
        return replace(failed, retry_after=error.retry_after)
    return failed


def invalid(error: InvalidArguments, remedy: str) -> Failed:
    """The outcome of a call whose arguments do not fit."""
    message = f"{error.operation} was not sent. {'; '.join(error.problems)}."
    return Failed("invalid_arguments", message, remedy)

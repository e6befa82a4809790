"""What people are told of a request: enough to come and read it, nothing to decide by.

Titles, counts and the project are told to every channel. Whom a call hits and who asks are personal
data, and told only where the configuration says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from descope_mcp.guard.question import shell_quoting
from descope_mcp.guard.question.question_data import from_json
from descope_mcp.store.consent.request import Request, needed

#: So much of what others have written is told.
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Content:
    """A notice. ``facts`` are what it says besides its title, each with what it is.

    ``foreign`` says whether the facts hold what others have written. ``link`` is "" without a
    console.
    """

    number: int
    title: str
    facts: tuple[tuple[str, str], ...]
    created: str
    expires: str
    project: str
    link: str
    command: str


def content(request: Request, console: str, *, names: bool, voted: int = 0) -> Content:
    """What is told of a request.

    Args:
        request: that waits.
        console: where the console is, "" if there is none.
        names: whether personal data is told.
        voted: how many people have approved it so far.
    """
    said = from_json(request.question)
    facts: list[tuple[str, str]] = []
    if said:
        hit = sum(len(group.members) + group.more for group in said.hits)
        facts += [("Danger", said.danger)] if said.danger else []
        facts += [("Hits", f"{hit:,}")] if hit > 1 else []
        facts += [(count.label, count.value) for count in said.counts]
        kind = {True: "production", False: "not production", None: ""}[said.project.production]
        facts += [("Project is", kind)] if kind else []
    if (of := needed(request.question)) > 1:
        facts += [("Approvals", f"{of - voted} of {of} missing")]
    if names:
        facts += [("What", _inert(said.consequence))] if said else []
        facts += [("Asked by", _inert(request.caller))]
    return Content(
        request.number,
        said.title if said else "A call needs a person's yes",
        tuple(facts),
        _time(request.created),
        _time(request.expires),
        request.project,
        f"{console}/requests/{request.number}" if console else "",
        shell_quoting.command("approvals", "approve", request.number),
    )


def _inert(text: str) -> str:
    """What others have written, so that no program makes a link or a mention of it."""
    text = " ".join(text.split())
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    text = re.sub(r"(?i)\b([a-z][a-z0-9+.-]*):(?=/|[a-z0-9])", r"\1[:]", text)
    return re.sub(r"(?i)(?<=[a-z0-9])\.(?=[a-z]{2})", "[.]", text)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

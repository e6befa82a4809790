"""A question that waits for a person outside the client, as data, and what became of an answer."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row


@dataclass(frozen=True, slots=True)
class Request:
    """A question in the store. ``status``: pending, approved, denied, revoked, used or expired.

    ``reason`` is what a person said who denied or revoked it. ``expires`` is when it was, then.
    """

    number: int
    project: str
    caller: str
    operation: str
    binding: str
    question: str
    typed: str
    status: str
    created: float
    expires: float
    reason: str = ""


class Answer(NamedTuple):
    """What became of an answer: the request afterwards, and how many of how many have said yes.

    ``counted`` is False where the same person had said yes already.
    """

    request: Request
    votes: int
    needed: int
    counted: bool = True


def needed(question: str) -> int:
    """How many people have to approve, by the question as it is kept."""
    try:
        return max(1, int(json.loads(question)["approvals"]))
    except (ValueError, KeyError, TypeError):
        return 1  # a question of an earlier version


def as_request(row: Row[Any]) -> Request:
    """A row as it is by now."""
    columns = {name: value for name, value in row._mapping.items() if name != "signature"}
    if row.status in ("pending", "approved") and row.expires <= time.time():
        columns["status"] = "expired"
    return Request(**columns)

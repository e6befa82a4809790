"""How the rest of an answer is asked for: what is seen of it, from where, and by which call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog.operation import Operation
from descope_mcp.server.answers.kept_answers import LIFETIME, Kept
from descope_mcp.server.answers.outline import bounded

#: Where the parts of a kept answer are read: as an operation of ``descope_read``, as a resource.
OPERATION, RESOURCE = "answers/", "descope://answers/"
#: The arguments of a read are repeated with each part for another process to read on, if they are
#: no longer than this.
_LARGEST_ORIGIN = 2_000


@dataclass(frozen=True, slots=True)
class View:
    """What a read is to show: `fields` of it, at most `limit` elements (0: all), from `start`.

    ``digest`` is that of the answer of which this goes on, "" at the beginning.
    """

    fields: str = ""
    limit: int = 0
    start: int = 0
    digest: str = ""

    def again(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of ``descope_read`` for the next part, seen the same way."""
        call: dict[str, Any] = {"operation": operation, "arguments": dict(arguments)}
        if self.fields:
            call["fields"] = self.fields
        return {**call, "limit": self.limit} if self.limit else call


def origin_of(
    operation: Operation, given: Mapping[str, Any], view: View
) -> Mapping[str, Any] | None:
    """What reads an answer again; None of a change, and where a secret would be repeated."""
    secret = "credential" in given or operation.secret_arguments
    if operation.effect != "read" or secret or bounded(dict(given), _LARGEST_ORIGIN)[1]:
        return None
    return View(view.fields).again(operation.name, given)


def changed(kept: Kept, view: View) -> dict[str, Any]:
    """Whether what was read again is what it was when its first part was read."""
    return {"changedSince": True} if view.digest not in ("", kept.digest) else {}


def part_of(
    of: str, first: int | None, shown: int, total: int | None, then: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What is shown `of` an answer, from where, of how much in all, and the call that goes on."""
    part: dict[str, Any] = {"of": of, "shown": shown}
    if first is not None:
        part["from"] = first
    if total is not None:
        part["total"] = total
    if then is not None:
        part["next"] = dict(then)
    return part


def whole(name: str) -> dict[str, Any]:
    """Where all of an answer is read that is kept under this name, "" for none."""
    return {"whole": {"uri": f"{RESOURCE}{name}", "minutes": LIFETIME // 60}} if name else {}

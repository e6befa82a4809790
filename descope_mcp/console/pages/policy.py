"""The policy in force, what another would decide, and what is decided on a call.

Nothing here is sent to Descope.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from anyio.to_thread import run_sync
from markupsafe import escape
from starlette.responses import Response
from starlette.routing import Route

from descope_mcp.call.services import Services
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.console.visit import Visit
from descope_mcp.guard.explain import caller_of, explained
from descope_mcp.guard.policy import rule_words
from descope_mcp.guard.policy.decision import WHY, possible, worst
from descope_mcp.store import shadow_log
from descope_mcp.store.shadow_report import Group, grouped

if TYPE_CHECKING:
    from descope_mcp.console.console import Console

#: So many kinds of differences are shown, the most frequent ones.
_MOST_GROUPS = 50
#: So many characters of a page are rules in words, and so many the file; the terminal has the rest.
_MOST_WORDS, _MOST_TEXT = 16_000, 12_000


_Shown = TypeVar("_Shown", "RuleTold", str)


class RuleTold(NamedTuple):
    """A rule in words; ``notes`` are what its author may not expect."""

    place: str
    action: str
    scope: str
    quorum: str
    cap: str
    reason: str
    notes: list[str]


class PolicyTold(NamedTuple):
    """The rules, and how many of how many operations are denied whatever is given.

    Of a long policy those come first that are tried first: ``more`` rules and ``lines`` of the
    ``text`` are left out.
    """

    rules: list[RuleTold]
    more: int
    text: str
    lines: int
    denied: int
    operations: int


def routes(console: Console) -> list[Route]:
    """The pages."""

    @cache
    def told() -> PolicyTold:
        # The policy is the same for as long as the server runs.
        return _told(console.services)

    async def rules(visit: Visit) -> Response:
        said = await run_sync(told)
        policy, shadow = visit.console.services.policy, visit.console.services.shadow
        return await visit.render(
            "policy.html",
            here="policy",
            still=True,
            policy=policy,
            told=said,
            shadow=shadow,
            why=WHY,
        )

    return [
        Route("/policy", console.page(rules), methods=["GET"]),
        Route("/policy/shadow", console.page(_shadow), methods=["GET"]),
        Route("/policy/explain", console.page(_explain), methods=["GET", "POST"]),
    ]


def _told(services: Services) -> PolicyTold:
    catalog, policy = services.catalog, services.policy
    rules = [
        RuleTold(
            rule.place,
            rule.action,
            rule_words.scope(rule),
            rule_words.quorum(rule),
            rule_words.cap(rule.cap) if rule.cap else "",
            rule.reason,
            list(rule_words.notes(rule, catalog)),
        )
        for rule in policy.rules
    ]
    decided = (worst(operation, policy, services.project) for operation in catalog.values())
    denied = sum(one.action == "deny" for one in decided)
    shown = list(_first(rules, _MOST_WORDS))
    lines = policy.text.splitlines(keepends=True)
    kept = list(_first(lines, _MOST_TEXT))
    more, left = len(rules) - len(shown), len(lines) - len(kept)
    return PolicyTold(shown, more, "".join(kept), left, denied, len(catalog))


def _first(some: Sequence[_Shown], most: int) -> Iterator[_Shown]:
    """Those that begin, as long as a page has room for them."""
    for one in some:
        parts = [one] if isinstance(one, str) else [str(part) for part in one]
        # A page spells some characters with several, and has more around each part.
        most -= sum(len(escape(part)) + 40 for part in parts)
        if most < 0:
            return
        yield one


async def _shadow(visit: Visit) -> Response:
    def report() -> list[Group]:
        return grouped(shadow_log.differences(visit.console.store.directory))

    groups = await run_sync(report)
    return await visit.render(
        "shadow.html",
        here="policy",
        still=True,
        shadow=visit.console.services.shadow,
        groups=groups[:_MOST_GROUPS],
        more=max(0, len(groups) - _MOST_GROUPS),
    )


async def _explain(visit: Visit) -> Response:
    names = ("operation", "arguments", "caller", "who")
    asked = {name: visit.form.get(name, "").strip() for name in names}
    said = await run_sync(_explanation, visit, asked) if asked["operation"] else {}
    status = 400 if said.get("problem") else 200
    # A template finds all of them, whatever there is to say.
    none: dict[str, Any] = {"problem": "", "told": None, "possible": (), "near": ""}
    return await visit.render(
        "explain.html", status, here="policy", still=True, asked=asked, **{**none, **said}
    )


def _explanation(visit: Visit, asked: dict[str, str]) -> dict[str, Any]:
    """What the page says of a call; `problem` is the name of what is wrong with the form."""
    services = visit.console.services
    operation = services.catalog.find(asked["operation"])
    if operation is None:
        near = ", ".join(services.catalog.nearest(asked["operation"]))
        return {"problem": "operation", "near": near}
    try:
        caller = caller_of(asked["caller"] or services.caller, asked["who"].splitlines())
    except ValueError as error:
        return {"problem": "who", "near": str(error)}
    if not asked["arguments"]:
        decisions = possible(operation, services.policy, services.project)
        return {"possible": decisions, "operation": operation}
    try:
        told = explained(
            operation,
            json.loads(asked["arguments"]),
            caller,
            services.project,
            services.policy,
            services.trusted_hosts,
        )
    except (InvalidArguments, ValueError, RecursionError) as error:
        return {"problem": "arguments", "near": str(error)}
    cap = rule_words.cap(told.decision.cap) if told.decision.cap else ""
    return {"told": told, "operation": operation, "cap": cap}

"""Every promise, in the order in which it is tried and told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.cli import wiring
from descope_mcp.cli.policy_trials.verification import consented, decided, kept
from descope_mcp.cli.policy_trials.verification.decided import (
    credentials,
    destructive,
    hazardous,
    nothing_unasked,
)
from descope_mcp.cli.policy_trials.verification.proof import Proof
from descope_mcp.cli.policy_trials.verification.stage import Stage, staged
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.settings import Settings

Trial = Callable[[Stage], Awaitable[Proof]]


def _unasked(promise: str, concerned: object) -> Trial:
    return lambda stage: nothing_unasked(stage, promise, concerned)  # type: ignore[arg-type]


#: On stages of their own: what one group changes is nothing to another.
GROUPS: tuple[tuple[Trial, ...], ...] = (
    (
        _unasked("nothing that deletes, overwrites or cuts off runs without a word", destructive),
        _unasked("no account is taken over without a word", hazardous("account_takeover")),
        decided.no_role_unasked,
        _unasked("no stored secret is revealed without a word", hazardous("reveals_secret")),
        _unasked("no credential is created without a word", credentials),
        _unasked(
            "no record that accuses somebody is written without a word", hazardous("forges_record")
        ),
        decided.project_by_name,
        decided.unknown_is_denied,
        decided.undeclared_is_refused,
        decided.read_only_denies,
        decided.production_denies,
    ),
    (
        consented.counts_once,
        consented.for_its_call_alone,
        consented.name_is_typed,
        consented.no_is_kept,
        consented.a_denial_is_none,
        consented.grant_covers_itself,
        consented.undo_asks,
        decided.caps_hold,
        kept.changes_are_recorded,
        kept.secret_is_sealed,
        kept.tampering_shows,
    ),
    (consented.forged_is_none,),
)


async def prove(settings: Settings, catalog: Catalog, policy: Policy) -> AsyncIterator[Proof]:
    """Try every promise under the settings and the policy; nothing else is reached."""
    for group in GROUPS:
        async with staged(settings, catalog, policy) as stage:
            for trial in group:
                yield await trial(stage)
    yield kept.own_journal(wiring.store(settings))

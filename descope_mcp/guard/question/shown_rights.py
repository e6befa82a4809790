"""What people may do after a call and not before, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator

from descope_mcp.guard.preview.permission_change import Rights as Resolved
from descope_mcp.guard.preview.permission_change import Shift
from descope_mcp.guard.question.question_data import Rights
from descope_mcp.guard.question.quoting import whole


def shown_rights(resolved: Resolved) -> tuple[Rights, ...]:
    """Who gains or loses which permissions; those hit by a role's new meaning come first."""
    return tuple(_shown(resolved))


def _shown(resolved: Resolved) -> Iterator[Rights]:
    for shift in resolved.redefined:
        yield _rights(f"Whoever has {whole(shift.who)}", shift)
    for shift in resolved.given:
        yield _rights(whole(shift.who) if shift.who else "Whoever is meant", shift)


def _rights(who: str, shift: Shift) -> Rights:
    where = f" in the tenant {whole(shift.tenant)}" if shift.tenant else ""
    gained, lost = map(whole, shift.gained), map(whole, shift.lost)
    return Rights(f"{who}{where}", tuple(gained), tuple(lost))

"""What people may do after a call and not before, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator

from descope_mcp.guard.preview.rights.permission_change import ConsoleRole, Shift
from descope_mcp.guard.preview.rights.permission_change import Rights as Resolved
from descope_mcp.guard.question.question_data import Rights
from descope_mcp.guard.question.quoting import whole
from descope_mcp.guard.question.value_format import words


def shown_rights(resolved: Resolved) -> tuple[Rights, ...]:
    """Who gains or loses which permissions; those hit by a role's new meaning come first.

    What is the same for many is said once.
    """
    return tuple(_shown(resolved))


def _shown(resolved: Resolved) -> Iterator[Rights]:
    for shift in resolved.redefined:
        yield _rights(f"Whoever has {whole(shift.who)}", shift)
    alike: dict[Shift, list[str]] = {}
    for shift in resolved.given:
        alike.setdefault(shift._replace(who=""), []).append(shift.who)
    for shift, whose in alike.items():
        names = ", ".join(whole(who) for who in dict.fromkeys(whose) if who)
        who = f"Whoever is in {names}" if shift.group else names
        yield _rights(who or "Whoever is meant", shift)
    for one in resolved.console:
        yield Rights(whole(one.holder.who) if one.holder.who else "Whoever has it", (_role(one),))


def _role(one: ConsoleRole) -> str:
    """A role of the console: what it is called, for what, and what it is for."""
    where = f" for {words(one.among)} {', '.join(map(whole, one.names))}" if one.names else ""
    return f"as {whole(one.role)} of the Descope console{where}{one.brings and f': {one.brings}'}"


def _rights(who: str, shift: Shift) -> Rights:
    where = f" in the tenant {whole(shift.tenant)}" if shift.tenant else ""
    gained, lost = map(whole, shift.gained), map(whole, shift.lost)
    return Rights(f"{who}{where}", tuple(gained), tuple(lost))

"""One change of a target at a time, across the processes that share a store.

A section is held on names of targets from the intent of a call to its outcome, and is written in
the same transactions as these two, so that it costs no disk access of its own. Only who finds a
target held, or changed since it was read, waits: it takes the section first, and reads then.

Whoever is killed holds nothing for long: the process is looked for where that can be done, which
is on the same machine, and every hold ends by itself, when the call must have ended long ago.
Nothing has to be kept up meanwhile, so that a process that stands still loses no hold. Names are
keyed digests.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Executable,
    Row,
    Select,
    TextClause,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from descope_mcp.store import processes
from descope_mcp.store.store import Store
from descope_mcp.store.tables import journal, sections

#: Seconds for which it is remembered when a target was changed last: longer than any call looks
#: at it before it is sent.
_REMEMBERED = 3600.0
#: With every so manieth entry what is older is forgotten.
_TIDIED = 16


class Held(Exception):
    """Somebody else changes one of the targets, or has changed it since it was looked at."""

    ends_as_planned = True


@dataclass(frozen=True, slots=True)
class Section:
    """What one call holds: `names` of its targets, for at most `seconds`."""

    holder: str
    names: tuple[str, ...]
    seconds: float


def named(store: Store, project: str, identities: Iterable[str]) -> tuple[str, ...]:
    """The names under which targets are held."""
    texts = (json.dumps(["section", project, identity]) for identity in identities)
    return tuple(sorted({store.key.sign_row(text)[:32] for text in texts}))


def latest(store: Store) -> int:
    """The number of the newest entry: what is looked at from now on is as new as that.

    An entry that is just being written has a higher one, so nobody is waited for.
    """
    return int(store.database.glance(_NEWEST)[0][0])


def current(store: Store, section: Section, since: int) -> bool:
    """Whether what was looked at after entry `since` still stands, and nobody changes it now.

    Whoever comes in between is noticed with the intent of the call.
    """
    return _untouched(store.database.glance(_known(section)), section, since)


def acquire(store: Store, section: Section) -> bool:
    """Take the section ahead of the intent; False while somebody else holds a part of it."""
    with store.begin() as connection:
        known = _rows(connection, section)
        if any(_alive(row) for row in known if row.holder != section.holder):
            return False
        _hold(connection, section, known)
    return True


def enter(connection: Connection, section: Section, since: int) -> None:
    """Take the section with the intent of the call, if it is not taken already.

    Raises:
        Held: what the call was judged by may be no longer so.
    """
    if not section.names:
        return
    given = {
        **{f"name{number}": name for number, name in enumerate(section.names)},
        "holder": section.holder,
        "process": processes.own(),
        "until": time.time() + section.seconds,
        "since": since,
    }
    taken = connection.execute(_entering(len(section.names)), given).all()
    if len(taken) < len(section.names):
        raise Held


def leaving(section: Section, seq: int) -> list[Executable]:
    """What lets go of the section with the outcome of the call, which is entry `seq`."""
    mine = (sections.c.name.in_(section.names), sections.c.holder == section.holder)
    found: list[Executable] = [update(sections).where(*mine).values(holder="", changed=seq)]
    if seq % _TIDIED == 0:
        found.append(delete(sections).where(sections.c.until < time.time() - _REMEMBERED))
    return found


def held(connection: Connection, calls: Iterable[str]) -> dict[str, bool]:
    """Which of these calls hold a target, and whether that counts."""
    found = select(sections).where(sections.c.holder.in_(list(calls)))
    holds: dict[str, bool] = {}
    for row in connection.execute(found):
        holds[row.holder] = holds.get(row.holder, False) or _alive(row)
    return holds


def release(store: Store, section: Section) -> None:
    """Let go of a section without a change."""
    with store.begin() as connection:
        mine = (sections.c.name.in_(section.names), sections.c.holder == section.holder)
        connection.execute(update(sections).where(*mine).values(holder=""))


def _untouched(known: Iterable[Row[Any]], section: Section, since: int) -> bool:
    """Whether nobody else holds one of the targets, or has changed it."""
    others = (row for row in known if row.holder != section.holder)
    # A hold of the dead counts too: nobody knows what became of it since.
    return not any(row.holder or row.changed > since for row in others)


@cache
def _entering(count: int) -> TextClause:
    """What takes so many names, but for those that `_untouched` would not leave to the call.

    As text, since SQLAlchemy has no such statement that both databases know.
    """
    rows = ", ".join(f"(:name{number}, :holder, :process, :until, 0)" for number in range(count))
    return text(_ENTER.format(rows))


def _rows(connection: Connection, section: Section) -> list[Row[Any]]:
    """What is known of the targets."""
    return list(connection.execute(_known(section)))


def _known(section: Section) -> Select[Any]:
    return select(sections).where(sections.c.name.in_(section.names))


def _hold(connection: Connection, section: Section, known: Iterable[Row[Any]]) -> None:
    changed = {row.name: row.changed for row in known}
    if changed:
        connection.execute(delete(sections).where(sections.c.name.in_(section.names)))
    until = time.time() + section.seconds
    rows = [
        {
            "name": name,
            "holder": section.holder,
            "process": processes.own(),
            "until": until,
            "changed": changed.get(name, 0),
        }
        for name in section.names
    ]
    if rows:
        connection.execute(insert(sections), rows)


def _alive(row: Row[Any]) -> bool:
    """Whether a hold counts: its holder lives, as far as can be seen, and its time is not over."""
    if not row.holder or row.until <= time.time():
        return False
    return processes.may_live(str(row.process))


_ENTER = """INSERT INTO sections (name, holder, process, until, changed) VALUES {}
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder, process = excluded.process, until = excluded.until
WHERE sections.holder = excluded.holder
OR (sections.holder = '' AND sections.changed <= :since)
RETURNING name"""
_NEWEST = select(func.coalesce(func.max(journal.c.seq), 0))

"""Sessions: what a browser's cookie stands for, in the store, so that every replica knows it.

A session ends by signing out, after half an hour without a page, and after eight hours. Its secret
is new with every sign-in, so that nobody can hand somebody a session beforehand.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from descope_mcp.console.sign_in.people import Person, person
from descope_mcp.store import tickets
from descope_mcp.store.store import Store

#: Seconds without a page, and in all, after which a session ends.
IDLE, LONGEST = 30 * 60.0, 8 * 3600.0
#: A page is noted after so many seconds at most, so that not every one writes.
_NOTED = 60.0


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in, in one browser.

    ``csrf`` is in every form. ``began``, ``seen`` and ``checked`` say (epoch seconds) when they
    signed in, when the last page was, and when it was last known which roles they have.
    ``provider`` is what that is asked with again.
    """

    secret: str = field(repr=False)
    csrf: str = field(repr=False)
    person: Person
    began: float
    seen: float
    checked: float
    provider: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def ends(self) -> float:
        """When it ends, if there is no other page."""
        return min(self.seen + IDLE, self.began + LONGEST)


def begin(store: Store, who: Person, provider: Mapping[str, Any]) -> Session:
    """A new session.

    Raises:
        StoreError: it cannot be kept.
    """
    now = time.time()
    made = Session("", secrets.token_urlsafe(32), who, now, now, now, provider)
    return replace(made, secret=tickets.issue(store, "session", _data(made), made.ends))


def find(store: Store, secret: str) -> Session | None:
    """The session of a cookie, None if there is none any more.

    Raises:
        StoreError: the store cannot be read.
    """
    kept = tickets.find(store, "session", secret)
    return None if kept is None else _session(secret, kept)


def seen(store: Store, session: Session) -> Session | None:
    """The session after another page; None if it was ended meanwhile.

    Raises:
        StoreError: it cannot be kept.
    """
    now = time.time()
    if now < session.seen + _NOTED:
        return session
    return _renewed(store, replace(session, seen=now), {"seen": now})


def known(
    store: Store, session: Session, who: Person, provider: Mapping[str, Any]
) -> Session | None:
    """The session with who it is by now; None if it was ended meanwhile.

    Raises:
        StoreError: it cannot be kept.
    """
    changes = {"person": who.data(), "checked": time.time(), "provider": dict(provider)}
    return _renewed(store, session, changes)


def _renewed(store: Store, session: Session, changes: Mapping[str, Any]) -> Session | None:
    # Others of the same session may change something else of it at the same time.
    kept = tickets.renew(store, "session", session.secret, changes, session.ends)
    return None if kept is None else _session(session.secret, kept)


def end(store: Store, session: Session) -> None:
    """End a session, in every replica.

    Raises:
        StoreError: it cannot be ended.
    """
    tickets.take(store, "session", session.secret)


def _data(session: Session) -> dict[str, Any]:
    return {
        "csrf": session.csrf,
        "person": session.person.data(),
        "began": session.began,
        "seen": session.seen,
        "checked": session.checked,
        "provider": dict(session.provider),
    }


def _session(secret: str, data: Mapping[str, Any]) -> Session:
    return Session(
        secret,
        data["csrf"],
        person(data["person"]),
        data["began"],
        data["seen"],
        data["checked"],
        data["provider"],
    )

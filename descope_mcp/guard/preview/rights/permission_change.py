"""Who may do what after a call and not before it, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Holder(NamedTuple):
    """Who has or gets roles: a target, or (``group``) whoever is in groups of that name."""

    who: str
    group: bool = False


class Shift(NamedTuple):
    """The permissions that somebody gains or loses by a call, in a tenant or ("") the project.

    With ``group`` it is whoever is in groups of this name.
    """

    who: str
    tenant: str
    gained: tuple[str, ...]
    lost: tuple[str, ...] = ()
    group: bool = False


class ConsoleRole(NamedTuple):
    """A role of Descope's console or of a management key, which has no permissions of the project.

    ``among`` is what it is limited to (projectIds, tags), "" where that is everything; ``brings``
    says what it is for, where that is known.
    """

    holder: Holder
    role: str
    among: str
    names: tuple[str, ...]
    brings: str = ""


class Nowhere(NamedTuple):
    """A role that there is neither in a tenant ("" for none) nor in the project."""

    role: str
    tenant: str


@dataclass(frozen=True, slots=True)
class Rights:
    """What a call makes of people's rights.

    ``given`` are the shifts of those who get roles; ``redefined`` those of everybody who has a
    role, since the call makes its name mean something else; ``console`` the roles of Descope's
    console, which stand for nothing in the project. ``nowhere`` are roles that somebody is given
    and that do not exist.
    """

    given: tuple[Shift, ...] = ()
    redefined: tuple[Shift, ...] = ()
    console: tuple[ConsoleRole, ...] = ()
    nowhere: tuple[Nowhere, ...] = ()


#: Of a call that names no roles.
NO_RIGHTS = Rights()

"""Who may do what after a call and not before it, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Shift(NamedTuple):
    """The permissions that somebody gains or loses by a call, in a tenant or ("") the project."""

    who: str
    tenant: str
    gained: tuple[str, ...]
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rights:
    """What a call makes of people's rights.

    ``given`` are the shifts of those who get roles; ``redefined`` those of everybody who has a
    role, since the call makes its name mean something else.
    """

    given: tuple[Shift, ...] = ()
    redefined: tuple[Shift, ...] = ()


#: Of a call that names no roles.
NO_RIGHTS = Rights()

"""The second factor of approvals: six digits that change every 30 seconds (TOTP, RFC 6238).

Once enrolled, every approval needs a code. A code is used once; after five wrong ones in a row no
code counts for a while, and for twice as long after each five more, up to an hour, so that none
can be guessed.
"""

from __future__ import annotations

import hmac
import time
from typing import Literal

from sqlalchemy import delete, select, update

from descope_mcp.store.store import Store
from descope_mcp.store.tables import factor

_MOST_FAILURES = 5
#: Seconds for which no code counts after five wrong ones, after ten, and so on.
_LOCKED = (300.0, 600.0, 1200.0, 2400.0, 3600.0)
_STEP = 30
#: How far the clock of a person's phone may be off, in steps.
_SKEW = (0, -1, 1)

Checked = Literal["right", "wrong", "locked"]


def enrolled(store: Store) -> bool:
    """Whether approvals need a code."""
    with store.database.begin() as connection:
        return connection.execute(select(factor.c.id)).first() is not None


def new_secret() -> str:
    """A new secret in base 32, to be shown once; it counts after `confirm`."""
    import pyotp

    return pyotp.random_base32()


def provisioning_uri(secret: str) -> str:
    """What an authenticator app reads from a QR code."""
    import pyotp

    return pyotp.TOTP(secret, interval=_STEP).provisioning_uri(
        name="approvals", issuer_name="descope-mcp"
    )


def confirm(store: Store, secret: str, code: str) -> bool:
    """Keep `secret` if `code` proves that the person has it; False if it is wrong.

    Raises:
        StoreError: it cannot be kept, or one is enrolled already.
    """
    step = _matching_step(secret, code, after=-1)
    if step is None:
        return False
    with store.database.begin() as connection:
        connection.execute(
            factor.insert().values(
                id=1, secret=store.key.seal(secret), last_step=step, failures=0, locked_until=0.0
            )
        )
    return True


def remove(store: Store) -> None:
    """Ask for no code any more."""
    with store.database.begin() as connection:
        connection.execute(delete(factor))


def check(store: Store, code: str) -> Checked:
    """Use a code.

    Raises:
        StoreError: it cannot be checked, so it must not count.
    """
    now = time.time()
    with store.database.begin() as connection:
        row = connection.execute(select(factor)).one()
        if row.locked_until > now:
            return "locked"
        step = _matching_step(store.key.unseal(row.secret), code, after=row.last_step)
        if step is not None:
            connection.execute(update(factor).values(last_step=step, failures=0))
            return "right"
        failures = row.failures + 1
        rows, rest = divmod(failures, _MOST_FAILURES)
        locked = 0.0 if rest else now + _LOCKED[min(rows, len(_LOCKED)) - 1]
        connection.execute(update(factor).values(failures=failures, locked_until=locked))
    return "locked" if locked else "wrong"


def _matching_step(secret: str, code: str, after: int) -> int | None:
    """The time step that `code` belongs to, if it is newer than the last one used."""
    import pyotp

    totp, now = pyotp.TOTP(secret, interval=_STEP), int(time.time()) // _STEP
    for skew in _SKEW:
        expected = totp.generate_otp(now + skew)
        if now + skew > after and hmac.compare_digest(expected.encode(), code.strip().encode()):
            return now + skew
    return None

"""The second factor of approvals: six digits that change every 30 seconds (TOTP, RFC 6238).

Once enrolled, every approval needs a code. A code is used once; after five wrong ones in a row no
code counts for a while, and for twice as long after each five more, up to an hour, so that none
can be guessed. For a lost phone there are recovery codes, each of which counts once.

The witness remembers the row, so that it cannot be taken out of the database unseen; what a person
types to accept that is checked against what is remembered.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from descope_mcp.store.errors import StoreError
from descope_mcp.store.integrity import signed_rows, witness
from descope_mcp.store.key import Key
from descope_mcp.store.store import Store
from descope_mcp.store.tables import factor

_MOST_FAILURES = 5
#: Seconds for which no code counts after five wrong ones, after ten, and so on.
_LOCKED = (300.0, 600.0, 1200.0, 2400.0, 3600.0)
_STEP = 30
#: How far the clock of a person's phone may be off, in steps.
_SKEW = (0, -1, 1)
#: So many recovery codes are made, of so many letters: 50 bits each, without look-alikes.
_RECOVERY = 8
_LETTERS, _LENGTH = "abcdefghjkmnpqrstuvwxyz23456789", 10


class Checked(NamedTuple):
    """What became of a code.

    ``until`` is when codes count again (epoch seconds), if none do now; ``recovery`` is how many
    recovery codes are left, if the code was one of them.
    """

    result: Literal["right", "wrong", "locked"]
    until: float = 0.0
    recovery: int | None = None

    @property
    def said(self) -> str:
        """What a person is told whose code does not count."""
        if self.result == "wrong":
            return "the code is wrong, or was used before"
        minutes = math.ceil(max(self.until - time.time(), 0.0) / 60)
        return f"too many wrong codes; none counts for {minutes} more minute(s)"


def enrolled(store: Store) -> bool:
    """Whether approvals need a code.

    Raises:
        NotAsLeft: it cannot be told, since rows are missing.
    """
    with signed_rows.book(store) as book:
        return bool(book.rows(factor))


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


def confirm(store: Store, secret: str, code: str) -> tuple[str, ...] | None:
    """Keep `secret` if `code` proves that the person has it.

    Returns:
        The recovery codes, to be shown once; None if the code is wrong.

    Raises:
        StoreError: it cannot be kept, or one is enrolled already.
    """
    step = _matching_step(secret, code, after=-1)
    if step is None:
        return None
    codes = tuple(_new_code() for _ in range(_RECOVERY))
    with signed_rows.book(store) as book:
        if book.rows(factor):
            raise StoreError("a second factor is enrolled already")
        book.insert(
            factor,
            id=1,
            secret=store.key.seal(secret),
            last_step=step,
            failures=0,
            locked_until=0.0,
            recovery=store.key.seal(json.dumps([_digest(code) for code in codes])),
        )
    return codes


def remove(store: Store) -> None:
    """Ask for no code any more."""
    with signed_rows.book(store) as book:
        for row in book.rows(factor):
            book.delete(factor, row)


def check(store: Store, code: str) -> Checked:
    """Use a code, of the authenticator or for recovery.

    Raises:
        StoreError: it cannot be checked, so it must not count.
    """
    with signed_rows.book(store) as book:
        (row,) = book.rows(factor)
        checked, values = _checked(store.key, row._mapping, code)
        if values:
            book.update(factor, row, **values)
    return checked


def remembered(store: Store) -> bool:
    """Whether a second factor was enrolled, by the witness alone."""
    seen = witness.read(store.witness_file)
    return bool(seen and seen.factor)


def check_remembered(store: Store, code: str) -> Checked:
    """Use a code against what the witness remembers, whatever has become of the database.

    Raises:
        StoreError: it cannot be checked, so it must not count.
    """
    with store.witnessing() as file:
        seen = witness.read(file)
        if seen is None or seen.factor is None:
            raise StoreError("no second factor is remembered")
        checked, values = _checked(store.key, seen.factor, code)
        factor_now = {**seen.factor, **values}
        witness.write(file, replace(seen, factor=factor_now))
    return checked


def _checked(key: Key, row: Mapping[Any, Any], code: str) -> tuple[Checked, dict[str, Any]]:
    """What a code is worth, and what is different afterwards."""
    now = time.time()
    if row["locked_until"] > now:
        return Checked("locked", row["locked_until"]), {}
    step = _matching_step(key.unseal(row["secret"]), code, after=row["last_step"])
    if step is not None:
        return Checked("right"), {"last_step": step, "failures": 0}
    left = json.loads(key.unseal(row["recovery"])) if row["recovery"] else []
    used = _digest(code)
    if any(hmac.compare_digest(used, digest) for digest in left):
        left.remove(used)
        values = {"recovery": key.seal(json.dumps(left)), "failures": 0}
        return Checked("right", recovery=len(left)), values
    failures = row["failures"] + 1
    rows, rest = divmod(failures, _MOST_FAILURES)
    locked = 0.0 if rest else now + _LOCKED[min(rows, len(_LOCKED)) - 1]
    values = {"failures": failures, "locked_until": locked}
    return Checked("locked" if locked else "wrong", locked), values


def _new_code() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return f"{letters[:5]}-{letters[5:]}"


def _digest(code: str) -> str:
    """What is kept of a recovery code, under the seal of the key."""
    plain = "".join(code.lower().split()).replace("-", "")
    return hashlib.sha256(plain.encode(errors="surrogatepass")).hexdigest()


def _matching_step(secret: str, code: str, after: int) -> int | None:
    """The time step that `code` belongs to, if it is newer than the last one used."""
    import pyotp

    totp, now = pyotp.TOTP(secret, interval=_STEP), int(time.time()) // _STEP
    for skew in _SKEW:
        expected = totp.generate_otp(now + skew)
        if now + skew > after and hmac.compare_digest(expected.encode(), code.strip().encode()):
            return now + skew
    return None

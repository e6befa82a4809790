"""Ids and secrets as the service makes them, from the random source that each is given."""

from __future__ import annotations

import string
from random import Random

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase


def token(random: Random, length: int) -> str:
    """`length` letters and digits."""
    return "".join(random.choices(_ALPHABET, k=length))


def new_id(random: Random, letter: str) -> str:
    """A new id: the letter of its kind and 27 characters like a KSUID's."""
    return f"{letter}3{token(random, 26)}"

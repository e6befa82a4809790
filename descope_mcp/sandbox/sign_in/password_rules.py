"""Passwords as they are kept, and the rules that a new one must pass."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from random import Random
from typing import Any

from descope_mcp.sandbox.engine.errors import WEAK_PASSWORD, DescopeError

#: Cheap on purpose: the sandbox keeps no real secrets, and tests sign in often.
_COST = {"n": 2**6, "r": 8, "p": 1}


def hashed(random: Random, password: str) -> str:
    """What is kept of a password: salt and scrypt hash."""
    return _hash(password, random.randbytes(16))


def fits(password: str, kept: str) -> bool:
    """Whether `password` is the one that `kept` was made from."""
    method, _, rest = kept.partition("$")
    salt, _, _ = rest.partition("$")
    if method != "scrypt":
        return False
    return hmac.compare_digest(_hash(password, base64.b64decode(salt)), kept)


def ensure_strong(password: str, rules: Mapping[str, Any], email: str = "") -> None:
    """Raise for the first of the tenant's or project's `rules` that `password` breaks."""
    shortest = int(rules["minLength"])
    broken = {
        f"have at least {shortest} characters": len(password) < shortest,
        "have a lowercase letter": rules["lowercase"] and not any(c.islower() for c in password),
        "have an uppercase letter": rules["uppercase"] and not any(c.isupper() for c in password),
        "have a letter": rules["anyLetter"] and not any(c.isalpha() for c in password),
        "have a digit": rules["number"] and not any(c.isdigit() for c in password),
        "have a symbol": rules["nonAlphanumeric"] and password.isalnum(),
        "have no disallowed character": set(password) & set(rules["disallowedCharacters"]),
        "not be the email address": rules["disallowEmailMatch"] and email and password == email,
    }
    for rule, applies in broken.items():
        if applies:
            raise DescopeError(WEAK_PASSWORD, f"The password must {rule}")


def _hash(password: str, salt: bytes) -> str:
    digest = hashlib.scrypt(password.encode(), salt=salt, **_COST)
    return f"scrypt${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"

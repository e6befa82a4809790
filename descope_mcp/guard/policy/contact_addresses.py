"""Addresses of people, mail or phone, so far as to tell one from another.

Both are compared as an identity service may read them: without case, width and blanks at the ends
(a mail address), by their digits alone (a phone number).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

_PHONE = re.compile(r"\+?[\d\s().-]{6,}")


@dataclass(frozen=True, slots=True)
class Contact:
    """An address and its kind; ``other`` is a text that is neither mail address nor number."""

    kind: Literal["mail", "phone", "other"]
    text: str

    def differs(self, account: Contact, *, alike: bool) -> bool:
        """Whether this is another address than the one that an account is named after.

        An account that is not named after an address has no other one. With `alike` an address of
        another kind does not count.
        """
        if account.kind == "other" or self == account:
            return False
        return self.kind == account.kind or not alike


def parse(value: Any) -> Contact | None:
    """The address in an argument, None where there is no text in it."""
    text = unicodedata.normalize("NFKC", value).strip() if isinstance(value, str) else ""
    if not text:
        return None
    if "@" in text:
        return Contact("mail", text.casefold())
    if _PHONE.fullmatch(text):
        return Contact("phone", re.sub(r"\D", "", text))
    return Contact("other", text)

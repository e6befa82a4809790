"""People out of recorded data: each name, address and number by another, always the same one.

Ids stay, so that records still refer to each other; so do the domains of addresses, which tenants
go by, and everything that is about no person.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

#: A local part, and the domain that stays (RFC 5321, section 4.5.3.1, has the lengths; RFC 6531,
#: section 3.3, letters of any language).
_ADDRESS = re.compile(r"[\w.%+'-]{1,64}@([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
_PHONE = re.compile(r"\+\d{7,15}")
#: The fields of a person that hold a name.
_NAMES = ("name", "displayName", "givenName", "middleName", "familyName")
_MAILBOXES = ("email", "recoveryEmail")
_PICTURE = "picture"
#: What is noted of a person, and what a key or a person carries into tokens.
_NOTED, _CLAIMS = "customAttributes", "customClaims"
_LOGINS = ("loginIds", "loginIDs", "externalIds", "loginId")
#: Shorter ones would be found in words.
_SHORTEST_INSIDE = 4


class Pseudonyms:
    """What stands for whom, in one recording."""

    def __init__(self) -> None:
        self._by_mark: dict[str, str] = {}
        self._people = 0

    def learn(self, data: Any) -> None:
        """Find the people in an answer, or in the arguments of a call."""
        if isinstance(data, Mapping):
            if is_person(data):
                self._learn_person(data)
            for value in data.values():
                self.learn(value)
        elif isinstance(data, list):
            for value in data:
                self.learn(value)

    def replaced(self, data: Any) -> Any:
        """A copy in which nobody can be recognised; all that was learnt counts."""
        if isinstance(data, Mapping):
            person = is_person(data)
            return {
                self._text(key) if "@" in key else key: (
                    self._free(value)
                    if key == _CLAIMS or (key == _NOTED and person)
                    else self.replaced(value)
                )
                for key, value in data.items()
            }
        if isinstance(data, list):
            return [self.replaced(value) for value in data]
        return self._text(data) if isinstance(data, str) else data

    def _learn_person(self, person: Mapping[str, Any]) -> None:
        names = [person.get(name) for name in _NAMES]
        logins = [item for name in _LOGINS for item in _texts(person.get(name))]
        # One that has no domain is a name of the person's own.
        marks = [m for m in (*names, *logins) if isinstance(m, str) and m and "@" not in m]
        unknown = [m for m in dict.fromkeys(marks) if m not in self._by_mark]
        if unknown:
            self._people += 1
        for index, mark in enumerate(unknown):
            suffix = f" {index + 1}" if index else ""
            self._by_mark[mark] = (
                self._number(mark) if _PHONE.fullmatch(mark) else f"Person {self._people}{suffix}"
            )
        for mailbox in (*logins, *(person.get(name) for name in _MAILBOXES)):
            if isinstance(mailbox, str) and "@" in mailbox:
                # Also of a form that is not found in texts (ann@intranet).
                self._mailbox(mailbox, mailbox.rpartition("@")[2])
        picture = person.get(_PICTURE)
        if isinstance(picture, str) and picture:
            self._by_mark.setdefault(picture, "https://example.com/picture.png")

    def _text(self, text: str) -> str:
        known = self._by_mark.get(text)
        if known is not None:
            return known
        if _is_address(text):
            return self._by_mark.setdefault(text, f"192.0.2.{self._count('192.0.2.') % 254 + 1}")
        text = _ADDRESS.sub(lambda match: self._mailbox(match[0], match[1]), text)
        text = _PHONE.sub(lambda match: self._number(match[0]), text)
        for mark, stand_in in self._by_mark.items():
            if len(mark) >= _SHORTEST_INSIDE and mark in text:
                text = re.sub(rf"(?<!\w){re.escape(mark)}(?!\w)", stand_in, text)
        return text

    def _mailbox(self, mailbox: str, domain: str) -> str:
        known = self._by_mark.get(mailbox)
        if known is None:
            count = self._count("person-") + 1
            known = self._by_mark[mailbox] = f"person-{count}@{domain}"
        return known

    def _number(self, number: str) -> str:
        # Reserved for fiction in the numbering plan of North America.
        return self._by_mark.setdefault(number, f"+1555{self._count('+1555'):07d}")

    def _free(self, value: Any) -> Any:
        """What somebody noted, under names of their own: only its form stays."""
        if isinstance(value, Mapping):
            return {name: self._free(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._free(item) for item in value]
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, str):
            key = f"\0{value}"
            return (
                self._by_mark.setdefault(key, f"value {self._count('value ') + 1}") if value else ""
            )
        return 1

    def _count(self, prefix: str) -> int:
        return sum(one.startswith(prefix) for one in self._by_mark.values())


def is_person(data: Mapping[str, Any]) -> bool:
    """Whether an object describes somebody: it has login ids, or an address beside a name."""
    if any(name in data for name in _LOGINS):
        return True
    return "email" in data and any(name in data for name in _NAMES)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

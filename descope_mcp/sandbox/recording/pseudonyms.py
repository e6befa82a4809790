"""People out of recorded data: each name, address and number by another, always the same one.

Ids stay, so that records still refer to each other; so do the domains of addresses, which tenants
go by, and everything that is about no person.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.recording.known_words import KnownWords
from descope_mcp.sandbox.recording.person_fields import person_fields, texts

#: A local part, and the domain that stays (RFC 5321, section 4.5.3.1, has the lengths; RFC 6531,
#: section 3.3, letters of any language).
_ADDRESS = re.compile(r"[\w.%+'-]{1,64}@([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
#: As people write them: +49 301 234567, (030) 123-4567. Without a plus or a bracket in front, a
#: number may be anything.
_PHONE = re.compile(r"(?<![\w.])(?:\+\d|\(\+?\d{1,5}\))(?:[ ()./-]{0,3}\d){5,17}(?!\w)")
_DIGITS = range(7, 16)
#: What a field for numbers holds is one, be it short; less is no way to find somebody.
_SHORTEST = 5


class Pseudonyms:
    """What stands for whom, in one recording."""

    def __init__(self) -> None:
        self._by_mark: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._inside = KnownWords()
        self._fields = person_fields()

    def learn(self, data: Any) -> None:
        """Find the people in an answer, or in the arguments of a call."""
        if isinstance(data, Mapping):
            if self._fields.describes(data):
                self._learn_person(data)
            for name, value in data.items():
                if name in self._fields.phones:
                    for number in texts(value):
                        self._number(number, _SHORTEST)
                elif name in self._fields.lists and isinstance(value, list):
                    shown = (one.get("display") for one in value if isinstance(one, Mapping))
                    for display in shown:
                        self._learn_names([*texts(display)])
                self.learn(value)
        elif isinstance(data, list):
            for value in data:
                self.learn(value)

    def replaced(self, data: Any) -> Any:
        """A copy in which nobody can be recognised; all that was learnt counts."""
        if isinstance(data, Mapping):
            noted = self._fields.noted if self._fields.describes(data) else ()
            return {
                self._text(key) if "@" in key else key: (
                    self._free(value)
                    if key in self._fields.claims or key in noted
                    else self.replaced(value)
                )
                for key, value in data.items()
            }
        if isinstance(data, list):
            return [self.replaced(value) for value in data]
        return self._text(data) if isinstance(data, str) else data

    def _learn_person(self, person: Mapping[str, Any]) -> None:
        names: list[str] = []
        for field in self._fields.names:
            value = person.get(field)
            # SCIM has the parts of a name one level below.
            parts = value.values() if isinstance(value, Mapping) else [value]
            names += [text for part in parts for text in texts(part)]
        logins = [text for field in self._fields.logins for text in texts(person.get(field))]
        # One that has no domain is a name of the person's own.
        self._learn_names([*names, *logins])
        mailboxes = [text for field in self._fields.mailboxes for text in texts(person.get(field))]
        for mailbox in (*logins, *mailboxes):
            if "@" in mailbox:
                # Also of a form that is not found in texts (ann@intranet).
                self._mailbox(mailbox, mailbox.rpartition("@")[2])
        for field in self._fields.pictures:
            for picture in filter(None, texts(person.get(field))):
                self._stands_for(picture, "https://example.com/picture.png")

    def _learn_names(self, marks: list[str]) -> None:
        """Let what is not known yet of one person's names be called by one number."""
        unknown = [m for m in dict.fromkeys(marks) if m and "@" not in m and m not in self._by_mark]
        if unknown:
            self._counts["Person"] += 1
        for index, mark in enumerate(unknown):
            suffix = f" {index + 1}" if index else ""
            if _PHONE.fullmatch(mark):
                self._number(mark)
            else:
                self._stands_for(mark, f"Person {self._counts['Person']}{suffix}")

    def _text(self, text: str) -> str:
        known = self._by_mark.get(text)
        if known is not None:
            return known
        if _is_address(text):
            return self._stands_for(text, f"192.0.2.{self._next('address') % 254 + 1}")
        if "@" in text:
            text = _ADDRESS.sub(lambda match: self._mailbox(match[0], match[1]), text)
        text = _PHONE.sub(lambda match: self._number(match[0]), text)
        return self._inside.replaced(text)

    def _mailbox(self, mailbox: str, domain: str) -> str:
        known = self._by_mark.get(mailbox)
        return known or self._stands_for(mailbox, f"person-{self._next('mailbox') + 1}@{domain}")

    def _number(self, number: str, shortest: int = _DIGITS[0]) -> str:
        """Another number in the place of one, the same for all ways to write it."""
        digits = re.sub(r"\D", "", number)
        if number in self._by_mark or not shortest <= len(digits) <= _DIGITS[-1]:
            return self._by_mark.get(number, number)
        key = f"\0phone {digits}"
        if key not in self._by_mark:
            # Reserved for fiction in the numbering plan of North America.
            self._by_mark[key] = f"+1555{self._next('phone'):07d}"
        return self._stands_for(number, self._by_mark[key])

    def _free(self, value: Any) -> Any:
        """What somebody noted, under names of their own: only its form stays."""
        if isinstance(value, Mapping):
            return {name: self._free(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._free(item) for item in value]
        if isinstance(value, bool) or value is None:
            return value
        if not isinstance(value, str):
            return 1
        key = f"\0{value}"
        if value and key not in self._by_mark:
            self._by_mark[key] = f"value {self._next('value') + 1}"
        return self._by_mark[key] if value else ""

    def _stands_for(self, mark: str, stand_in: str) -> str:
        """Let `stand_in` be for a mark what it is from now on, also inside of texts."""
        if mark not in self._by_mark:
            self._by_mark[mark] = stand_in
            self._inside.add(mark, stand_in)
        return self._by_mark[mark]

    def _next(self, kind: str) -> int:
        self._counts[kind] += 1
        return self._counts[kind] - 1


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

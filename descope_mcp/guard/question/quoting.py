"""Foreign names and values as a person is shown them: on one line, cut, in nobody else's voice.

A letter that looks like one of another script is spelled out as an escape, since a person would
take it for the other: among ASCII letters (Unicode Technical Standard 39, mixed scripts), and any
in an address.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

#: So many characters of arguments a person is shown at once: some four screens.
MOST_SHOWN = 20_000
#: So much of a value is shown, and of an address, whose end tells where it leads.
_MAX_VALUE = 120
_MAX_ADDRESS = 270
#: No more of a value is looked at: it is cut anyway.
_MAX_READ = 400
_MAX_TYPED = 80
#: Letters, marks and symbols by their category, and yet nothing to see.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
#: An address on the web or of mail: no blanks, and a mark that says what it is.
_ADDRESS = re.compile(r"\S*(?:://|@)\S*")
#: What Markdown gives a meaning (CommonMark 0.31, sections 2.4, 4 and 6; GFM, 6.5 and 6.9).
_MARKUP = re.compile(r"[\[\]<>*`~|\\]|://|(?<!\w)_|_(?!\w)|^[#+-]|^\d+[.)]|&#?\w+;")
_WORD = re.compile(r"\w+")
#: Scripts, by the names of their letters, with letters that look like Latin ones.
_LOOK_ALIKE = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "FULLWIDTH", "MATHEM")


class NotShown(Exception):
    """Nobody can be shown the call; the message says why."""


class TooMuchToShow(NotShown):
    """A call has more in it than a person can be shown at once; `fits` items would fit."""

    def __init__(self, operation: str, fits: int = 0) -> None:
        most = f" {fits:,} at a time can be." if fits else ""
        super().__init__(f"{operation} has more in it than a person can be shown at once.{most}")


class Obscured(NotShown):
    """An argument would be masked as a token although a person has to read it."""

    def __init__(self, operation: str, path: str) -> None:
        super().__init__(
            f"{operation}: {quoted(path)} holds a name or an address that nobody could be shown "
            "whole, since it is too long or looks like a token."
        )


def quoted(value: Any) -> str:
    """A foreign value on one line: JSON, without invisible characters, at most 120 characters.

    Of an address there are at most 270, so that no host is cut off.
    """
    shown, most = _spelled(value)
    end = '…"' if isinstance(value, str) else "…"
    return shown if len(shown) <= most else shown[: most - len(end)] + end


def whole(value: Any) -> str:
    """A foreign value on one line like `quoted`, and nothing of it cut."""
    return _spelled(value, None)[0]


def fits(text: str) -> bool:
    """Whether `quoted` shows all of a text."""
    shown, most = _spelled(text)
    return len(text) <= _MAX_READ and len(shown) <= most


def _spelled(value: Any, most: int | None = _MAX_READ) -> tuple[str, int]:
    """A value as JSON without what cannot be seen or is taken for something else, and its room.

    No more than `most` characters of it are looked at, all if None.
    """
    text = value[:most] if isinstance(value, str) else value
    parts = value if isinstance(value, list) else [text]
    address = any(isinstance(part, str) and _ADDRESS.fullmatch(part) for part in parts)
    shown = json.dumps(text, ensure_ascii=address)[:most]
    shown = "".join(c if visible(c) else "·" for c in shown)
    shown = _WORD.sub(_told_apart, shown).replace("<", "\\u003c").replace("](", "]\\u0028")
    return shown, _MAX_ADDRESS if address else _MAX_VALUE


def typeable(name: str) -> bool:
    """Whether a person who reads `name` can type it: short, visible, no blanks that look alike.

    Nor may it hold what a client could take for Markdown: it would show something else.
    """
    plain = name == " ".join(name.split()) and not _MARKUP.search(name)
    return 0 < len(name) <= _MAX_TYPED and plain and all(map(visible, name))


def visible(character: str) -> bool:
    """Whether there is something to see of a character, if only a plain blank."""
    # Cc and Cf are control and format characters, Z* blanks and breaks, Co, Cs and Cn undefined.
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Zs", "Co", "Cs", "Cn")
    return character == " " or not (hidden or _BLANK.match(character))


def _told_apart(word: re.Match[str]) -> str:
    """A word of ASCII letters in which those that only look like such are escapes."""
    if word[0].isascii() or not re.search("[A-Za-z]", word[0]):
        return word[0]
    alike = (unicodedata.name(c, "").startswith(_LOOK_ALIKE) for c in word[0])
    pairs = zip(word[0], alike, strict=True)
    return "".join(json.dumps(c)[1:-1] if is_alike else c for c, is_alike in pairs)


def identity(item: Any) -> Any:
    """What tells one element of a list from another."""
    if not isinstance(item, Mapping):
        return item
    keys = ("name", "loginIds", "displayName", "id", "userId", "appId", "email")
    return {key: item[key] for key in keys if item.get(key)} or item

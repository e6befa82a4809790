"""Patterns of values: ``*``, ``?`` and ``[a-z]``, as narrow as what they allow.

A pattern that lets something through must not stretch over what separates one value from another:
two addresses with a comma between them end like one. One that holds something back may.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from fnmatch import translate
from functools import lru_cache

#: What ``*`` and ``?`` do not take in: ``@``, commas and the like, slashes, blanks, and characters
#: that control or cannot be seen.
_SEPARATORS = r"@,;/\\<>\s\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_BETWEEN = re.compile(r"[\s,;<>()\"]+")
_PART = re.compile(r"\*|\?|\[(!?)(\]?[^\]]*)\]|[^*?\[]+|\[")


def fits(text: str, pattern: str) -> bool:
    """Whether `text` is, exactly as it is spelled, what `pattern` allows."""
    return _narrow(pattern).fullmatch(text) is not None


def resembles(text: str, pattern: str) -> bool:
    """Whether `text`, or an address in it, may pass for what `pattern` holds back.

    Case, width, blanks at the ends and what cannot be seen do not count.
    """
    wide = _wide(loose(pattern))
    return any(wide.fullmatch(reading) for reading in _readings(loose(text)))


def _readings(text: str) -> Iterator[str]:
    """A text, and each address in it: there may be several, or one with a name before it."""
    yield text
    if "@" in text:
        yield from (part.strip(".") for part in _BETWEEN.split(text) if "@" in part)


def loose(text: str) -> str:
    """A text without what does not count between what is held back and what passes for it."""
    # The one full stop of domain names (UTS 46) that the normal form leaves as it is.
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u3002", ".")
    return "".join(c for c in folded if unicodedata.category(c) not in ("Cf", "Cc")).strip()


@lru_cache(maxsize=512)
def _wide(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))


@lru_cache(maxsize=512)
def _narrow(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_translated(part) for part in _PART.finditer(pattern)))


def _translated(part: re.Match[str]) -> str:
    """One part of a pattern as a regular expression."""
    text = part[0]
    if text == "*":
        return f"[^{_SEPARATORS}]*"
    if text == "?":
        return f"[^{_SEPARATORS}]"
    if part[2] is None:
        return re.escape(text)
    inner = re.sub(r"([\\^\[\]&~|])", r"\\\1", part[2])
    # A class of what is not meant would take in a separator; one that names it means it.
    return f"(?![{_SEPARATORS}])[^{inner}]" if part[1] else f"[{inner}]"


def patterns_fit(text: str, patterns: tuple[str, ...], *, exactly: bool) -> bool:
    """Whether one of `patterns` fits, `exactly` as it is spelled or as it may pass for."""
    fitting = fits if exactly else resembles
    return any(fitting(text, pattern) for pattern in patterns)

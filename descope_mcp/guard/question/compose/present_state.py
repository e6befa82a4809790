"""What a target is like now, where no difference shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from descope_mcp.guard.preview.comparison.difference import is_unset
from descope_mcp.guard.preview.preview import Preview
from descope_mcp.guard.question.question_data import Fact
from descope_mcp.guard.question.quoting import whole
from descope_mcp.guard.question.value_format import shown, words

_MOST_FACTS = 8
_LONGEST_FACT = 120
#: What the service notes of an object by itself, and nobody decides by.
_NOTED = re.compile(r"created|modified|(?:version|etag)$", re.I)
#: The fields that hold a moment, as a number or in digits.
_MOMENT = re.compile(r"(?i:time|expir)|At$")


def what_is_there(preview: Preview, said: str) -> Iterator[Fact]:
    """What the target is like now, in a few words: it is about to go, or gets more."""
    target = preview.target
    if not isinstance(target, Mapping):
        return
    found = 0
    for key, value in target.items():
        text = _fact(key, value)
        if text and text not in said and found < _MOST_FACTS:
            found += 1
            yield Fact(words(key), text)


def _fact(key: str, value: Any) -> str:
    """A value that is worth a word, "" for any other."""
    if is_unset(value) or isinstance(value, bool) or key.lower().endswith(("id", "ids")):
        return ""
    if _NOTED.match(key):
        return ""
    if isinstance(value, list):
        text = ", ".join(filter(None, map(_name_of, value)))
    elif isinstance(value, Mapping):
        pairs = [(k, v) for k, v in value.items() if isinstance(v, (str, int)) and not is_unset(v)]
        told = [(k, _plain(str(k), v)) for k, v in pairs if not _NOTED.match(str(k))]
        text = ", ".join(f"{words(str(k))} {v}" for k, v in told)
    else:
        text = _plain(key, value)
    return text if len(text) <= _LONGEST_FACT else ""


def _plain(key: str, value: Any) -> str:
    """A value that is no list and no object."""
    return shown(key, value, "either" if _MOMENT.search(key) else "")


def _name_of(one: Any) -> str:
    """What an element is called, with the roles that it gives."""
    if not isinstance(one, Mapping):
        return whole(one)
    keys = ("name", "tenantName", "displayName", "tenantId", "id")
    name = next((whole(one[key]) for key in keys if one.get(key)), "")
    roles = one.get("roleNames") or []
    return f"{name} ({', '.join(map(whole, roles))})" if name and roles else name

"""What a name says of a secret where names are anybody's: in attributes, claims, settings, headers.

Every pattern is anchored and bounded: answers are large and strangers write into them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import pydantic_core

from descope_mcp.catalog.json_path import is_empty
from descope_mcp.catalog.secret_shapes import Keep, is_placeholder, is_sealed
from descope_mcp.catalog.secret_words import KEYS, SECRETS

#: What a field of a secret may be called.
_TELLING = re.compile(
    rf"{SECRETS}|{KEYS}|token(?!_?url|_?type|_?exp|_endpoint)|cookie|authorization|\botp|\bpwd"
    r"|(?:smtp|mail|db|user|admin|ldap|bind|ftp)[-_]?(?:pass|pwd)$|^(?:x[-_]|_)auth$",
    re.IGNORECASE,
)
#: Names that speak of a secret and say something else: where it is got, how long it lives, how
#: many there are, when and by whom something was done to it.
_SETTING = re.compile(
    r"(?:ur[li]s?|types?|exp\w*|endpoints?|units?|polic(?:y|ies)|methods?|domains?|paths?|names?|ids?"
    r"|formats?|templates?|settings?|schemas?|modes?|strategy|alg(?:orithm)?s?|count|length|same_?site"
    r"|labels?|titles?|descriptions?|audience|balance|budget|change[ds]?|consent|date|enabled"
    r"|groups?|issuer|kind|left|levels?|limits?|location|max|min|params?|preferences?|provider|quota"
    r"|remaining|required|scopes?|score|status|strength|sub(?:ject)?|time|touse|usage|used|version)$",
    re.IGNORECASE,
)
#: The same in words that are parts of others, so that their first letter tells them.
_SHORT = re.compile(r"(?:_at|At|_on|On|_by|By|_age|Age)$")
#: Names of objects and lists that hold nothing but secrets: all that is below them is sealed. In a
#: section of settings (``authorization``, ``jwtTemplates``) each field says itself what it is.
_HOLDER = re.compile(
    rf"(?:secret|password|passwd|pass[-_]?phrase|token|cookie|cleartext|bearer|hmac|credential|otp"
    rf"|{KEYS})s?$",
    re.IGNORECASE,
)
#: What is secret of a key in the form of RFC 7518, section 6.
_OF_KEY = frozenset(("d", "p", "q", "dp", "dq", "qi", "k"))
#: What keys, salts and tokens look like, and words, addresses and expressions do not.
_RANDOM = re.compile(r"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=\D*\d)[A-Za-z0-9+/_=-]{20,}")
#: Fields whose values look like that and are none.
_NAMING = re.compile(r"(?:^|[a-z_])(?:id|ids|ID|Id|Ids)$|^(?:etag|version|hash)$")
#: A name within a line, followed by what gives it a value.
_INNER = re.compile(r"(?<![\w.\"'-])[\w.\"'-]++\s?[:=>]")
#: A line of YAML or of a settings file that gives such a name a value.
_LINE = re.compile(r"^([^\n:=]{0,120})([:=])[ \t]*(\S[^\n]*)$", re.MULTILINE)


_NONE: Mapping[str, str] = {}


class _Said(NamedTuple):
    """What a name says: that it speaks of a secret, and of what: a text, a number, all below it."""

    telling: bool
    text: bool
    number: bool
    all_below: bool
    section: bool


def _said(name: str) -> _Said:
    """What a name says; those that are not endless are looked at once."""
    return _known(name) if len(name) <= _LONGEST_KNOWN else _read(name)


def _read(name: str) -> _Said:
    telling = bool(_TELLING.search(name))
    text = telling and not (_SETTING.search(name) or _SHORT.search(name))
    # A number under a plural (`tokens: 500`) says how many there are.
    number = text and name[-1:] not in "sS"
    section = text and not _NAMING.search(name)
    return _Said(telling, text, number, bool(_HOLDER.search(name)), section)


def _speaks(name: str) -> bool:
    """Whether a name speaks of a secret, whatever it says of it."""
    return _known(name).telling if len(name) <= _LONGEST_KNOWN else bool(_TELLING.search(name))


_LONGEST_KNOWN = 100
_known = lru_cache(maxsize=4096)(_read)


def names_secret(name: str) -> bool:
    """Whether a field of this name holds a secret, if it holds a text."""
    return _said(name).text


def names_holder(name: str) -> bool:
    """Whether an object or a list of this name holds nothing but secrets."""
    return _said(name).all_below


def seal_named(
    data: Any,
    keep: Keep,
    *,
    own: Mapping[str, str] = _NONE,
    holders: Collection[str] = (),
    written: bool = True,
) -> Any:
    """What telling names stand for sealed: fields, all below them, pairs of name and value.

    Args:
        data: JSON.
        keep: what stands in a secret's place.
        own: further names of texts that are secret, each with its kind.
        holders: names of objects that are called after secrets and hold other fields too.
        written: whether anybody may have written the texts in any form. Then documents of JSON and
            lines of YAML in them are looked into; and below a section of settings that is called
            after secrets, what looks random is sealed too, whatever it is called.
    """
    return _Sealing(keep, own, holders, written).value(data, "")


@dataclass(frozen=True, slots=True)
class _Sealing:
    """How it is done; `about` is the name of the section that a value belongs to."""

    keep: Keep
    own: Mapping[str, str]
    holders: Collection[str]
    written: bool

    def value(self, value: Any, about: str) -> Any:
        if isinstance(value, Mapping):
            secret = _secret_parts(value)
            return {name: self._field(name, v, name in secret, about) for name, v in value.items()}
        if isinstance(value, list):
            return [self.value(item, about) for item in value]
        return self._text(value, about) if self.written and isinstance(value, str) else value

    def _field(self, name: str, value: Any, secret: bool, about: str) -> Any:
        said = _said(name)
        if isinstance(value, str):
            secret = secret or said.text or name in self.own
        elif isinstance(value, (Mapping, list)):
            secret = secret or (said.all_below and name not in self.holders)
        else:
            # A number that says nothing, or is no whole one, is none of a password or a code.
            secret = secret or (said.number and isinstance(value, int) and value != 0)
        if secret:
            return sealed_below(value, partial(self.keep, name, self.own.get(name, "")))
        if not said.section and _NAMING.search(name):
            return self.value(value, "")
        return self.value(value, name if said.section else about)

    def _text(self, text: str, about: str) -> str:
        if is_sealed(text):
            return text
        if text.lstrip()[:1] in ("{", "["):
            return self._document(text, about)
        if about and _RANDOM.fullmatch(text):
            return self.keep(about[:40], "", text)
        return _LINE.sub(partial(_sealed_line, self.keep), text)

    def _document(self, text: str, about: str) -> str:
        """The same for a text that is a JSON document."""
        try:
            inner = pydantic_core.from_json(text, allow_inf_nan=False)
            sealed = self.value(inner, about)
            return text if sealed == inner else json.dumps(sealed, ensure_ascii=False)
        except (ValueError, RecursionError):
            # No document after all ({{user.email}}), or one that nobody can look into.
            telling = _TELLING.search(text) and not is_placeholder(text)
            return self.keep("document", "", text) if telling else text


def _secret_parts(data: Mapping[str, Any]) -> Collection[str]:
    """The fields of an object that are secret for what others of it say."""
    if isinstance(data.get("kty"), str):
        return _OF_KEY
    labels = [data[key] for key in ("name", "key") if isinstance(data.get(key), str)]
    return ("value",) if any(map(_labels_secret, labels)) else ()


def _labels_secret(label: str) -> bool:
    # A sentence may end in any word.
    return names_secret(label) or (" " in label and bool(_TELLING.search(label)))


def _sealed_line(keep: Keep, match: re.Match[str]) -> str:
    # A second name on the same line (`a: x; password: y`) takes the rest of the line with it.
    inner = (name[0] for name in _INNER.finditer(match[3]))
    if not (_TELLING.search(match[1]) or any(map(_speaks, inner))):
        return match[0]
    value = match[3] if is_sealed(match[3]) else keep(match[1].strip()[:40], "", match[3])
    return f"{match[1]}{match[2]} {value}"


def sealed_below(value: Any, keep: Callable[[str], str]) -> Any:
    """Every text and number in `value` sealed, its shape kept."""
    if isinstance(value, Mapping):
        return {key: sealed_below(item, keep) for key, item in value.items()}
    if isinstance(value, list):
        return [sealed_below(item, keep) for item in value]
    if is_empty(value) or isinstance(value, bool):
        return value
    text = str(value)
    return value if is_sealed(text) or is_placeholder(text) else keep(text)

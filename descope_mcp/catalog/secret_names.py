"""What a name says of a secret in free content, where names are anybody's.

Every pattern is anchored and bounded: answers are large and strangers write into them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pydantic_core

from descope_mcp.catalog.json_path import is_empty
from descope_mcp.catalog.secret_shapes import Keep, is_sealed

#: What a field of a secret may be called.
_TELLING = re.compile(
    r"secret|passw|token(?!_?url|_?type|_?exp|_endpoint)|jwt|cookie|cleartext|bearer|hmac"
    r"|authorization|credential|\botp|(?:api|private|access|sign(?:ing)?|encryption)[-_]?key",
    re.IGNORECASE,
)
#: Names that speak of a secret and say something else: where it is got, how long it lives.
_SETTING = re.compile(
    r"(?:ur[li]s?|types?|exp\w*|endpoints?|units?|polic(?:y|ies)|methods?|domains?|paths?|names?|ids?"
    r"|formats?|templates?|settings?|schemas?|modes?|strategy|alg(?:orithm)?s?|count|length|same_?site"
    r"|labels?|titles?|descriptions?)$",
    re.IGNORECASE,
)
#: Names of objects and lists that hold nothing but secrets: all that is below them is sealed. In a
#: section of settings (``authorization``, ``jwtTemplates``) each field says itself what it is.
_HOLDER = re.compile(
    r"(?:secret|password|passwd|token|cookie|cleartext|bearer|hmac|credential|otp"
    r"|(?:api|private|access|secret|sign(?:ing)?|encryption)[-_]?key)s?$",
    re.IGNORECASE,
)
#: What keys, salts and tokens look like, and words, addresses and expressions do not.
_RANDOM = re.compile(r"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=\D*\d)[A-Za-z0-9+/_=-]{20,}")
#: Fields whose values look like that and are none.
_NAMING = re.compile(r"(?:^|[a-z_])(?:id|ids|ID|Id|Ids)$|^(?:etag|version|hash)$")
#: A telling name within a line, followed by what gives it a value.
_INNER = re.compile(rf"(?:{_TELLING.pattern})[\w.\"'-]{{0,20}}\s?[:=>]", re.IGNORECASE)
#: A line of YAML or of a settings file that gives such a name a value.
_LINE = re.compile(r"^([^\n:=]{0,120})([:=])[ \t]*(\S[^\n]*)$", re.MULTILINE)


def seal_named(data: Any, keep: Keep, *, about: str = "") -> Any:
    """What telling names stand for sealed: fields, pairs of name and value, lines of text.

    Below a section of settings that is called after secrets (`about` is its name), what looks
    random is sealed too, whatever it is called.
    """
    if isinstance(data, Mapping):
        labels = [data[key] for key in ("name", "key") if isinstance(data.get(key), str)]
        pair = any(_TELLING.search(label) for label in labels)
        return {
            key: sealed_below(value, partial(keep, key, ""))
            if _is_secret(key, value) or (pair and key == "value")
            else seal_named(value, keep, about=_section(key, about))
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [seal_named(item, keep, about=about) for item in data]
    if not isinstance(data, str) or is_sealed(data):
        return data
    if data.lstrip()[:1] in ("{", "["):
        return _by_name_inside(data, keep, about)
    if about and _RANDOM.fullmatch(data):
        return keep(about[:40], "", data)
    return _LINE.sub(partial(_sealed_line, keep), data)


def _is_secret(name: str, value: Any) -> bool:
    """Whether a name says that its value is a secret, or that all below it are."""
    if isinstance(value, (Mapping, list)):
        return bool(_HOLDER.search(name))
    return bool(_TELLING.search(name)) and not _SETTING.search(name)


def _section(name: str, about: str) -> str:
    """The section that the values under a name belong to, "" if it is not about secrets."""
    if _NAMING.search(name):
        return ""
    return name if _TELLING.search(name) and not _SETTING.search(name) else about


def _by_name_inside(text: str, keep: Keep, about: str) -> str:
    """The same for a text that is a JSON document."""
    try:
        inner = pydantic_core.from_json(text, allow_inf_nan=False)
        sealed = seal_named(inner, keep, about=about)
        return text if sealed == inner else json.dumps(sealed, ensure_ascii=False)
    except (ValueError, RecursionError):
        # No document after all ({{user.email}}), or one that nobody can look into.
        return keep("document", "", text) if _TELLING.search(text) else text


def _sealed_line(keep: Keep, match: re.Match[str]) -> str:
    # A second name on the same line (`a: x; password: y`) takes the rest of the line with it.
    inner = _INNER.search(match[3])
    if not (_TELLING.search(match[1]) or (inner and _TELLING.search(inner[0]))):
        return match[0]
    value = match[3] if is_sealed(match[3]) else keep(match[1].strip()[:40], "", match[3])
    return f"{match[1]}{match[2]} {value}"


def sealed_below(value: Any, keep: Callable[[str], str]) -> Any:
    """Every text and number in `value` sealed, its shape kept."""
    if isinstance(value, Mapping):
        return {key: sealed_below(item, keep) for key, item in value.items()}
    if isinstance(value, list):
        return [sealed_below(item, keep) for item in value]
    if is_empty(value) or isinstance(value, bool) or is_sealed(str(value)):
        return value
    return keep(str(value))

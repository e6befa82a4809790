"""Keeping secrets away from the model: fields by the record, strings by their shape.

What stands in a secret's place, a handle or only ``[sealed]``, is up to the caller (`Keep`); see
`guard.secrets.handles`. Every pattern is anchored and bounded: answers are large and strangers
write into them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pydantic_core

from descope_mcp.catalog.arguments.validation import leaves
from descope_mcp.catalog.json_path import is_empty, replaced_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.secret_shapes import Keep, is_sealed, names_secret, scan, withhold

#: What such a field may be called in answers of free content, where names are anybody's.
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
    r"|(?:api|private|access|sign(?:ing)?|encryption)[-_]?key)s?$",
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
#: Host, port and user name of an address on the web; no host is longer (RFC 1035, section 2.3.4).
_HOST = re.compile(r"://([^/?#\s]+)")
_LONGEST_HOST = 253
_BLANKS = re.compile(r"\s")

#: Where `api.answer` puts the session cookies of an answer, and the kind of secret that they are.
_COOKIES, _SESSION = "cookies", "session"


def seal(operation: Operation, data: Any, keep: Keep = withhold) -> Any:
    """A copy of an answer in which every secret is replaced by what `keep` returns for it.

    The record's fields are replaced whatever they hold, unless it says nothing (empty, a
    boolean, a number), and fields of the same name wherever else they stand, since answers do not
    always have the documented form. Texts that look like a token are replaced everywhere. In
    answers of free content (``scan`` in the record) what a telling name stands for is replaced
    too, and pages of HTML are left out. What is sealed already stays as it is.
    """
    own: dict[str, str] = {}
    for path in operation.secrets:
        kind = operation.kinds.get(path, "")
        own.setdefault(path.rpartition(".")[2].removesuffix("[]"), kind)
        data = replaced_at(data, path, partial(_sealed, keep, path, kind))
    if isinstance(data, dict) and isinstance(data.get(_COOKIES), dict):
        cookies = data[_COOKIES].items()
        sealed = {k: _sealed(keep, f"{_COOKIES}.{k}", _SESSION, v) for k, v in cookies}
        data = {**data, _COOKIES: sealed}
    data = _by_field(data, own, keep)
    if operation.scan:
        data = _by_name(data, keep)
        if isinstance(data, dict) and str(data.get("text", "")).lstrip()[:1] == "<":
            data = {**data, "text": "[a page for a browser, left out]"}
    return scan(data, keep)


def masked(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as a person may see them: secrets replaced, handles as they are."""
    result: dict[str, Any] = scan(_named(operation, arguments))
    return result


def masked_at(operation: Operation, path: str, value: Any) -> Any:
    """The value of one argument, or of an element of it, as a person may see it."""
    for secret in operation.secret_arguments:
        if secret == path:
            return _sealed(withhold, path, "", value)
        below = secret.removeprefix(path)
        if below != secret and below.startswith((".", "[].")):
            rest = below.removeprefix("[]").removeprefix(".")
            value = replaced_at(value, rest, partial(_sealed, withhold, path, ""))
    name = path.rpartition(".")[2]
    return scan(_by_field({name: value}, {}, withhold)[name])


def misread(operation: Operation, arguments: Mapping[str, Any]) -> str:
    """The path of an argument of which a mask hides what a person decides by; "" if there is none.

    Tokens travel in the query or fragment of an address. What looks like one in a host, in a
    mailbox or in a name would hide where the address leads or who is meant.
    """
    shown = {k: v for k, v in arguments.items() if k not in operation.content}
    for path, text in leaves(_named(operation, shown)):
        hosts = {m[1] for m in _HOST.finditer(text)}
        if any(len(host) > _LONGEST_HOST or scan(f"://{host}/") != f"://{host}/" for host in hosts):
            return path
        before_query = re.split(r"[?#]", text, maxsplit=1)[0]
        if not _BLANKS.search(text) and scan(before_query) != before_query:
            return path
    return ""


def _named(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without what the record or its name says is secret."""
    shown: Any = dict(arguments)
    for path in (*operation.secret_arguments, "credential"):
        shown = replaced_at(shown, path, partial(_sealed, withhold, path, ""))
    named: dict[str, Any] = _by_field(shown, {}, withhold)
    return named


def _by_field(data: Any, names: Mapping[str, str], keep: Keep) -> Any:
    """Texts under the name of a secret field, or under one of `names` (with kinds), sealed."""
    if isinstance(data, Mapping):
        return {
            key: _sealed(keep, key, names.get(key, ""), value)
            if isinstance(value, str) and (key in names or names_secret(key))
            else _by_field(value, names, keep)
            for key, value in data.items()
        }
    return [_by_field(item, names, keep) for item in data] if isinstance(data, list) else data


def _by_name(data: Any, keep: Keep, *, about: str = "") -> Any:
    """What telling names stand for sealed: fields, pairs of name and value, lines of text.

    Below a section of settings that is called after secrets (`about` is its name), what looks
    random is sealed too, whatever it is called.
    """
    if isinstance(data, Mapping):
        labels = [data[key] for key in ("name", "key") if isinstance(data.get(key), str)]
        pair = any(_TELLING.search(label) for label in labels)
        return {
            key: _sealed_below(value, partial(keep, key, ""))
            if _is_secret(key, value) or (pair and key == "value")
            else _by_name(value, keep, about=_section(key, about))
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [_by_name(item, keep, about=about) for item in data]
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
        return json.dumps(_by_name(inner, keep, about=about), ensure_ascii=False)
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


def _sealed_below(value: Any, keep: Callable[[str], str]) -> Any:
    """Every text and number in `value` sealed, its shape kept."""
    if isinstance(value, Mapping):
        return {key: _sealed_below(item, keep) for key, item in value.items()}
    if isinstance(value, list):
        return [_sealed_below(item, keep) for item in value]
    if is_empty(value) or isinstance(value, bool) or is_sealed(str(value)):
        return value
    return keep(str(value))


def _sealed(keep: Keep, field: str, kind: str, value: Any) -> Any:
    if is_empty(value) or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, list):
        return [_sealed(keep, field, kind, item) for item in value]
    text = value if isinstance(value, str) else json.dumps(value)
    return value if is_sealed(text) else keep(field, kind, text)

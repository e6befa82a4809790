"""Keeping secrets away from the model: fields by the record, strings by their shape.

Every pattern is anchored and bounded: answers are large and strangers write into them.

Until secrets can be kept for a person, a sealed value is gone; operations whose secret is shown
only once are therefore refused before they are sent (see `invoke`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pydantic_core

from descope_mcp.catalog.arguments import SEALED
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.path import is_empty, replaced_at

#: JWTs and JWEs, Descope management keys, and names in a URL or text that carry a code or token.
_SHAPES = re.compile(
    r"(?P<name>(?<![\w.-])(?!status)(?:(?:[\w.-]{0,40}[_.-])?(?:code|otp|ticket)"
    r"|[\w.-]{0,40}(?:token|jwt|secret|passw|pendingref|samlresponse|assertion)[\w.-]{0,40})"
    r"(?:%5B\w{0,20}%5D|\[\w{0,20}\])?(?:=|%3D)|(?<=[?&#;])t=|(?<=%3F|%26)t%3D)"
    r"[^&#\s\"'<>]+"
    r"|(?<![\w-])(?P<dotted>[\w-]++(?:\.[\w-]*+){2,4})"
    r"|(?<![\w/+])(?-i:K)[0-9A-Za-z]{50,}",
    re.IGNORECASE,
)
#: What a field is called that holds a secret as a text, in any answer.
_SECRET_FIELD = re.compile(
    r"(?:secret|cleartext|password|private_?key|jwt|api_?key"
    r"|(?:access|refresh|id|session|bearer)_?token)$",
    re.IGNORECASE,
)
#: The same in answers of free content, where everything below the name is sealed.
_TELLING = re.compile(
    r"secret|passw|token(?!_?url|_?type|_?exp|_endpoint)|jwt|cookie|cleartext|bearer|hmac"
    r"|authorization|credential|\botp|(?:api|private|access|sign(?:ing)?|encryption)[-_]?key",
    re.IGNORECASE,
)
#: A telling name within a line, followed by what gives it a value.
_INNER = re.compile(rf"(?:{_TELLING.pattern})[\w.\"'-]{{0,20}}\s?[:=>]", re.IGNORECASE)
#: A line of YAML or of a settings file that gives such a name a value.
_LINE = re.compile(r"^([^\n:=]{0,120})([:=])[ \t]*(\S[^\n]*)$", re.MULTILINE)


def seal(operation: Operation, data: Any) -> Any:
    """A copy of an answer in which every secret is replaced by ``[sealed]``.

    The record's fields are replaced whatever they hold, unless it says nothing (empty, a
    boolean, a number), and fields of the same name wherever else they stand, since answers do not
    always have the documented form. Texts that look like a token are replaced everywhere. In
    answers of free content (``scan`` in the record) all below a telling name is replaced too, and
    pages of HTML are left out.
    """
    for path in operation.secrets:
        data = replaced_at(data, path, _sealed)
    own = frozenset(path.rpartition(".")[2].removesuffix("[]") for path in operation.secrets)
    data = _by_field(data, own)
    if operation.scan:
        data = _by_name(data)
        if isinstance(data, dict) and str(data.get("text", "")).lstrip()[:1] == "<":
            data = {**data, "text": "[a page for a browser, left out]"}
    return scan(data)


def scan(data: Any) -> Any:
    """A copy of `data` in which every text that looks like a token is sealed."""
    if isinstance(data, str):
        return _SHAPES.sub(_sealed_shape, data)
    if isinstance(data, Mapping):
        return {scan(key): scan(value) for key, value in data.items()}
    if isinstance(data, list):
        return [scan(item) for item in data]
    return data


def _sealed_shape(match: re.Match[str]) -> str:
    dotted = match["dotted"]
    if dotted is None:
        return f"{match['name'] or ''}{SEALED}"
    # The first part of a JWT or JWE is a JSON object in base64, which begins with eyJ.
    start = dotted.find("eyJ")
    return dotted[:start] + SEALED if 0 <= start < dotted.index(".") - 8 else dotted


def masked(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as a person may see them: secrets replaced."""
    shown: Any = dict(arguments)
    for path in (*operation.secret_arguments, "credential"):
        shown = replaced_at(shown, path, _sealed)
    result: dict[str, Any] = scan(_by_field(shown, frozenset()))
    return result


def _by_field(data: Any, names: frozenset[str]) -> Any:
    """Texts under the name of a secret field, or under one of `names`, sealed."""
    if isinstance(data, Mapping):
        return {
            key: SEALED
            if isinstance(value, str) and value and (key in names or _SECRET_FIELD.search(key))
            else _by_field(value, names)
            for key, value in data.items()
        }
    return [_by_field(item, names) for item in data] if isinstance(data, list) else data


def _by_name(data: Any) -> Any:
    """Everything below a telling name sealed: fields, pairs of name and value, lines of text."""
    if isinstance(data, Mapping):
        labels = [data[key] for key in ("name", "key") if isinstance(data.get(key), str)]
        pair = any(_TELLING.search(label) for label in labels)
        return {
            key: _sealed_below(value)
            if _TELLING.search(key) or (pair and key == "value")
            else _by_name(value)
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [_by_name(item) for item in data]
    if isinstance(data, str) and data.lstrip()[:1] in ("{", "["):
        try:
            inner = pydantic_core.from_json(data, allow_inf_nan=False)
            return json.dumps(_by_name(inner), ensure_ascii=False)
        except (ValueError, RecursionError):
            return SEALED
    return _LINE.sub(_sealed_line, data) if isinstance(data, str) else data


def _sealed_line(match: re.Match[str]) -> str:
    if _TELLING.search(match[1]):
        return f"{match[1]}{match[2]} {SEALED}"
    # A second name on the same line (`a: x; password: y`) takes the rest of the line with it.
    inner = _INNER.search(match[3])
    return f"{match[1]}{match[2]} {SEALED}" if inner and _TELLING.search(inner[0]) else match[0]


def _sealed_below(value: Any) -> Any:
    """Every text and number in `value` sealed, its shape kept."""
    if isinstance(value, Mapping):
        return {key: _sealed_below(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_sealed_below(item) for item in value]
    return value if is_empty(value) or isinstance(value, bool) else SEALED


def _sealed(value: Any) -> Any:
    if is_empty(value) or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, list):
        return [_sealed(item) for item in value]
    return SEALED

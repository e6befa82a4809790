"""What looks like a secret in a text, whoever wrote it.

Every pattern is anchored and bounded: answers are large and strangers write into them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from descope_mcp.catalog.arguments.validation import HANDLE, SEALED

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
_FIELD = re.compile(
    r"(?:secret|cleartext|password|private_?key|jwt|api_?key"
    r"|(?:access|refresh|id|session|bearer)_?token)$",
    re.IGNORECASE,
)

#: Keeps a secret: ``(field, kind, value) -> what stands in its place``.
Keep = Callable[[str, str, str], str]


def withhold(field: str, kind: str, value: str) -> str:
    """A secret that is not kept."""
    return SEALED


def scan(data: Any, keep: Keep = withhold) -> Any:
    """A copy of `data` in which every text that looks like a token is sealed."""
    return _scanned(data, partial(_sealed_shape, keep))


def _scanned(data: Any, change: Callable[[re.Match[str]], str]) -> Any:
    if isinstance(data, str):
        return _SHAPES.sub(change, data)
    if isinstance(data, Mapping):
        return {_scanned(key, change): _scanned(value, change) for key, value in data.items()}
    if isinstance(data, list):
        return [_scanned(item, change) for item in data]
    return data


def _sealed_shape(keep: Keep, match: re.Match[str]) -> str:
    dotted, name = match["dotted"], match["name"] or ""
    if dotted is None:
        value = match[0].removeprefix(name)
        field = re.sub(r"(?:=|%3D)$", "", name) or "key"
        return match[0] if is_sealed(value) else f"{name}{keep(field, '', value)}"
    # The first part of a JWT or JWE is a JSON object in base64, which begins with eyJ.
    start = dotted.find("eyJ")
    if 0 <= start < dotted.index(".") - 8:
        return f"{dotted[:start]}{keep('token', '', dotted[start:])}"
    return dotted


def names_secret(field: str) -> bool:
    """Whether a field of this name holds a secret, if it holds a text."""
    return bool(_FIELD.search(field))


def is_sealed(value: str) -> bool:
    """Whether a text stands for a secret already."""
    return value == SEALED or bool(HANDLE.fullmatch(value))

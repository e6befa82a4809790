"""What looks like a secret in a text, whoever wrote it.

Every pattern is anchored and bounded: answers are large and strangers write into them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from descope_mcp.catalog.arguments.validation import HANDLE, SEALED
from descope_mcp.catalog.secret_formats import without_formats
from descope_mcp.catalog.secret_words import KEYS, SECRETS

#: A name in a URL or a text, before what it stands for.
_NAME = re.compile(
    r"(?<![\w.-])(?P<word>[\w.-]++)(?:%5B\w{0,20}%5D|\[\w{0,20}\])?(?:=|(?=%3D))", re.IGNORECASE
)
#: Names of what carries a code, a token or a key; and those that do so in a query alone.
_CARRIES = re.compile(
    r"(?!status)(?:(?:.*[_.-])?(?:code|otp|ticket|pass|pwd)$"
    rf"|.*(?:token|pendingref|samlresponse|assertion|{SECRETS}|{KEYS}$))",
    re.IGNORECASE,
)
_IN_QUERY = ("t", "key", "sig")
_QUERY = ("?", "&", "#", ";", "%3F", "%3f", "%26")
_ESCAPED = re.compile(r"[0-9A-Fa-f]{2}")
#: What a name stands for. An expression of a template in its place is no secret.
_VALUE = re.compile(r"\{\{[\w .\[\]-]{1,100}\}\}(?=[&#\s\"'<>]|\Z)|[^&#\s\"'<>]+")
#: A password in an address (RFC 3986, section 3.2.1).
_PASSWORD = re.compile(
    r"://(?P<user>[^\s/?#@:\"'<>\\]{0,100}:)(?P<password>[^\s/?#\"'<>\\]{1,200})(?=@)"
)
#: JWTs and JWEs. The first part is a JSON object in base64, which begins with eyJ.
_DOTTED = re.compile(r"(?<![\w-])[\w-]++(?:\.[\w-]*+){2,4}")
#: Management keys of Descope.
_KEY = re.compile(r"K(?<![\w/+]K)[0-9A-Za-z]{50,}")
#: Who uses an address, and the password.
_USER = re.compile(r"://[^\s/?#@:\"'<>\\]{0,100}:[^\s/?#\"'<>\\]{1,200}@")
#: What a template puts a value in the place of.
_PLACEHOLDER = re.compile(r"\{\{[\w .\[\]-]{1,100}\}\}|\$\{[\w .-]{1,100}\}")

#: Keeps a secret: ``(field, kind, value) -> what stands in its place``.
Keep = Callable[[str, str, str], str]


def withhold(field: str, kind: str, value: str) -> str:
    """A secret that is not kept."""
    return SEALED


def scan(data: Any, keep: Keep = withhold) -> Any:
    """A copy of `data` in which every text that looks like a token is sealed."""
    if isinstance(data, str):
        return _without_shapes(data, keep)
    if isinstance(data, Mapping):
        return {scan(key, keep): scan(value, keep) for key, value in data.items()}
    if isinstance(data, list):
        return [scan(item, keep) for item in data]
    return data


def _without_shapes(text: str, keep: Keep) -> str:
    """A text without what has a shape; it is looked for where there is what all of a kind have."""
    as_key = partial(keep, "key", "")
    text = without_formats(text, as_key)
    # First, so that a password that looks like a name and its value does not take the host along.
    if "://" in text and "@" in text:
        text = _PASSWORD.sub(partial(_sealed_password, keep), text)
    if "=" in text or "%3D" in text or "%3d" in text:
        text = _without_named(text, keep)
    if "eyJ" in text:
        text = _DOTTED.sub(partial(_sealed_token, keep), text)
    return _KEY.sub(lambda match: as_key(match[0]), text) if "K" in text else text


def _without_named(text: str, keep: Keep) -> str:
    parts: list[str] = []
    done = 0
    for name in _NAME.finditer(text):
        if name.start() < done or not _carries(text, name):
            continue
        start = name.end() if text[name.end() - 1] == "=" else name.end() + len("%3D")
        value = _VALUE.match(text, start)
        if value and not (is_sealed(value[0]) or is_placeholder(value[0])):
            parts += text[done:start], keep(name[0].removesuffix("="), "", value[0])
            done = value.end()
    return "".join((*parts, text[done:])) if parts else text


def _carries(text: str, name: re.Match[str]) -> bool:
    """Whether a name is one of what is secret, in the place where it stands."""
    word, start = name["word"], name.start()
    if text[start - 1 : start] == "%" and _ESCAPED.match(word):
        word, start = word[2:], start + 2
    if word in _IN_QUERY:
        return text.endswith(_QUERY, 0, start)
    return _known(word) if len(word) <= _LONGEST_KNOWN else bool(_CARRIES.match(word))


_LONGEST_KNOWN = 100


@lru_cache(maxsize=4096)
def _known(word: str) -> bool:
    return bool(_CARRIES.match(word))


def _sealed_password(keep: Keep, match: re.Match[str]) -> str:
    value = match["password"]
    if is_sealed(value) or is_placeholder(value):
        return match[0]
    return f"://{match['user']}{keep('password', '', value)}"


def _sealed_token(keep: Keep, match: re.Match[str]) -> str:
    start = match[0].find("eyJ")
    if 0 <= start < match[0].index(".") - 8:
        return f"{match[0][:start]}{keep('token', '', match[0][start:])}"
    return match[0]


def is_sealed(value: str) -> bool:
    """Whether a text stands for a secret already."""
    return value == SEALED or bool(HANDLE.fullmatch(value))


def is_placeholder(value: str) -> bool:
    """Whether a text is an expression of a template and nothing else."""
    return value[:1] in ("{", "$") and bool(_PLACEHOLDER.fullmatch(value))


def without_passwords(text: str) -> str:
    """A text whose addresses have no user and password: what is left is where they lead."""
    return _USER.sub("://", text)

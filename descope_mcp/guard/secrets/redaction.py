"""Keeping secrets away from the model: fields by the record, strings by their shape.

What stands in a secret's place, a handle or only ``[sealed]``, is up to the caller (`Keep`); see
`guard.secrets.handles`. Every pattern is anchored and bounded: answers are large and strangers
write into them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from descope_mcp.catalog.arguments.validation import leaves
from descope_mcp.catalog.json_path import is_empty, replaced_at
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.secret_names import seal_named
from descope_mcp.catalog.secret_shapes import (
    Keep,
    is_sealed,
    scan,
    withhold,
    without_passwords,
)

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
    always have the documented form. Everywhere what a telling name stands for is replaced, with all
    below it (attributes and claims are called by anybody), and texts that look like a secret. In
    answers of free content (``scan`` in the record) texts are looked into for names too, and pages
    of HTML are left out. What is sealed already stays as it is.
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
    data = seal_named(data, keep, own=own, holders=operation.holders, written=operation.scan)
    if operation.scan and isinstance(data, dict) and str(data.get("text", "")).lstrip()[:1] == "<":
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
    return scan(_by_name(operation, {name: value})[name])


def misread(operation: Operation, arguments: Mapping[str, Any]) -> str:
    """The path of an argument of which a mask hides what a person decides by; "" if there is none.

    Tokens travel in the query or fragment of an address. What looks like one in a host, in a
    mailbox or in a name would hide where the address leads or who is meant.
    """
    shown = {k: v for k, v in arguments.items() if k not in operation.content}
    for path, whole in leaves(_named(operation, shown)):
        text = without_passwords(whole)
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
    return _by_name(operation, shown)


def _by_name(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without what their names say is secret."""
    named: dict[str, Any] = seal_named(
        arguments, withhold, holders=operation.holders, written=False
    )
    return named


def _sealed(keep: Keep, field: str, kind: str, value: Any) -> Any:
    if is_empty(value) or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, list):
        return [_sealed(keep, field, kind, item) for item in value]
    text = value if isinstance(value, str) else json.dumps(value)
    return value if is_sealed(text) else keep(field, kind, text)

"""Keeping secrets away from the model: fields by the record, strings by their shape.

Until secrets can be kept for a person, a sealed value is gone; operations whose secret is shown
only once are therefore refused before they are sent (see `invoke`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.path import is_empty, replaced_at

SEALED = "[sealed]"

#: JWTs, Descope management keys, and the parameters that carry codes and tokens in a URL.
_SHAPES = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]*(?:\.[\w-]*){1,3}"
    r"|\bK[0-9A-Za-z]{100,}"
    r"|(?<=[?&#;])(?:code|token|t|flow_token|access_token|id_token|refresh_token|SAMLResponse)"
    r"=[^&#\s\"]+"
)


#: Fields that hold a secret in answers of free content, where no record can name them.
_NAMES = re.compile(
    r"secret|passw|token(?!url|_?type|exp|_endpoint)|jwt|cookie|api_?key|private_?key|cleartext",
    re.IGNORECASE,
)


def seal(operation: Operation, data: Any) -> Any:
    """A copy of an answer in which every secret is replaced by ``[sealed]``.

    The record's fields are replaced whatever they hold, unless it says nothing (empty, a
    boolean, a number); strings that look like a token are replaced wherever they are. In answers
    of free content (``scan`` in the record) fields with a telling name are replaced as well.
    """
    for path in operation.secrets:
        data = replaced_at(data, path, _sealed)
    return scan(_by_name(data) if operation.scan else data)


def scan(data: Any) -> Any:
    """A copy of `data` in which every string that looks like a token is sealed."""
    if isinstance(data, str):
        return _SHAPES.sub(_sealed_match, data)
    if isinstance(data, Mapping):
        return {key: scan(value) for key, value in data.items()}
    if isinstance(data, list):
        return [scan(item) for item in data]
    return data


def _by_name(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {k: _texts(v) if _NAMES.search(k) else _by_name(v) for k, v in data.items()}
    if isinstance(data, list):
        return [_by_name(item) for item in data]
    return data


def _texts(value: Any) -> Any:
    """What stands under a telling name, with its texts sealed."""
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return _sealed(value) if isinstance(value, str) else _by_name(value)


def masked(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as a person may see them: secrets replaced."""
    shown: Any = dict(arguments)
    for path in (*operation.secret_arguments, "credential"):
        shown = replaced_at(shown, path, _sealed)
    result: dict[str, Any] = scan(shown)
    return result


def _sealed(value: Any) -> Any:
    if is_empty(value) or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, list):
        return [_sealed(item) for item in value]
    return SEALED


def _sealed_match(match: re.Match[str]) -> str:
    text = match.group()
    return f"{text.partition('=')[0]}={SEALED}" if "=" in text and text[0] != "e" else SEALED

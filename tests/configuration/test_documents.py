"""Documents are read to a depth that everything behind can stand, whatever their form."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from descope_mcp.configuration.documents import DEEPEST, from_json, from_toml, from_yaml

#: Far more than the stack of the interpreter, or of the process, has room for.
_MANY = 100_000


def _yaml(text: str) -> Any:
    return from_yaml(text, yaml.CSafeLoader)


def _nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize("read", [from_json, _yaml])
def test_the_deepest_is_read_and_one_more_is_not(read: Callable[[str], Any]) -> None:
    assert read(_nested(DEEPEST)) == json.loads(_nested(DEEPEST))
    with pytest.raises(ValueError, match="levels deep"):
        read(_nested(DEEPEST + 1))


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (from_toml, f"a = {_nested(_MANY)}"),
        (from_toml, f"a = {'{a = ' * _MANY}"),
        (from_toml, f"{'.'.join('a' * 2_000)} = 1"),
        (from_toml, f"[{'.'.join('a' * 2_000)}]"),
        (from_json, _nested(_MANY)),
        (from_json, '{"a": ' * _MANY),
        (_yaml, "[" * _MANY),
        (_yaml, "{a: " * _MANY),
        (_yaml, "- " * _MANY + "1"),
        (_yaml, "&a [*a]"),
    ],
)
def test_what_is_too_deep_is_malformed(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(ValueError, match="levels deep"):
        read(text)


def test_aliases_cannot_say_more_than_a_document_may() -> None:
    lines = ["x0: &x0 [[], [], [], [], [], [], [], [], [], []]"]
    lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ValueError, match="too much"):
        _yaml("\n".join(lines))

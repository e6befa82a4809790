"""What a list of tools costs a model, in tokens of o200k.

The tokenizer is a development dependency. Without it the count is an estimate from the number of
characters.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from functools import cache

import mcp_types as types

#: Characters per token, measured on the list of all operations.
_RATIO = 4.3


#: What a client hands on to its model; titles and annotations it keeps for itself.
_READ = {"name", "description", "input_schema"}


def listed(offered: Sequence[types.Tool]) -> int:
    """The tokens of a list of tools as a model reads it: names, descriptions, schemas."""
    return _cost(offered, _READ)


def beside(offered: Sequence[types.Tool]) -> int:
    """The tokens that titles and annotations add, for clients that pass on all that was sent."""
    return _cost(offered, None) - listed(offered)


def _cost(offered: Sequence[types.Tool], fields: set[str] | None) -> int:
    shown = [
        tool.model_dump(mode="json", by_alias=True, exclude_none=True, include=fields)
        for tool in offered
    ]
    return tokens(json.dumps(shown, separators=(",", ":"), ensure_ascii=False))


def tokens(text: str) -> int:
    """The tokens of a text, or an estimate (see `exact`)."""
    count = _tokenizer()
    return count(text) if count else round(len(text) / _RATIO)


def exact() -> bool:
    """Whether the tokenizer is installed, so that counts are no estimates."""
    return _tokenizer() is not None


@cache
def _tokenizer() -> Callable[[str], int] | None:
    with warnings.catch_warnings():
        # It opens the file that it brings along in a deprecated way.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            import bpe_openai
        except ImportError:
            return None
        encoding = bpe_openai.get_encoding("o200k_base")
    return lambda text: len(encoding.encode(text))

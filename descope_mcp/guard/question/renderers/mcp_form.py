"""A disclosure as the message of an MCP form: plain text that no client can take for Markdown.

A form has so many characters at most, since nobody knows how a client shows more. What does not
fit is asked about in a terminal.
"""

from __future__ import annotations

import re

from descope_mcp.guard.question.question_data import Disclosure
from descope_mcp.guard.question.renderers.layout import blocks

MOST_CHARACTERS = 8_000
_MOST_LABEL = 160
#: What CommonMark and its common extensions give a meaning inside of a line. A bracket means
#: something only before another one or a colon, since no foreign text begins a line.
_MARKUP = re.compile(r"[*`<~]|\](?=[(\[:])|(?<!\w)_|_(?!\w)|&(?=#?\w+;)")


def message(said: Disclosure) -> str:
    """The text of the form; "" if it does not fit one."""
    parts: list[str] = []
    for block in blocks(said):
        text = block.text
        if block.names:
            text = f"{text} {', '.join(block.names)}".strip()
        parts += [text, *(f"    {line}" for line in block.lines)]
    whole = plain("\n".join(parts))
    return whole if len(whole) <= MOST_CHARACTERS else ""


def label(said: Disclosure) -> str:
    """The words of a yes: the consequence, or the title where that is long."""
    text = plain(said.consequence)
    return text if len(text) <= _MOST_LABEL else plain(said.title)


def plain(text: str) -> str:
    """A text in which nothing is Markdown: the marks are spelled out as escapes of JSON."""
    return _MARKUP.sub(lambda match: f"\\u{ord(match[0]):04x}", text)

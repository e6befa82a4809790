"""A disclosure as the message of an MCP form: plain text that no client can take for Markdown.

A form has so many characters at most, since nobody knows how a client shows more. What does not
fit is asked about in a terminal.
"""

from __future__ import annotations

import re

from descope_mcp.guard.policy.decision import Place
from descope_mcp.guard.question.question_data import Disclosure
from descope_mcp.guard.question.renderers.layout import blocks, is_long

MOST_CHARACTERS = 8_000
_MOST_LABEL = 160
#: What CommonMark and its common extensions give a meaning inside of a line. A bracket means
#: something only before another one or a colon, since no foreign text begins a line.
_MARKUP = re.compile(r"[*`<~]|\](?=[(\[:])|(?<!\w)_|_(?!\w)|&(?=#?\w+;)")


def message(said: Disclosure, long_documents: Place = "form") -> str:
    """The text of the form; "" if it does not fit one, or if it is to be asked elsewhere."""
    if said.is_for_others:
        return ""
    if long_documents != "form" and is_long(said):
        return ""
    whole = text(said)
    return whole if len(whole) <= MOST_CHARACTERS else ""


def text(said: Disclosure) -> str:
    """All that a person is told, however long it is."""
    parts: list[str] = []
    for block in blocks(said):
        line = block.text
        if block.names:
            line = f"{line} {', '.join(block.names)}".strip()
        parts += [line, *(f"    {one}" for one in block.lines)]
    return plain("\n".join(parts))


def label(said: Disclosure) -> str:
    """The words of a yes: the consequence, or the title where that is long."""
    short = plain(said.consequence)
    return short if len(short) <= _MOST_LABEL else plain(said.title)


def plain(text: str) -> str:
    """A text in which nothing is Markdown: the marks are spelled out as escapes of JSON."""
    return _MARKUP.sub(lambda match: f"\\u{ord(match[0]):04x}", text)

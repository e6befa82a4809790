"""A panel in the conversation (MCP Apps, `io.modelcontextprotocol/ui`, revision 2026-01-26).

A client that draws panels shows a person the request that a call waits for, with a link to its page
in the console. It decides nothing: it knows no secret and calls no tool. What it shows comes in
``_meta`` of the result, which is for the client and not for its model (MCP Apps, "Data Passing").

Tools have it where there is a console, since nothing could be done from it otherwise.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import mcp_types as types

from descope_mcp.call.outcome import Waiting

EXTENSION = "io.modelcontextprotocol/ui"
URI = "ui://descope/request"
_TYPE = "text/html;profile=mcp-app"
#: Where the panel finds what it shows, in ``_meta`` of a result.
KEY = "descope-mcp/request"
#: What a tool says of the panel of its results; the panel itself may not call it.
OF_TOOL: dict[str, Any] = {"ui": {"resourceUri": URI, "visibility": ["model"]}}
#: So many characters of a question are shown; its page has all of it.
_MOST = 20_000


def is_shown(capabilities: types.ClientCapabilities | None) -> bool:
    """Whether a client draws panels."""
    declared = (capabilities.extensions or {}).get(EXTENSION) if capabilities else None
    kinds = (declared or {}).get("mimeTypes")
    return isinstance(kinds, list) and _TYPE in kinds


def meta(outcome: Waiting) -> dict[str, Any] | None:
    """What the panel shows of a request, None if it has no page."""
    from descope_mcp.guard.question.renderers import mcp_form

    if outcome.said is None or not outcome.link:
        return None
    text = mcp_form.text(outcome.said)
    if len(text) > _MOST:
        text = f"{text[:_MOST]}\n... the page has all of it"
    return {KEY: {"number": outcome.number, "link": outcome.link, "text": text}}


def contents() -> types.ReadResourceResult:
    """The page; it loads nothing, so that no origin is allowed."""
    page = types.TextResourceContents(
        uri=URI,
        text=_page(),
        mime_type=_TYPE,
        _meta={"ui": {"csp": {"connectDomains": [], "resourceDomains": []}, "prefersBorder": True}},
    )
    return types.ReadResourceResult(contents=[page])


@cache
def _page() -> str:
    return Path(__file__).with_name("panel.html").read_text(encoding="utf-8")

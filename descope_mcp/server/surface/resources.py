"""What can be read without calling an operation: the catalog, and the parts of kept answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import unquote

import mcp_types as types
from mcp.shared.exceptions import MCPError

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.caller import Caller
from descope_mcp.server.answers.continuation import RESOURCE, View
from descope_mcp.server.answers.kept_answers import GONE
from descope_mcp.server.answers.outline import text_of
from descope_mcp.server.answers.output_schema import ANSWER, FAILURE, WAITING
from descope_mcp.server.answers.size_limit import Answers
from descope_mcp.server.surface import panel
from descope_mcp.server.surface.catalog_tools import Hub

_TOOLSETS, _OPERATIONS = "descope://toolsets/", "descope://operations/"
_SHAPE = "descope://schemas/answer"
#: Milliseconds for which what a process never changes is taken for fresh: so long a client may have
#: the lists of a version that was just replaced.
LASTING = 5 * 60_000
#: The protocol allows no more.
_MOST_COMPLETIONS = 100

LISTED = [
    types.Resource(
        uri=_TOOLSETS.rstrip("/"),
        name="toolsets",
        title="Toolsets",
        description="All toolsets: what people work on in Descope, each with its operations.",
        mime_type="text/plain",
    ),
    types.Resource(
        uri=_SHAPE,
        name="answer-schema",
        title="The shape of answers",
        description="The JSON Schemas of the structured content of answers and failures.",
        mime_type="application/schema+json",
    ),
]
TEMPLATES = [
    types.ResourceTemplate(
        uri_template=f"{_TOOLSETS}{{name}}",
        name="toolset",
        title="A toolset",
        description="The operations of a toolset, with class and arguments.",
        mime_type="text/plain",
    ),
    types.ResourceTemplate(
        uri_template=f"{_OPERATIONS}{{name}}",
        name="operation",
        title="An operation",
        description="An operation in full: arguments, what is lost, who is asked, its way back.",
        mime_type="text/plain",
    ),
    types.ResourceTemplate(
        uri_template=f"{RESOURCE}{{name}}/{{from}}",
        name="answer",
        title="A part of a kept answer",
        description="An answer that was too large to show, from an element or character on.",
        mime_type="application/json",
    ),
]


def read(
    uri: str, catalog: Catalog, hub: Hub, answers: Answers, caller: Caller
) -> types.ReadResourceResult:
    """The content of a resource.

    Raises:
        MCPError: there is none under this URI (any more).
    """
    if uri == panel.URI:
        return panel.contents()
    if uri == _SHAPE:
        shapes = {"answer": ANSWER, "waiting": WAITING, "failure": FAILURE}
        return _contents(uri, json.dumps(shapes), LISTED[1])
    if uri == _TOOLSETS.rstrip("/"):
        return _contents(uri, _described(hub, [], uri), LISTED[0])
    for start, template in ((_TOOLSETS, TEMPLATES[0]), (_OPERATIONS, TEMPLATES[1])):
        if uri.startswith(start):
            name = unquote(uri.removeprefix(start))
            if any(name == t.name for t in catalog.toolsets) is (start == _TOOLSETS):
                return _contents(uri, _described(hub, [name], uri), template)
    if uri.startswith(RESOURCE):
        name, _, start = uri.removeprefix(RESOURCE).partition("/")
        at = int(start) if start.isascii() and start.isdigit() and len(start) < 10 else 0
        part = answers.part(name, View(start=at), caller.name, caller.scopes)
        if start in ("", str(at)) and part:
            if onward := part["part"].pop("next", None):
                after = onward["arguments"].get("from")
                if onward["operation"].endswith(f"/{name}"):
                    onward = {"uri": f"{RESOURCE}{name}/{after}"}
                part["part"]["next"] = onward
            return _contents(uri, text_of({**part, "untrusted": ["answer"]}), TEMPLATES[2])
        raise MCPError(types.INVALID_PARAMS, f"Resource not found. {GONE}", {"uri": uri})
    raise MCPError(types.INVALID_PARAMS, "Resource not found", {"uri": uri})


def complete(
    template: str, argument: str, typed: str, catalog: Catalog, kept: Iterable[str]
) -> types.Completion:
    """What may stand for an argument of a template, by its beginning."""
    known: dict[str, Iterable[str]] = {
        TEMPLATES[0].uri_template: (toolset.name for toolset in catalog.toolsets),
        TEMPLATES[1].uri_template: catalog,
        TEMPLATES[2].uri_template: kept,
    }
    return beginning(known.get(template, ()) if argument == "name" else (), typed)


def beginning(values: Iterable[str], typed: str) -> types.Completion:
    """Those of `values` that begin with what was typed."""
    found = [value for value in values if value.lower().startswith(typed.lower())]
    return types.Completion(
        values=found[:_MOST_COMPLETIONS],
        total=len(found),
        has_more=len(found) > _MOST_COMPLETIONS,
    )


def _described(hub: Hub, names: list[str], uri: str) -> str:
    """What ``descope_describe`` says."""
    described = hub.describe({"names": names})
    pages = (described.structured_content or {}).get("pages", [{}])
    (text,) = described.content
    if not isinstance(text, types.TextContent) or any("error" in page for page in pages):
        raise MCPError(types.INVALID_PARAMS, "Resource not found", {"uri": uri})
    return text.text


def _contents(
    uri: str, text: str, kind: types.Resource | types.ResourceTemplate
) -> types.ReadResourceResult:
    contents = types.TextResourceContents(uri=uri, text=text, mime_type=kind.mime_type)
    # A kept answer goes when others need its room.
    lasting = 0 if kind is TEMPLATES[2] else LASTING
    return types.ReadResourceResult(contents=[contents], ttl_ms=lasting)

"""Records for operations that nobody has looked at: always denied, until a person fills them in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from itertools import takewhile
from pathlib import Path

import yaml

from descope_mcp.catalog.build.openapi import Endpoint
from descope_mcp.catalog.build.yaml_source import read_toolset
from descope_mcp.catalog.operation_record.record import Toolset

_PLAIN = re.compile(r"[A-Za-z](?:[\w /{}().~-]*[\w/})])?", re.ASCII)


def write(endpoints: Iterable[Endpoint], specs: Path) -> dict[str, str]:
    """Add a draft for each operation to the toolset whose paths are most like its own.

    Returns:
        The file of each draft by the operation's name; none where there is a record already.
    """
    toolsets = {path: read_toolset(path) for path in sorted((specs / "operations").glob("*.yaml"))}
    known = {name for toolset in toolsets.values() for name in toolset.operations}
    written = {}
    for endpoint in endpoints:
        if endpoint.name in known:
            continue
        path = _nearest(endpoint, toolsets)
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(_text(endpoint))
        written[endpoint.name] = path.name
    return written


def _nearest(endpoint: Endpoint, toolsets: Mapping[Path, Toolset]) -> Path:
    """The file with the operations whose paths begin most like this one's, and most of those."""

    def alike(path: Path) -> tuple[int, int]:
        others = [record.endpoint for record in toolsets[path].operations.values()]
        common = [_common(endpoint.path, other.partition(" ")[2]) for other in others]
        return max(common), common.count(max(common))

    return max(toolsets, key=alike)


def _common(one: str, other: str) -> int:
    """How many parts two paths begin with in common."""
    pairs = zip(one.split("/"), other.split("/"), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def _text(endpoint: Endpoint) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", endpoint.name)
    return f"""
  {_scalar(endpoint.name)}:
    endpoint: {_scalar(endpoint.key)}
    draft: true
    title: {_scalar(f"{words} (not looked at yet)")}
    description: >-
      Blocked: nobody has looked at this operation yet, so that this server never sends it.
    effect: destructive
    hazards: [blocked]
    lost: Nobody knows yet.
"""


def _scalar(text: str) -> str:
    """A text as YAML, in quotes where anything in it could be read as more."""
    is_plain = _PLAIN.fullmatch(text) and isinstance(yaml.safe_load(text), str)
    return text if is_plain else json.dumps(text)

"""The reads by which somebody finds out what a key may do: they must be harmless, and fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from descope_mcp.catalog.arguments import validation
from descope_mcp.catalog.build.yaml_source import line_of
from descope_mcp.catalog.errors import InvalidArguments
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.record import Toolset


def problems(toolsets: Mapping[Path, Toolset], operations: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with them, each with file and line."""
    for path, toolset in toolsets.items():
        if toolset.probe is None:
            continue
        name = toolset.probe.operation
        record, compiled = toolset.operations.get(name), operations.get(name)
        wrong = ""
        if record is None or compiled is None or record.effect != "read" or record.hazards:
            wrong = f"{name} is no harmless read of this toolset"
        else:
            try:
                validation.check(Operation.model_validate(compiled), toolset.probe.arguments)
            except InvalidArguments as error:
                wrong = str(error)
        if wrong:
            yield f"{line_of(path, ('probe',))}: {toolset.toolset}: {wrong}"

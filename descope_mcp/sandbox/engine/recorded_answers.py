"""Answers of the real service to reads, given again to the same calls.

They are for what the sandbox does not keep the way it is read; they stay as they are, whatever
is changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Table, register

RECORDED = register(
    Table(
        "recorded_answers",
        whole=True,
        template={"id": "", "operation": "", "arguments": {}, "answer": None},
    )
)


def record_of(operation: str, arguments: Mapping[str, Any], answer: Any) -> Record:
    """What is kept of one answer."""
    call = {"operation": operation, "arguments": dict(arguments)}
    return {"id": _key(operation, arguments), **call, "answer": answer}


def found(state: State, operation: str, arguments: Mapping[str, Any]) -> Record | None:
    """The answer to this call, if it was recorded."""
    if not state.rows_of(RECORDED).records:
        return None
    return state.find(RECORDED, id=_key(operation, arguments))


def _key(operation: str, arguments: Mapping[str, Any]) -> str:
    return f"{operation} {json.dumps(arguments, sort_keys=True, separators=(',', ':'))}"

"""From an outcome to a tool result: structured content, a short text form, a bound on the size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import mcp_types as types

from descope_mcp.invoke import Completed, Failed, Refused

#: The largest answer that a model gets, in characters of JSON. More is cut, and said to be cut.
LARGEST = 40_000
#: How often the share of an answer that fits is halved in on.
_STEPS = 10


def result(structured: dict[str, Any], text: str, *, error: bool = False) -> types.CallToolResult:
    """A tool result with both forms."""
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)],
        structured_content=structured,
        is_error=error,
    )


def completed(outcome: Completed) -> types.CallToolResult:
    """What an operation answered, bounded in size; the text says it in one line and as JSON."""
    data, cut = bounded(outcome.data)
    structured: dict[str, Any] = {
        "operation": outcome.operation.name,
        "answer": data,
        "callId": outcome.call_id,
    }
    notes = []
    if outcome.partial:
        structured["failedItems"] = outcome.partial
        notes.append(
            f"{outcome.partial} item(s) failed although the call succeeded; see the answer"
        )
    if cut:
        structured["cut"] = cut
        notes += [f"{path}: {shown} of {total} shown" for path, (shown, total) in cut.items()]
        notes.append(
            "call again with a smaller limit, fewer fields or filters; the next page begins after "
            "what was asked for, not after what is shown"
            if outcome.operation.effect == "read"
            else "the call is done; read the rest with a read"
        )
    if outcome.cut:
        notes.append("the answer was larger than this server reads")
    text = f"{outcome.operation.name}: done{''.join(f'; {n}' for n in notes)}.\n{_json(data)}"
    return result(structured, text, error=bool(outcome.partial))


def failed(outcome: Failed) -> types.CallToolResult:
    """Why a call failed and what to do."""
    structured: dict[str, Any] = {
        "error": outcome.kind,
        "message": outcome.message,
        "remedy": outcome.remedy,
    }
    if outcome.status:
        structured["status"] = outcome.status
    if outcome.code:
        structured["code"] = outcome.code
    if outcome.retry_after:
        structured["retryAfterSeconds"] = outcome.retry_after
    code = f" ({outcome.code})" if outcome.code else ""
    return result(structured, f"{outcome.message}{code} {outcome.remedy}".strip(), error=True)


def refused(outcome: Refused) -> types.CallToolResult:
    """Why a call was not sent and what to do."""
    structured = {
        "error": "refused",
        "rule": outcome.rule,
        "message": outcome.message,
        "remedy": outcome.remedy,
    }
    return result(structured, f"{outcome.message} {outcome.remedy}".strip(), error=True)


def bounded(data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, tuple[int, int]]]:
    """`data` with its long lists and texts cut until it is small enough.

    Returns:
        ``(data, cut)``: for every cut field how much is shown of how much (elements of a list,
        characters of a text).
    """
    size = len(_json(data))
    if size <= LARGEST:
        return data, {}
    if len(_json(_cut(data, "", 0.0, {}))) > LARGEST:
        return {"omitted": f"{size} characters"}, {"answer": (0, size)}
    best: tuple[dict[str, Any], dict[str, tuple[int, int]]] | None = None
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        share = (low + high) / 2
        cut: dict[str, tuple[int, int]] = {}
        smaller = _cut(data, "", share, cut)
        if len(_json(smaller)) <= LARGEST:
            best, low = (smaller, cut), share
        else:
            high = share
    return best or ({"omitted": f"{size} characters"}, {"answer": (0, size)})


def _cut(value: Any, path: str, share: float, cut: dict[str, tuple[int, int]]) -> Any:
    if isinstance(value, Mapping):
        return {k: _cut(v, f"{path}.{k}" if path else k, share, cut) for k, v in value.items()}
    if isinstance(value, list) and len(_json(value)) > LARGEST // 20:
        keep = int(len(value) * share)
        if keep < len(value):
            cut[path] = (keep, len(value))
        return value[:keep]
    if isinstance(value, str) and len(value) > LARGEST // 20:
        keep = int(len(value) * share)
        cut[path] = (keep, len(value))
        return value[:keep]
    return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)

"""The hub's own answers: search, describe, status. They never reach Descope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mcp_types as types

from descope_mcp.catalog.catalog import Catalog, ToolsetInfo
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.record import EFFECTS
from descope_mcp.catalog.search import Index
from descope_mcp.catalog.signature import argument_lines, signature
from descope_mcp.guard.policy import Decision, worst
from descope_mcp.invoke import Failed, Services
from descope_mcp.server import present


class Hub:
    """Answers about the catalog under the current policy. The first search builds the index."""

    def __init__(self, services: Services) -> None:
        self._catalog: Catalog = services.catalog
        self._services = services
        self._index: Index | None = None

    def search(self, arguments: Mapping[str, Any]) -> types.CallToolResult:
        """Compact signatures of the operations that fit, best first."""
        self._index = self._index or Index(self._catalog)
        toolset = arguments.get("toolset", "")
        if toolset and toolset not in {t.name for t in self._catalog.toolsets}:
            return self._no_toolset(toolset)
        effect = arguments.get("effect")
        found = self._index.search(
            arguments["query"],
            toolset=toolset,
            effect=effect if effect in EFFECTS else None,
            limit=arguments.get("limit", 6),
        )
        if not found:
            return present.failed(
                Failed("nothing_found", "No operation fits these words.", "Try other words.")
            )
        rows = [self._row(operation) for operation in found]
        lines = [f"[{r['class']}] {r['call']} - {r['title']}{r.get('note', '')}" for r in rows]
        return present.result({"operations": rows}, "\n".join(lines))

    def describe(self, arguments: Mapping[str, Any]) -> types.CallToolResult:
        """Operations in full, a toolset's operations, or the toolsets."""
        names = arguments.get("names") or []
        if not names:
            sets = [_toolset(t) for t in self._catalog.toolsets]
            lines = [f"{s['toolset']} ({s['operations']}): {s['title']}" for s in sets]
            return present.result({"toolsets": sets}, "\n".join(lines))
        known = {t.name: t for t in self._catalog.toolsets}
        pages: list[dict[str, Any]] = []
        for name in dict.fromkeys(names):
            operation = self._catalog.find(name)
            if operation is not None:
                pages.append(self._page(operation, schema=bool(arguments.get("schema"))))
            elif name in known:
                rows = [self._row(self._catalog[n]) for n in known[name].operations]
                pages.append({**_toolset(known[name]), "operations": rows})
            else:
                near = ", ".join(self._catalog.nearest(name)) or "none; use descope_search"
                pages.append({"name": name, "error": f"unknown; the nearest names: {near}"})
        answer, cut = present.bounded({"pages": pages})
        if cut:
            answer["cut"] = "too much at once; ask for fewer names"
        shown = answer.get("pages", [])
        return present.result(answer, "\n\n".join(_as_text(page) for page in shown))

    def status(self, *, can_be_asked: bool) -> types.CallToolResult:
        """Project, credentials (whether, never what), limits, and whether a person can be asked."""
        client, limits = self._services.client, self._services.limits
        keys = client.credentials
        status = {
            "project": keys.project_id or "not set",
            "api": client.base_url,
            "credentials": {
                "managementKey": bool(keys.management_key),
                "authManagementKey": bool(keys.auth_management_key),
                "accessKey": bool(keys.access_key),
            },
            "readOnly": limits.read_only,
            "production": limits.production,
            "operations": len(self._catalog),
            "canAskPerson": can_be_asked,
        }
        asked = "can" if can_be_asked else "cannot"
        text = (
            f"Project {status['project']} at {client.base_url}; management key "
            f"{'set' if keys.management_key else 'not set'}; "
            f"{'read-only' if limits.read_only else 'reads and writes'}; this client {asked} show "
            "a confirmation to a person."
        )
        return present.result(status, text)

    def _row(self, operation: Operation) -> dict[str, Any]:
        decision = worst(operation, self._services.limits)
        row = {
            "name": operation.name,
            "class": operation.effect,
            "call": signature(operation),
            "title": operation.title,
        }
        if operation.once:
            row["note"] = " (refused: its secret is shown only once)"
        elif decision.action != "allow":
            row["note"] = _note(operation, decision)
        return row

    def _page(self, operation: Operation, *, schema: bool) -> dict[str, Any]:
        decision = worst(operation, self._services.limits)
        page: dict[str, Any] = {
            "name": operation.name,
            "title": operation.title,
            "description": operation.description,
            "endpoint": f"{operation.method} {operation.path}",
            "toolset": operation.toolset,
            "class": operation.effect,
            "hazards": list(operation.worst_hazards),
            "confirmation": _confirmation(operation, decision),
            "arguments": argument_lines(operation),
            "oneOf": [list(group) for group in operation.one_of],
            "returns": list(operation.answer_fields),
            "preview": [step.operation for step in operation.preview],
            "lost": operation.lost,
            "restore": list(operation.restore),
            "safer": f"{operation.safer.operation}: {operation.safer.why}"
            if operation.safer
            else "",
            "secretFields": list(operation.secrets),
        }
        if schema:
            page["inputSchema"] = operation.input_schema
        return {key: value for key, value in page.items() if value}

    def _no_toolset(self, name: str) -> types.CallToolResult:
        known = ", ".join(t.name for t in self._catalog.toolsets)
        return present.failed(
            Failed("unknown_toolset", f"There is no toolset {name}.", f"There are: {known}.")
        )


def _note(operation: Operation, decision: Decision) -> str:
    if decision.action == "deny":
        return f" (denied: {decision.reason})"
    return " (may ask a person)" if operation.when else " (asks a person)"


def _toolset(info: ToolsetInfo) -> dict[str, Any]:
    return {
        "toolset": info.name,
        "title": info.title,
        "about": info.about,
        "operations": len(info.operations),
    }


def _confirmation(operation: Operation, decision: Decision) -> str:
    """What will be asked at worst, and which arguments change that."""
    if operation.once:
        return "refused: the secret is shown only once and cannot be kept yet"
    at_worst = {"allow": "none", "confirm": "a person is asked", "deny": "denied"}[decision.action]
    typed = " and types the target's name" if decision.typed else ""
    depends = "; depends on the arguments" if operation.when and decision.action != "deny" else ""
    return f"{at_worst}{typed} ({decision.reason}){depends}"


def _as_text(page: Mapping[str, Any]) -> str:
    lines = []
    for key, value in page.items():
        if key == "operations" and isinstance(value, list):
            lines += [f"[{r['class']}] {r['call']} - {r['title']}" for r in value]
        elif isinstance(value, list):
            lines.append(f"{key}: {'; '.join(map(str, value))}")
        elif key != "inputSchema":
            lines.append(f"{key}: {value}")
    return "\n".join(lines)

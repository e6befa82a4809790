"""The hub's own answers: search, describe, status. They never reach Descope."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import mcp_types as types

from descope_mcp.call.outcome import Failed
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import EFFECTS
from descope_mcp.catalog.schemas.signature import signature
from descope_mcp.catalog.search import words
from descope_mcp.catalog.search.operation_names import resolve
from descope_mcp.catalog.search.similar_operations import neighbours
from descope_mcp.catalog.wording.call_class import call_class
from descope_mcp.catalog.wording.omitted_fields import left_out
from descope_mcp.guard.policy.decision import worst
from descope_mcp.server.answers import tool_result
from descope_mcp.server.answers.outline import bounded
from descope_mcp.server.surface import operation_pages, tool_list

if TYPE_CHECKING:
    from descope_mcp.catalog.search.ranking import Index

#: Of how many of the operations found the neighbours are named.
_EXPLAINED = 3
#: So many arguments are shown of those, and of the others.
_ARGUMENTS, _ARGUMENTS_BELOW = 8, 3
#: And so many of those that make a call worse, or a person be asked.
_NAMED, _NAMED_BELOW = 3, 2
#: So many operations are named where none fits.
_NEAREST = 3


def index_of(catalog: Catalog) -> Callable[[], Index]:
    """The search index of a catalog, for all hubs; the first search builds it."""

    @cache
    def made() -> Index:
        # Its words and spelling are loaded by the first search, not by the start.
        from descope_mcp.catalog.search.ranking import Index

        return Index(catalog)

    return made


class Hub:
    """Answers about the catalog under one policy."""

    def __init__(self, services: Services, index: Callable[[], Index]) -> None:
        self._catalog: Catalog = services.catalog
        self._services = services
        self._index = index

    def search(self, arguments: Mapping[str, Any]) -> types.CallToolResult:
        """Compact signatures of the operations that fit, best first."""
        toolset = arguments.get("toolset", "")
        if toolset and toolset not in {t.name for t in self._catalog.toolsets}:
            return self._no_toolset(toolset)
        effect = arguments.get("effect")
        index = self._index()
        found, fits = index.find(
            arguments["query"],
            toolset=toolset,
            effect=effect if effect in EFFECTS else None,
            limit=arguments.get("limit", 6),
            denied=self._denied,
        )
        if not found:
            return tool_result.failed(
                Failed("nothing_found", "No operation fits these words.", "Try other words.")
            )
        if not fits:
            return self._nothing_fits(found[:_NEAREST])
        rows = [
            self._row(operation, index.about(arguments["query"], operation), number)
            for number, operation in enumerate(found)
        ]
        shown = {operation.name for operation in found}
        for row, operation in zip(rows[:_EXPLAINED], found, strict=False):
            others = neighbours(operation, self._catalog, besides=shown)
            if others:
                row["neighbours"] = [f"{other.name}: {other.why}" for other in others]
        return tool_result.result({"operations": rows}, "\n".join(map(_row_text, rows)))

    def _nothing_fits(self, nearest: Sequence[Operation]) -> types.CallToolResult:
        """The answer to a query that no operation does what it says; the nearest, in short."""
        toolset = nearest[0].toolset
        rows = [{"name": o.name, "class": o.effect, "title": o.title} for o in nearest]
        message = f"No operation fits this well. The nearest toolset: {toolset}. The nearest:"
        lines = [f"[{row['class']}] {row['name']} - {row['title']}" for row in rows]
        answer = {"fits": False, "toolset": toolset, "operations": rows}
        return tool_result.result(answer, "\n".join([message, *lines]))

    @cached_property
    def _denied(self) -> frozenset[str]:
        """The operations that the policy denies whatever their arguments."""
        policy, project = self._services.policy, self._services.project
        every = self._catalog.values()
        return frozenset(o.name for o in every if worst(o, policy, project).action == "deny")

    def describe(self, arguments: Mapping[str, Any]) -> types.CallToolResult:
        """Operations in full, a toolset's operations, or the toolsets."""
        names = arguments.get("names") or []
        if not names:
            sets = [operation_pages.toolset(t) for t in self._catalog.toolsets]
            lines = [f"{s['toolset']} ({s['operations']}): {s['title']}" for s in sets]
            return tool_result.result({"toolsets": sets}, "\n".join(lines))
        schema = bool(arguments.get("schema"))
        pages: list[dict[str, Any]] = []
        for name in dict.fromkeys(names):
            pages.append(self._page(name, {page.get("name", "") for page in pages}, schema=schema))
        answer, cut = bounded({"pages": [*operation_pages.together(pages)]})
        if cut:
            answer["cut"] = "too much at once; ask for fewer names"
        shown = answer.get("pages", [])
        return tool_result.result(answer, "\n\n".join(map(operation_pages.as_text, shown)))

    def _page(self, name: str, before: Collection[str], *, schema: bool) -> dict[str, Any]:
        """What there is to say of a name: an operation, a toolset, or what else was meant.

        Of an operation that is one of those `before` nothing is said again.
        """
        toolset = next((t for t in self._catalog.toolsets if t.name == name), None)
        if toolset is not None:
            return operation_pages.overview(toolset, self._services)
        tool = next((t for t in tool_list.hub(self._services.policy) if t.name == name), None)
        if tool is not None:
            # Loads what plans are made of.
            from descope_mcp.server.surface import tool_pages

            return tool_pages.page(tool)
        meant = resolve(name, self._catalog)
        if meant is None:
            near = ", ".join(self._nearest(name)) or "none; use descope_search"
            return {"name": name, "error": f"unknown; the nearest: {near}"}
        if meant.name in before:
            return operation_pages.same_again(name, meant)
        page = operation_pages.operation(meant, self._services, schema=schema)
        return page if name == meant.name else {"asked": name, **page}

    def _nearest(self, name: str) -> list[str]:
        """What a name may mean that nothing has: by its words, then by how it looks."""
        asked = " ".join(words.split(name))
        found, fits = self._index().find(asked, limit=_NEAREST, denied=self._denied)
        by_words = [
            f"{one.name} ({one.title})"
            for one in found
            if fits and not self._catalog.strays(name, one.name)
        ]
        told = {one.name for one in found}
        alike = [other for other in self._catalog.nearest(name) if other not in told]
        return [*by_words, *alike][:_NEAREST]

    def status(self, *, can_be_asked: bool, left: Sequence[str]) -> types.CallToolResult:
        """Project, credentials (whether, never what), limits, and whether a person can be asked.

        Args:
            can_be_asked: whether the client can put a question.
            left: the caller's plans that were left in the middle.
        """
        client, policy = self._services.client, self._services.policy
        keys = client.credentials
        status = {
            "project": keys.project_id or "not set",
            "api": client.base_url,
            "credentials": {
                "managementKey": bool(keys.management_key),
                "authManagementKey": bool(keys.auth_management_key),
                "accessKey": bool(keys.access_key),
            },
            "readOnly": policy.read_only,
            "production": policy.is_production(keys.project_id),
            "policy": policy.source or "default",
            "operations": len(self._catalog),
            "reports": len(self._catalog.reports),
            "canAskPerson": can_be_asked,
        }
        if left:
            status["plansLeftInTheMiddle"] = list(left)
        asked = "can" if can_be_asked else "cannot"
        text = (
            f"Project {status['project']} at {client.base_url}; management key "
            f"{'set' if keys.management_key else 'not set'}; "
            f"{'read-only' if policy.read_only else 'reads and writes'}; this client {asked} show "
            "a confirmation to a person."
        )
        if left:
            text = f"{text} Left in the middle (descope_plan resume): plan {', '.join(left)}."
        return tool_result.result(status, text)

    def _row(self, operation: Operation, about: Callable[[str], int], place: int) -> dict[str, Any]:
        """An operation in short, with those of its arguments first that the query is about."""
        below = place >= _EXPLAINED
        most = _ARGUMENTS_BELOW if below else _ARGUMENTS
        named = _NAMED_BELOW if below else _NAMED
        row = {
            "name": operation.name,
            "class": call_class(operation, named, about),
            "call": signature(operation, most, about),
            "title": operation.title,
        }
        asked = operation_pages.policy_note(operation, self._services, named, about)
        kept = "left-out fields stay" if left_out(operation) and not below else ""
        note = "; ".join(filter(None, [asked, kept]))
        return {**row, "note": note} if note else row

    def _no_toolset(self, name: str) -> types.CallToolResult:
        known = [t.name for t in self._catalog.toolsets]
        near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5) or known
        return tool_result.failed(
            Failed(
                "unknown_toolset", f"There is no toolset {name}.", f"There are: {', '.join(near)}."
            )
        )


def _row_text(row: Mapping[str, Any]) -> str:
    note = f" ({row['note']})" if "note" in row else ""
    others = "; ".join(row.get("neighbours", ()))
    rest = f"\n  or {others}" if others else ""
    return f"[{row['class']}] {row['call']} - {row['title']}{note}{rest}"

"""`descope-mcp tools`: the catalog on the command line. Nothing reaches Descope."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click

from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.schemas.argument_lines import argument_lines
from descope_mcp.catalog.schemas.signature import signature
from descope_mcp.cli import options
from descope_mcp.cli.display import output, tables
from descope_mcp.cli.main import FAILED, USAGE


@click.group("tools")
def command() -> None:
    """List, show, search or weigh the operations."""


@command.command("list")
@click.option("--toolset", help="Only this toolset.")
@options.as_json
def list_(toolset: str | None, as_json: bool) -> None:
    """List every operation and report with its effect and hazards (--json: one object each)."""
    catalog = load()
    every = (catalog[name] for name in (*catalog, *catalog.reports))
    found = [operation for operation in every if toolset in (None, operation.toolset)]
    if not found:
        _fail_toolset(toolset, catalog)
    if as_json:
        for operation in found:
            output.row(_facts(operation))
        return
    tables.show(
        ("operation", "effect", "what it does", "hazards"),
        ((_line(operation), _cells(operation)) for operation in found),
        nothing="",
    )


@command.command("show")
@click.argument("operation")
@options.as_json
def show(operation: str, as_json: bool) -> None:
    """Show one operation in full (--json: the whole record)."""
    catalog = load()
    found = catalog.find(operation)
    if found is None:
        near = ", ".join(catalog.nearest(operation)) or "none"
        _fail(f"there is no operation {operation}; the nearest names: {near}")
    if as_json:
        output.row(found.model_dump(mode="json", exclude_defaults=True))
        return
    click.echo(f"{found.title}\n{found.description}\n")
    click.echo(f"{found.method} {found.path}  toolset {found.toolset}".strip())
    click.echo(f"effect {found.effect}; hazards {', '.join(found.hazards) or 'none'}")
    for line in argument_lines(found, catalog.explanation(found.name), unfolded=True):
        click.echo(f"  {line}")
    for label, text in (("not coming back", found.lost), ("restore", ", ".join(found.undone_by))):
        if text:
            click.echo(f"{label}: {text}")


@command.command("search")
@click.argument("query", nargs=-1, required=True)
@click.option("--limit", default=6, show_default=True, help="Show no more than so many.")
@options.as_json
def search(query: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Find operations by what they do."""
    from descope_mcp.catalog.search.ranking import Index

    found, fits = Index(load()).find(" ".join(query), limit=limit)
    if not fits:
        near = ", ".join(operation.name for operation in found[:3])
        output.problem(f"no operation fits this well; the nearest: {near}", kind="nothing_found")
        sys.exit(FAILED)
    for operation in found:
        if as_json:
            output.row(_facts(operation))
        else:
            click.echo(f"{signature(operation)}  [{operation.effect}] {operation.title}")


@command.command("cost")
@click.option("--toolset", help="The tools of this toolset, one by one.")
@options.as_json
def cost(toolset: str | None, as_json: bool) -> None:
    """Show what the lists of tools cost a model, in tokens (o200k), the dearest first."""
    # The protocol's library takes a while to load, which no other command here pays for.
    from descope_mcp.guard.policy.decision import Policy
    from descope_mcp.server.surface import tool_list
    from descope_mcp.server.surface.token_cost import exact, listed

    catalog = load()
    if toolset is None:
        lists = {t.name: tool_list.endpoints(catalog, [t.name], Policy()) for t in catalog.toolsets}
        totals = {
            "all toolsets": tool_list.endpoints(catalog, ["all"], Policy()),
            "hub (the default)": tool_list.hub(Policy()),
        }
    else:
        whole = tool_list.endpoints(catalog, [toolset], Policy())
        if not whole:
            _fail_toolset(toolset, catalog)
        lists = {tool.name: [tool] for tool in whole}
        totals = {f"toolset {toolset}": whole}
    rows = sorted(((listed(one), name, len(one)) for name, one in lists.items()), reverse=True)
    rows += [(listed(one), name, len(one)) for name, one in totals.items()]
    for tokens, name, count in rows:
        if as_json:
            fact = {"name": name, "tokens": tokens, "tools": count, "exact": exact()}
            output.row(fact)
        else:
            click.echo(f"{tokens:8,} {name}" + (f" ({count} tools)" if count > 1 else ""))
    if not exact() and not as_json:
        click.echo(
            "These are estimates from the number of characters; install bpe-openai to count."
        )


def _line(operation: Operation) -> str:
    hazards = f" ({', '.join(operation.hazards)})" if operation.hazards else ""
    return f"{operation.name:48} {operation.effect:12} {operation.title}{hazards}"


def _cells(operation: Operation) -> tuple[str, ...]:
    return operation.name, operation.effect, operation.title, ", ".join(operation.hazards)


def _facts(operation: Operation) -> dict[str, Any]:
    return {
        "name": operation.name,
        "operationId": operation.operation_id,
        "method": operation.method,
        "path": operation.path,
        "toolset": operation.toolset,
        "effect": operation.effect,
        "hazards": list(operation.hazards),
    }


def _fail_toolset(toolset: str | None, catalog: Catalog) -> NoReturn:
    known = ", ".join(t.name for t in catalog.toolsets)
    _fail(f"there is no toolset {toolset}; there are: {known}")


def _fail(message: str) -> NoReturn:
    output.problem(message, kind="unknown_name")
    sys.exit(USAGE)

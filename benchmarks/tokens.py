"""Tokens (o200k): what the lists of tools and typical answers cost a model.

A model reads names, descriptions and schemas. What titles and annotations would add, where a client
passes them on, stands apart.
"""

from __future__ import annotations

import sys
from pathlib import Path

import mcp_types as types

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.server.surface import tool_list
from descope_mcp.server.surface.catalog_tools import Hub, index_of
from descope_mcp.server.surface.token_cost import beside, exact, listed, tokens
from descope_mcp.store.store import Store

_QUERIES = (
    "delete a user",
    "which roles does a tenant have",
    "rotate the secret of a client",
    "who signed in yesterday",
)


def main() -> None:
    """Print the table."""
    if not exact():
        sys.exit("bpe-openai is missing: scripts/install brings it")
    catalog = load()
    hub = Hub(_services(catalog), index_of(catalog))
    print(f"{'tokens (o200k)':42} {'now':>8}  aim")
    lists = {
        ("list of the hub", "1300"): tool_list.hub(Policy()),
        ("list of all operations", "70000"): tool_list.endpoints(catalog, ["all"], Policy()),
    }
    for (name, aim), offered in lists.items():
        print(f"{name:42} {listed(offered):8}  {aim}")
        print(f"{'  titles and annotations besides':42} {beside(offered):8}")
    print(
        f"{'descope_describe DeleteTenant':42} {_cost(hub.describe({'names': ['DeleteTenant']})):8}"
    )
    for query in _QUERIES:
        print(f"{f'descope_search {query}':42} {_cost(hub.search({'query': query})):8}")
    for toolset in catalog.toolsets:
        cost = listed(tool_list.endpoints(catalog, [toolset.name], Policy()))
        print(f"{f'list of {toolset.name}':42} {cost:8}  ({len(toolset.operations)} operations)")


def _cost(result: types.CallToolResult) -> int:
    """The tokens of a result's text form, which is what most clients show a model."""
    return sum(tokens(part.text) for part in result.content if isinstance(part, types.TextContent))


def _services(catalog: Catalog) -> Services:
    client = Client("http://127.0.0.1", Credentials(), catalog.errors)
    return Services(catalog, client, Policy(), Store(Path("unused"), Path("unused")))


if __name__ == "__main__":
    main()

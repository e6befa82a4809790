"""Tokens (o200k): what the lists of tools and typical answers cost a model."""

from __future__ import annotations

import json
from typing import Any

import bpe_openai
import mcp_types as types

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.guard.policy import Limits
from descope_mcp.invoke import Services
from descope_mcp.server import tools
from descope_mcp.server.hub import Hub
from descope_mcp.store.ledger import Ledger

_QUERIES = (
    "delete a user",
    "which roles does a tenant have",
    "rotate the secret of a client",
    "who signed in yesterday",
)


def tokens(value: Any) -> int:
    """How many o200k tokens a value has as compact JSON, a text as it is."""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return len(bpe_openai.get_encoding("o200k_base").encode(text))


def listed(offered: list[types.Tool]) -> int:
    """The tokens of a list of tools as it is sent."""
    sent = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in offered]
    return tokens(sent)


def main() -> None:
    """Print the table."""
    catalog = load()
    hub = Hub(_services(catalog))
    print(f"{'tokens (o200k)':42} {'now':>8}  aim")
    print(f"{'list of the hub':42} {listed(tools.hub(Limits())):8}  1800")
    every = tools.endpoints(catalog, ["all"], Limits())
    print(f"{'list of all operations':42} {listed(every):8}  75000")
    print(
        f"{'descope_describe DeleteTenant':42} {_cost(hub.describe({'names': ['DeleteTenant']})):8}"
    )
    for query in _QUERIES:
        print(f"{f'descope_search {query}':42} {_cost(hub.search({'query': query})):8}")
    for toolset in catalog.toolsets:
        cost = listed(tools.endpoints(catalog, [toolset.name], Limits()))
        print(f"{f'list of {toolset.name}':42} {cost:8}  ({len(toolset.operations)} operations)")


def _cost(result: types.CallToolResult) -> int:
    """The tokens of a result's text form, which is what most clients show a model."""
    return sum(tokens(part.text) for part in result.content if isinstance(part, types.TextContent))


def _services(catalog: Catalog) -> Services:
    client = Client("http://127.0.0.1", Credentials(), catalog.errors)
    return Services(catalog, client, Limits(), Ledger())


if __name__ == "__main__":
    main()

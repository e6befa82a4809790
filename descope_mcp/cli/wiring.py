"""From settings to the services of a call, on Descope or on the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.catalog.catalog import Catalog, load
from descope_mcp.guard.policy import Limits
from descope_mcp.invoke import Services
from descope_mcp.settings import Settings, SettingsError
from descope_mcp.store.ledger import Ledger


def toolsets(settings: Settings, catalog: Catalog) -> list[str]:
    """The toolsets that the settings name.

    Raises:
        SettingsError: one of them does not exist.
    """
    wanted = [name.strip() for name in settings.toolsets.split(",") if name.strip()]
    known = [toolset.name for toolset in catalog.toolsets]
    unknown = [name for name in wanted if name not in (*known, "all")]
    if unknown:
        raise SettingsError(
            f"DESCOPE_MCP_TOOLSETS: there is no toolset {', '.join(unknown)}; "
            f"use all, or some of: {', '.join(known)}"
        )
    return wanted


@asynccontextmanager
async def services(
    settings: Settings, catalog: Catalog | None = None, *, sandbox: bool = False
) -> AsyncIterator[Services]:
    """What calls need; with `sandbox`, a local Descope that ends with the context."""
    catalog = catalog or load()
    limits = Limits(read_only=settings.read_only, production=settings.production)
    async with AsyncExitStack() as stack:
        if sandbox:
            from descope_mcp.sandbox import seed
            from descope_mcp.sandbox.serve import running

            local = await stack.enter_async_context(running(catalog.values(), seed.acme()))
            url, keys = local.url, Credentials(local.project_id, local.management_key)
        else:
            url, keys = settings.api_url, _credentials(settings)
        client = Client(url, keys, catalog.errors, settings.timeout)
        stack.push_async_callback(client.close)
        yield Services(catalog, client, limits, Ledger(), settings.hosts)


def _credentials(settings: Settings) -> Credentials:
    return Credentials(
        settings.project_id,
        settings.management_key.get_secret_value(),
        settings.auth_management_key.get_secret_value(),
        settings.access_key.get_secret_value(),
    )

"""`descope-mcp sandbox`: a local Descope on a loopback port."""

from __future__ import annotations

import anyio
import click

from descope_mcp.catalog.catalog import load
from descope_mcp.sandbox import seed
from descope_mcp.sandbox.serve import running


@click.command("sandbox")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Loopback port; 0 takes a free one."
)
def command(port: int) -> None:
    """Run a local Descope until interrupted and print what to connect with."""

    async def main() -> None:
        async with running(load().values(), seed.acme(), port) as local:
            click.echo(f"DESCOPE_BASE_URL={local.url}")
            click.echo(f"DESCOPE_PROJECT_ID={local.project_id}")
            click.echo(f"DESCOPE_MANAGEMENT_KEY={local.management_key}")
            await anyio.sleep_forever()

    try:
        anyio.run(main)
    except OSError as error:
        raise click.ClickException(f"port {port} cannot be used: {error.strerror}") from None

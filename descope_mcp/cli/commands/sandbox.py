"""`descope-mcp sandbox`: a local Descope on a loopback port."""

from __future__ import annotations

from pathlib import Path

import anyio
import click

from descope_mcp.catalog.catalog import load
from descope_mcp.cli import options, output, signals
from descope_mcp.guard.question import shell_quoting
from descope_mcp.sandbox.engine.state_file import StateFileError
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.settings import SettingsError


@click.command("sandbox")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Loopback port; 0 takes a free one."
)
@click.option(
    "--seed",
    "name",
    type=click.Choice(list(organisations.SEEDS)),
    default="acme",
    help="The organisation to begin with.",
)
@click.option(
    "--state",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the state in this file; one that exists is gone on with, whatever the seed.",
)
@options.json_lines
def command(port: int, name: str, file: Path | None) -> None:
    """Run a local Descope until interrupted and print what to connect with."""

    async def main() -> list[int]:
        with organisations.begin(name, file) as state:
            async with running(
                load().values(), state, port, {**organisations.SEEDS, "": organisations.SEEDS[name]}
            ) as local:
                stopped = anyio.Event()
                with signals.calling(stopped.set) as came:
                    named = {
                        "DESCOPE_BASE_URL": local.url,
                        "DESCOPE_PROJECT_ID": local.project_id,
                        "DESCOPE_MANAGEMENT_KEY": local.management_key,
                    }
                    text = "\n".join(
                        shell_quoting.setting(name, value) for name, value in named.items()
                    )
                    output.said(text, **named)
                    await stopped.wait()
        return came

    try:
        came = anyio.run(main)
    except StateFileError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise SettingsError(f"port {port} cannot be used: {error.strerror}") from None
    click.get_current_context().exit(signals.exit_code(came))

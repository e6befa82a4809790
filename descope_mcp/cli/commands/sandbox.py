"""`descope-mcp sandbox`: a local Descope on a loopback port."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from descope_mcp.cli import options
from descope_mcp.cli.commands import sandbox_files, sandbox_record
from descope_mcp.cli.display import output
from descope_mcp.settings import SettingsError

# The service is loaded when it is served: what waits for one or exports it does without.
if TYPE_CHECKING:
    from descope_mcp.catalog.catalog import Catalog
    from descope_mcp.sandbox.engine.state import State
    from descope_mcp.sandbox.http.serve import Place


@click.group("sandbox", invoke_without_command=True)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Loopback port; 0 takes a free one."
)
@click.option(
    "--address",
    default="127.0.0.1",
    show_default=True,
    help="Listen on this address; another one is for containers.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    help="A name that clients call it by, beside localhost. Can be given again.",
)
@click.option(
    "--seed",
    "seed",
    metavar="acme|b2b|empty|FILE.yaml",
    default="acme",
    show_default=True,
    help="The organisation to begin with.",
)
@click.option(
    "--keys",
    type=int,
    metavar="NUMBER",
    help="Draw keys and other secrets from this number; without it they are new at every start.",
)
@click.option(
    "--state",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the state in this file; one that exists is gone on with, whatever the seed.",
)
@options.json_lines
@click.pass_context
def command(
    ctx: click.Context,
    port: int,
    address: str,
    names: tuple[str, ...],
    seed: str,
    keys: int | None,
    file: Path | None,
) -> None:
    """Run a local Descope until interrupted and print what to connect with."""
    if ctx.invoked_subcommand is not None:
        return
    import anyio

    from descope_mcp.catalog.catalog import load
    from descope_mcp.cli import signals
    from descope_mcp.sandbox.engine.state_file import StateFileError
    from descope_mcp.sandbox.http.serve import Place
    from descope_mcp.sandbox.seed_files.errors import SeedError
    from descope_mcp.sandbox.seeds import organisations

    place = Place(port, address, frozenset(name.lower() for name in names))
    catalog = load()
    try:
        began = organisations.chosen(seed, catalog, keys)
        came = anyio.run(_serve, place, catalog, began, file)
    except KeyError:
        known = ", ".join(organisations.SEEDS)
        raise SettingsError(
            f"there is no seed {seed}; use one of {known}, or a file (its name ends in .yaml)"
        ) from None
    except SeedError as error:
        raise SettingsError(str(error)) from None
    except StateFileError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        said = f"{place.address}:{port} cannot be listened on: {error.strerror}"
        raise SettingsError(said) from None
    ctx.exit(signals.exit_code(came))


async def _serve(
    place: Place, catalog: Catalog, began: Callable[[], State], file: Path | None
) -> list[int]:
    """Serve until a signal comes; the signals that came."""
    import anyio

    from descope_mcp.cli import signals
    from descope_mcp.guard.question import shell_quoting
    from descope_mcp.sandbox.http.serve import running
    from descope_mcp.sandbox.seeds import organisations

    with organisations.begin(began, file) as state:
        seeds = {**organisations.SEEDS, "": began}
        async with running(catalog.routes(), state, place, seeds) as local:
            stopped = anyio.Event()
            with signals.calling(stopped.set) as came:
                named = {
                    "DESCOPE_BASE_URL": local.url,
                    "DESCOPE_PROJECT_ID": local.project_id,
                    "DESCOPE_MANAGEMENT_KEY": local.management_key,
                }
                lines = [shell_quoting.setting(name, value) for name, value in named.items()]
                output.said("\n".join(lines), **named)
                await stopped.wait()
    return came


command.add_command(sandbox_files.export)
command.add_command(sandbox_files.wait)
command.add_command(sandbox_record.record)

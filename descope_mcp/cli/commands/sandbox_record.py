"""`descope-mcp sandbox record`: a seed made of what the real service answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from descope_mcp import settings
from descope_mcp.cli import options
from descope_mcp.cli.display import output
from descope_mcp.cli.new_files import new_file

if TYPE_CHECKING:
    from descope_mcp.sandbox.recording.recorder import Recorder


@click.command("record")
@click.option("--from", "source", required=True, metavar="URL", help="The service to record.")
@click.option(
    "--output",
    "file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The new file that the seed is written to at the end.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Loopback port; 0 takes a free one."
)
@options.json_lines
def record(source: str, file: Path, port: int) -> None:
    """Pass reads on to the real service, and make a seed of what it answers.

    Point a client at the address that is printed, with its own project and key; Ctrl-C ends it and
    writes the seed. Only reads are passed on. Secrets are left out; names, addresses and numbers of
    people are replaced, each by the same one everywhere; ids stay.
    """
    import anyio

    from descope_mcp.api.errors import Unreachable
    from descope_mcp.sandbox.recording.recorder import Recorder

    # The same rule as for DESCOPE_BASE_URL: https, or http on this machine.
    base_url = settings.load(sandbox=True, base_url=source).base_url
    recorder = Recorder()
    # Made now, so that nobody records for an hour and then has no place for it.
    with new_file(file) as opened:
        try:
            anyio.run(_recorded, recorder, base_url, port, partial(_write, opened, recorder))
        except Unreachable as error:
            raise click.ClickException(f"{error.message} {error.remedy}") from None
        except OSError as error:
            raise click.ClickException(f"port {port} cannot be used: {error.strerror}") from None
    left_out = [" ".join(one) for one in recorder.left_out]
    told = f"{recorder.heard} answers are in {file}; read it before you share it."
    if left_out:
        told += f"\nLeft out, since they contradict what else was heard: {', '.join(left_out)}."
    output.said(told, answers=recorder.heard, file=str(file), left_out=left_out)


def _write(file: TextIO, recorder: Recorder) -> None:
    from descope_mcp.sandbox.seed_files.writing import seed_text

    click.echo(f"Writing what {recorder.heard} answers say …", err=True)
    text = seed_text(recorder.state())
    try:
        file.write(text)
        file.flush()
    except OSError as error:
        raise click.ClickException(
            f"the file {file.name} cannot be written: {error.strerror}"
        ) from None


async def _recorded(
    recorder: Recorder, base_url: str, port: int, write: Callable[[], None]
) -> None:
    """Record until a signal comes, then write; one more signal does not end the writing."""
    import anyio

    from descope_mcp.api.passthrough import passthrough
    from descope_mcp.catalog.catalog import load
    from descope_mcp.cli import signals
    from descope_mcp.sandbox.http.serve import Place, listening
    from descope_mcp.sandbox.recording.proxy import Answer, create_proxy

    stopped = anyio.Event()
    async with passthrough(base_url, settings.load(sandbox=True).timeout) as send:

        async def forward(
            method: str, path: str, headers: Mapping[str, str], body: bytes
        ) -> Answer:
            return Answer(*await send(method, path, headers, body))

        proxy = create_proxy(load().values(), forward, recorder)
        with signals.calling(stopped.set):
            async with listening(proxy, Place(port)) as url:
                text = f"DESCOPE_BASE_URL={url}\nReads of {base_url} are recorded; Ctrl-C ends it."
                output.said(text, DESCOPE_BASE_URL=url)
                await stopped.wait()
            write()

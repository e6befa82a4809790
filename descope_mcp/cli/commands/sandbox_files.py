"""`descope-mcp sandbox export` and `wait`: what is done with a sandbox that runs already."""

from __future__ import annotations

import time
from pathlib import Path

import click

from descope_mcp.cli import options
from descope_mcp.cli.display import output
from descope_mcp.cli.new_files import new_file
from descope_mcp.sandbox.http.control_client import NoSandbox, ask, project_of

_URL = "http://127.0.0.1:8080"
_PAUSE = 0.05


@click.command("export")
@click.argument("url", default=_URL)
@click.option(
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The new file to write it to, readable by its owner only; else standard output.",
)
@click.option("--secrets", is_flag=True, help="With its keys, sessions and messages, in the clear.")
@options.json_lines
def export(url: str, file: Path | None, secrets: bool) -> None:
    """Write what a running sandbox is like as a seed that another one can begin with.

    URL is where it listens (`descope-mcp sandbox --port 8080`).
    """
    query = "?secrets=true" if secrets else ""
    try:
        # Whatever answers to any path is not to be written as a seed.
        project_of(url)
        text = ask(url, "GET", f"/seed{query}")
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except NoSandbox as error:
        raise click.ClickException(
            f"no sandbox answers at {url} ({error}); start one with `descope-mcp sandbox "
            "--port 8080`, or give its URL"
        ) from None
    if file is None:
        output.said(text.rstrip("\n"), seed=text)
        return
    try:
        with new_file(file) as opened:
            opened.write(text)
    except OSError as error:
        raise click.ClickException(f"the file {file} cannot be written: {error.strerror}") from None
    output.said(f"Written to {file}.", file=str(file))


@click.command("wait")
@click.argument("url", default=_URL)
@click.option(
    "--timeout",
    type=click.FloatRange(0, 3600),
    default=30.0,
    show_default=True,
    help="Give up after so many seconds.",
)
@options.json_lines
def wait(url: str, timeout: float) -> None:
    """Return as soon as a sandbox answers at URL. Exit codes: 0 it does, 1 it did not in time."""
    end = time.monotonic() + timeout
    while True:
        left = end - time.monotonic()
        try:
            project = project_of(url, timeout=max(left, _PAUSE))
            break
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        except NoSandbox as error:
            if left <= _PAUSE:
                raise click.ClickException(
                    f"no sandbox answered at {url} within {timeout:g} seconds ({error}); "
                    "look at what it printed"
                ) from None
            time.sleep(_PAUSE)
    output.said(f"A sandbox answers at {url}, project {project}.", url=url, projectId=project)

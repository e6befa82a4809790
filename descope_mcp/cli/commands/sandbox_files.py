"""`descope-mcp sandbox export` and `wait`: what is done with a sandbox that runs already."""

from __future__ import annotations

import http.client
import json
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

import click

from descope_mcp.cli import options, output

_URL = "http://127.0.0.1:8080"
_PAUSE = 0.05
_PATIENCE = 10.0


class _Refused(Exception):
    """The sandbox answers with an error."""


@click.command("export")
@click.argument("url", default=_URL)
@click.option(
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it there, readable by its owner only; standard output is the default.",
)
@click.option("--secrets", is_flag=True, help="With its keys, sessions and messages, in the clear.")
@options.json_lines
def export(url: str, file: Path | None, secrets: bool) -> None:
    """Write what a running sandbox is like as a seed that another one can begin with.

    URL is where it listens (`descope-mcp sandbox --port 8080`).
    """
    query = "?secrets=true" if secrets else ""
    try:
        text = _got(url, f"/sandbox/seed{query}", _PATIENCE)
    except (OSError, http.client.HTTPException, _Refused) as error:
        raise click.ClickException(
            f"no sandbox answers at {url} ({_why(error)}); start one with `descope-mcp sandbox "
            "--port 8080`, or give its URL"
        ) from None
    if file is None:
        output.said(text.rstrip("\n"), seed=text)
        return
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
            opened.write(text)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
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
            told = json.loads(_got(url, "/sandbox", max(left, _PAUSE)))
            break
        except (OSError, http.client.HTTPException, ValueError, _Refused) as error:
            if left <= _PAUSE:
                raise click.ClickException(
                    f"no sandbox answered at {url} within {timeout:g} seconds ({_why(error)}); "
                    "look at what it printed"
                ) from None
            time.sleep(_PAUSE)
    project = str(told["projectId"])
    output.said(f"A sandbox answers at {url}, project {project}.", url=url, projectId=project)


def _got(url: str, path: str, timeout: float) -> str:
    """What the sandbox at `url` answers; no proxy is asked, since it is on this machine.

    Raises:
        OSError: nobody answers.
        http.client.HTTPException: what answers is no web server.
        _Refused: it answers with an error.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise click.UsageError(f"{url} is no URL of a sandbox; it looks like {_URL}")
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise _Refused(f"status {answer.status}")
    return text


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

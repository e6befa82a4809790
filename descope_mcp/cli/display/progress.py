"""That something is still waited for, where a person looks at standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Show `text` with the time that goes by, until the context is left; elsewhere nothing.

    With ``--json`` nothing either: a program reads along.
    """
    from descope_mcp.cli.display import output

    quiet = output.as_json() or not sys.stderr.isatty()
    if quiet or os.environ.get("TERM", "dumb") == "dumb":
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        shown.add_task(text)
        yield

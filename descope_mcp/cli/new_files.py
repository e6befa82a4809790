"""Files that a command makes: they were not there before, and are their owner's alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click


@contextmanager
def new_file(place: Path, *, stays: Callable[[], bool] = lambda: False) -> Iterator[TextIO]:
    """A file to write; if what is in here fails it goes, unless it holds something and `stays`.

    Raises:
        click.ClickException: it cannot be made, or there is something at this place already.
    """
    try:
        # It follows no link, dangling ones neither, and replaces nothing (open(2), O_EXCL).
        number = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.ClickException(
            f"the file {place} cannot be made ({error.strerror}); name a file that does not exist"
        ) from None
    try:
        with os.fdopen(number, "w", encoding="utf-8") as opened:
            yield opened
    except BaseException:
        # It may be all that is left of what was written.
        if not (place.exists() and place.stat().st_size and stays()):
            place.unlink(missing_ok=True)
        raise

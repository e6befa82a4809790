"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., Any]

sandbox = click.option(
    "--sandbox", is_flag=True, help="Work on a local Descope with a small organisation inside."
)
read_only = click.option(
    "--read-only", is_flag=True, default=None, help="Deny everything but reads."
)
policy = click.option(
    "--policy", metavar="FILE", help="Rules on what is allowed, asked about and denied."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from descope_mcp.cli.json_input import JsonObject

Command = Callable[..., Any]

sandbox = click.option(
    "--sandbox", is_flag=True, help="Work on a local Descope with a small organisation inside."
)
read_only = click.option(
    "--read-only", is_flag=True, default=None, help="Deny everything but reads."
)
profile = click.option(
    "--profile", metavar="NAME", help="Use the profile of this name (`descope-mcp login`)."
)
policy = click.option(
    "--policy", metavar="FILE", help="Rules on what is allowed, asked about and denied."
)
as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object a line, errors too."
)
#: For a command that leaves the form to `output`.
json_lines = click.option(
    "--json", is_flag=True, expose_value=False, help="Print one JSON object a line, errors too."
)
arguments = click.option(
    "--arguments",
    type=JsonObject(),
    metavar="JSON|@FILE|-",
    help="The arguments as a JSON object, a file of it, or - for standard input.",
)

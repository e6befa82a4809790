"""Starting an entry as a client does, and shaking hands with what answers.

A client that has a window has no shell around it: of the environment only what the protocol's own
library passes on counts, besides the variables of the entry.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import anyio

from descope_mcp import __version__
from descope_mcp.clients.errors import ClientError
from descope_mcp.clients.server_entry import ServerEntry

if TYPE_CHECKING:
    import mcp_types as types

#: Seconds until the list of tools; a first start may compile, and ``uvx`` may download.
PATIENCE = 60.0
#: So much of what a server says on stderr is shown.
_MOST_SAID = 1_000
_PREFIX = "descope-mcp: "


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a started entry answered; `notes` are the lines that it wrote on stderr."""

    server: str
    version: str
    protocol: str
    tools: Sequence[types.Tool]
    notes: tuple[str, ...]


def shaken(entry: ServerEntry, directory: Path, patience: float = PATIENCE) -> Handshake:
    """Start the entry in the directory, list its tools, and end it.

    Raises:
        ClientError: it does not start, or does not speak the protocol, in time.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        try:
            return anyio.run(_shake, entry, directory, patience, errors)
        except FileNotFoundError:
            raise ClientError(f"{entry.command} is not there; install it again") from None
        except PermissionError:
            raise ClientError(f"{entry.command} must not be run by this account") from None
        except TimeoutError:
            what = f"{entry.command} gave no list of tools within {patience:g} seconds"
            raise ClientError(f"{what}{_told(_said(errors))}") from None
        except Exception:  # noqa: BLE001 - a process may answer whatever it likes
            what = f"{entry.command} does not answer as an MCP server"
            raise ClientError(f"{what}{_told(_said(errors))}") from None


async def _shake(entry: ServerEntry, directory: Path, patience: float, errors: TextIO) -> Handshake:
    # What it makes of a process that speaks something else is said by us, in a line.
    logging.getLogger("mcp").setLevel(logging.CRITICAL + 1)
    # Nothing else of the command line needs the protocol's library.
    import mcp_types as types
    from mcp import StdioServerParameters
    from mcp.client import Client
    from mcp.client.stdio import stdio_client

    started = StdioServerParameters(
        command=entry.command, args=list(entry.args), env=dict(entry.env), cwd=directory
    )
    me = types.Implementation(name="descope-mcp-install", version=__version__)
    with anyio.fail_after(patience):
        async with Client(stdio_client(started, errlog=errors), client_info=me) as client:
            tools = (await client.list_tools()).tools
            server, protocol = client.server_info, client.protocol_version
    name, version = (server.name, server.version) if server else ("", "")
    return Handshake(name, version or "", str(protocol), tools, _said(errors))


def _said(errors: TextIO) -> tuple[str, ...]:
    errors.seek(0)
    lines = errors.read(_MOST_SAID).splitlines()
    return tuple(line.removeprefix(_PREFIX) for line in lines if line.strip())


def _told(lines: Sequence[str]) -> str:
    return f"; it says: {' '.join(lines)}" if lines else ""

"""`descope-mcp console`: requests answered in a browser of this machine."""

from __future__ import annotations

import asyncio
import threading

import anyio
import click

from descope_mcp import settings
from descope_mcp.cli import signals, wiring
from descope_mcp.cli.asking import terminal
from descope_mcp.cli.asking.errors import NoTerminal
from descope_mcp.store.errors import StoreError
from descope_mcp.store.store import Store


@click.command("console")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Where on 127.0.0.1; any by default."
)
def command(port: int) -> None:
    """Answer requests in a browser: pages on this machine, over the same store as `approvals`.

    A link that signs in once is written to the terminal, and to nothing else.
    """
    from descope_mcp.console.console import Console
    from descope_mcp.console.origins import Origins
    from descope_mcp.console.sign_in.one_time_link import LinkSignIn
    from descope_mcp.console.standalone import Standalone
    from descope_mcp.server.http import serving

    chosen = settings.load()
    failed: list[Exception] = []

    async def main() -> list[int]:
        async with wiring.services(chosen) as services:
            listener = serving.listening("127.0.0.1", port)
            origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
            console = Console(services, Origins([origin]), LinkSignIn(terminal.account()))
            server, loop = Standalone(console, listener), asyncio.get_running_loop()

            def inviting() -> None:
                try:
                    _invite(services.store, origin)
                except (NoTerminal, StoreError) as error:
                    failed.append(error)
                    loop.call_soon_threadsafe(server.end)

            # Nothing can stop it while it waits for the person; it ends with the process.
            threading.Thread(target=inviting, daemon=True).start()
            with signals.calling(server.end) as came:
                await server.run()
        return came

    try:
        came = anyio.run(main)
    except OSError as error:
        raise click.ClickException(str(error)) from None
    if failed:
        raise failed[0]
    click.get_current_context().exit(signals.exit_code(came))


def _invite(store: Store, origin: str) -> None:
    """Show a link, and another whenever the person wants one.

    Raises:
        NoTerminal: nobody is there.
        StoreError: no link can be made.
    """
    from descope_mcp.console.sign_in import one_time_link

    minutes, wanted = int(one_time_link.COUNTS // 60), True
    while wanted:
        link = one_time_link.link(store, origin)
        with terminal.screen() as screen:
            screen.write(
                f"Open this within {minutes} minutes; it counts once:\n\n  {link}\n\n"
                "Enter for another link, Ctrl-C to end.\n"
            )
        wanted = terminal.entered()

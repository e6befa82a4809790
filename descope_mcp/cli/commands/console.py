"""`descope-mcp console`: requests answered in a browser of this machine."""

from __future__ import annotations

import anyio
import click
from anyio.to_thread import run_sync

from descope_mcp import settings
from descope_mcp.cli import signals, terminal, wiring
from descope_mcp.cli.errors import NoTerminal


@click.command("console")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Where on 127.0.0.1; any by default."
)
def command(port: int) -> None:
    """Answer requests in a browser: pages on this machine, over the same store as `approvals`.

    A link that signs in once is written to the terminal, and to nothing else.
    """
    from descope_mcp.console import one_time_link
    from descope_mcp.console.console import Console
    from descope_mcp.console.one_time_link import LinkSignIn
    from descope_mcp.console.origins import Origins
    from descope_mcp.console.standalone import Standalone
    from descope_mcp.server.http import serving

    chosen = settings.load()

    async def main() -> list[int]:
        async with wiring.services(chosen) as services:
            listener = serving.listening("127.0.0.1", port)
            origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
            console = Console(services, Origins([origin]), LinkSignIn(terminal.account()))
            server = Standalone(console, listener)

            def invited() -> None:
                """Show a link, and another whenever the person wants one."""
                minutes = int(one_time_link.COUNTS // 60)
                going_on = True
                while going_on:
                    link = one_time_link.link(services.store, origin)
                    with terminal.screen() as screen:
                        screen.write(
                            f"Open this within {minutes} minutes; it counts once:\n\n  {link}\n\n"
                            "Enter for another link, Ctrl-C to end.\n"
                        )
                    going_on = terminal.entered()

            async def inviting() -> None:
                await run_sync(invited, abandon_on_cancel=True)

            with signals.calling(server.end) as came:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(inviting)
                    await server.run()
                    tasks.cancel_scope.cancel()
        return came

    try:
        came = anyio.run(main)
    except* (NoTerminal, OSError) as group:
        first = group.exceptions[0]
        if isinstance(first, NoTerminal):
            raise first from None
        raise click.ClickException(str(first)) from None
    click.get_current_context().exit(signals.exit_code(came))

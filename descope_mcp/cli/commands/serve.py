"""`descope-mcp serve`: MCP on stdin and stdout."""

from __future__ import annotations

import gc

import click

from descope_mcp.cli import options, signals


@click.command("serve")
@click.option("--toolsets", help="List these toolsets' operations as tools (a,b or all).")
@options.read_only
@options.policy
@click.option(
    "--shadow-policy",
    metavar="FILE",
    help="Write down what these rules would decide; they count for nothing (policy report).",
)
@options.sandbox
def command(
    toolsets: str | None,
    read_only: bool | None,
    policy: str | None,
    shadow_policy: str | None,
    sandbox: bool,
) -> None:
    """Serve MCP on stdin and stdout, for an agent or an IDE to start."""
    # Nothing that is imported is garbage, and looking for some is a tenth of the start.
    gc.disable()
    import anyio

    from descope_mcp import settings
    from descope_mcp.catalog import catalog
    from descope_mcp.cli import wiring
    from descope_mcp.guard.question import shell_quoting
    from descope_mcp.store.journal import unfinished_plans

    chosen = settings.load(
        toolsets=toolsets, read_only=read_only, policy=policy, shadow_policy=shadow_policy
    )
    operations = catalog.load()
    names = wiring.toolsets(chosen, operations)
    if not sandbox and not chosen.management_key.get_secret_value():
        click.echo(
            "descope-mcp: no management key; management calls will be refused. Set "
            "DESCOPE_PROJECT_ID and DESCOPE_MANAGEMENT_KEY, or start with --sandbox.",
            err=True,
        )

    async def main() -> list[int]:
        from descope_mcp.server.transports import stdio

        async with wiring.services(chosen, operations, sandbox=sandbox) as services:
            for warning in wiring.unmatched(chosen, services.policy):
                click.echo(f"descope-mcp: {warning}", err=True)
            for plan in unfinished_plans.left(services.store.directory):
                see = shell_quoting.command("plan", "show", plan[:8])
                click.echo(f"descope-mcp: a plan was left in the middle; see `{see}`", err=True)
            serving = stdio.Serving(services, names)
            gc.enable()
            with signals.calling(serving.end) as came:
                await serving.run()
        return came

    try:
        came = anyio.run(main)
    except OSError as error:
        raise click.ClickException(str(error)) from None
    click.get_current_context().exit(signals.exit_code(came))

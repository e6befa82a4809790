"""`descope-mcp serve`: MCP on stdin and stdout, or over HTTP."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from descope_mcp.cli import http_server, options, signals
from descope_mcp.cli.display import output
from descope_mcp.cli.http_server import HttpOptions

if TYPE_CHECKING:
    from descope_mcp.call.services import Services
    from descope_mcp.server.auth.resource_server import ResourceServer
    from descope_mcp.server.http.serving import Serving as HttpServing
    from descope_mcp.server.transports.stdio import Serving as StdioServing


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
@options.profile
@http_server.options
def command(
    toolsets: str | None,
    read_only: bool | None,
    policy: str | None,
    shadow_policy: str | None,
    sandbox: bool,
    profile: str | None,
    http: HttpOptions,
) -> None:
    """Serve MCP on stdin and stdout, for an agent or an IDE to start, or over HTTP."""
    # Nothing that is imported is garbage, and looking for some is a tenth of the start.
    gc.disable()
    import anyio

    from descope_mcp import settings
    from descope_mcp.catalog import catalog
    from descope_mcp.cli import wiring
    from descope_mcp.guard.question import shell_quoting
    from descope_mcp.store.journal import unfinished_plans

    chosen = settings.load(
        toolsets=toolsets,
        read_only=read_only,
        policy=policy,
        shadow_policy=shadow_policy,
        auth=http.auth,
        profile=profile,
        sandbox=sandbox,
    )
    operations = catalog.load()
    names = wiring.toolsets(chosen, operations)
    own_key = chosen.has_management_key or (http.address and chosen.auth)
    if not sandbox and not own_key:
        output.note(
            "there is no management key; management calls will be refused. Sign in with "
            "`descope-mcp login`, set DESCOPE_PROJECT_ID and DESCOPE_MANAGEMENT_KEY, or start with "
            "--sandbox."
        )

    said = http_server.configured(http, chosen.auth)

    async def main() -> list[int]:
        async with (
            wiring.services(chosen, operations, sandbox=sandbox) as own,
            wiring.telling(chosen, http_server.with_console(own, said)) as services,
            http_server.guarded(said, services) as guard,
        ):
            serving, caller = _made(services, names, http, guard)
            rules = services.policy.rules
            unmatched = wiring.unmatched(chosen, services.policy, caller)
            for warning in await guard.warnings(rules) if guard else unmatched:
                output.note(warning)
            for plan in unfinished_plans.left(services.store.directory):
                see = shell_quoting.command("plan", "show", plan[:8])
                output.note(f"a plan was left in the middle; see `{see}`")
            # Nothing made so far is ever garbage. Looking through it again and again would stop all
            # calls for a tenth of a second, most often while a large answer is worked on.
            gc.freeze()
            gc.enable()
            with signals.calling(serving.end) as came:
                await serving.run()
        return came

    try:
        came = anyio.run(main)
    except OSError as error:
        raise click.ClickException(str(error)) from None
    click.get_current_context().exit(signals.exit_code(came))


def _made(
    services: Services, toolsets: Sequence[str], http: HttpOptions, guard: ResourceServer | None
) -> tuple[StdioServing | HttpServing, str]:
    """The server, and the name of who calls it."""
    if http.address is None:
        from descope_mcp.server.transports import stdio

        return stdio.Serving(services, toolsets), services.caller
    from descope_mcp.server.http.callers import LOCAL

    serving = http_server.made(http, http.address, services, toolsets, guard)
    click.echo(f"descope-mcp: serving {serving.url}", err=True)
    return serving, LOCAL.name

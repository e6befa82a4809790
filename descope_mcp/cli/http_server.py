"""`serve --http`: its options, and the server that they make."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from descope_mcp.settings import SettingsError

if TYPE_CHECKING:
    from descope_mcp.call.services import Services
    from descope_mcp.console.console import Console
    from descope_mcp.server.auth.configuration import Configuration
    from descope_mcp.server.auth.resource_server import ResourceServer
    from descope_mcp.server.http.serving import Serving


class Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT; an IPv6 address stands in brackets."""

    name = "host:port"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """The host and the port; port 0 is any that is free."""
        if isinstance(value, tuple):
            return value
        host, _, port = str(value).rpartition(":")
        bare = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
        if not bare or (":" in host and bare == host) or not port.isdigit() or int(port) > 65535:
            self.fail(
                f"{value!r} is not HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080", param, ctx
            )
        return bare, int(port)


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """What the command line says about HTTP; ``address`` is None where stdio is served."""

    address: tuple[str, int] | None
    auth: str | None
    no_auth: bool
    stateless: bool
    json_answers: bool
    allowed_host: Sequence[str]
    allowed_origin: Sequence[str]
    trusted_proxy: Sequence[str]


def options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of HTTP, which the command gets as one, `http`."""

    def collected(**given: Any) -> None:
        names = HttpOptions.__slots__
        http = HttpOptions(**{name: given.pop(name) for name in names})
        if http.address is None:
            for name in names:
                if getattr(http, name):
                    raise click.UsageError(f"--{name.replace('_', '-')} is for `serve --http`")
        command(**given, http=http)

    collected.__doc__, collected.__name__ = command.__doc__, command.__name__
    collected.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in reversed(_OPTIONS):
        option(collected)
    return collected


def _several(name: str, metavar: str, text: str) -> Callable[..., Any]:
    text = f"HTTP: {text} Can be given again."
    return click.option(f"--{name}", multiple=True, metavar=metavar, help=text)


_OPTIONS = (
    click.option(
        "--http",
        "address",
        type=Address(),
        metavar="HOST:PORT",
        help="Serve streamable HTTP here instead of stdin and stdout.",
    ),
    click.option("--auth", metavar="FILE", help="HTTP: who may call, and by which keys."),
    click.option("--no-auth", is_flag=True, help="HTTP: take all of this machine for one caller."),
    click.option("--stateless", is_flag=True, help="HTTP: keep no sessions for older clients."),
    click.option(
        "--json-answers", is_flag=True, help="HTTP: answer with JSON, never with a stream."
    ),
    _several("allowed-host", "NAME", "A name that clients call the server by."),
    _several("allowed-origin", "ORIGIN", "An origin of web pages that may call it."),
    _several("trusted-proxy", "ADDRESS", "A proxy whose X-Forwarded headers count."),
)


def configured(http: HttpOptions, file: Path | None) -> Configuration | None:
    """What `file` says of who may call; None where nobody is asked, or stdio is served.

    Raises:
        SettingsError: something in the file is wrong.
    """
    if http.address is None or file is None:
        return None
    from descope_mcp.server.auth import configuration

    try:
        return configuration.read(file)
    except configuration.ConfigurationError as error:
        raise SettingsError(str(error)) from None


def with_console(services: Services, said: Configuration | None) -> Services:
    """Services that know where the console is: where a setting says, else at this server."""
    if services.console or said is None or said.console is None:
        return services
    return replace(services, console=f"{said.origin}/console")


@asynccontextmanager
async def guarded(
    said: Configuration | None, services: Services
) -> AsyncIterator[ResourceServer | None]:
    """What knows who calls; None where nobody is asked."""
    if said is None:
        yield None
        return
    from descope_mcp.server.auth.resource_server import ResourceServer

    # Where others can sign in to approve, they have to for what affects the whole project.
    others = replace(services.policy, four_eyes=said.console is not None)
    guard = ResourceServer(said, replace(services, policy=others))
    try:
        yield guard
    finally:
        await guard.rights.close()


_LOOPBACK_ALONE = (
    "--no-auth serves this machine alone, on 127.0.0.1, without --allowed-host and "
    "--trusted-proxy; for others name a file with --auth"
)


def made(
    http: HttpOptions,
    address: tuple[str, int],
    services: Services,
    toolsets: Sequence[str],
    guard: ResourceServer | None,
) -> Serving:
    """The server, bound to `address`; `guard` knows who calls.

    Raises:
        click.UsageError: it would be open to whom it must not be.
        OSError: the address cannot be had.
    """
    from descope_mcp.server.http import hosts, serving
    from descope_mcp.server.http.application import Application, Mode
    from descope_mcp.server.http.callers import unauthenticated

    host, port = address
    named = http.allowed_host or ([guard.host] if guard else [])
    if http.no_auth and not guard and not hosts.is_loopback(host):
        raise click.UsageError(_LOOPBACK_ALONE)
    try:
        security = hosts.allowed(host, named, http.allowed_origin)
        proxies = hosts.proxies(http.trusted_proxy)
    except hosts.NotAllowed as wrong:
        raise click.UsageError(str(wrong)) from None
    if not guard and not http.no_auth:
        raise click.UsageError(
            "nobody is asked who they are: name a file with --auth that says who may call, or "
            "take all of this machine for one caller with --no-auth"
        )
    if guard and http.no_auth:
        raise click.UsageError("--no-auth would let in whom --auth does not; drop one of both")
    if not guard and (named or http.trusted_proxy):
        raise click.UsageError(_LOOPBACK_ALONE)
    mode = Mode(security, http.stateless, http.json_answers, toolsets, http.allowed_origin)
    listener = serving.listening(host, port)
    if guard is None:
        application = Application(services, mode, unauthenticated)
        return serving.Serving(application, listener, lambda: [services.client], proxies)
    console = _console(guard, services)
    application = Application(
        services,
        mode,
        guard.authenticate,
        rights=guard.rights.of,
        permit=guard.permit,
        routes=[*guard.routes, *(console.routes if console else ())],
        ends=[console.end] if console else (),
    )
    return serving.Serving(application, listener, lambda: guard.rights.clients, proxies)


def _console(guard: ResourceServer, services: Services) -> Console | None:
    """The pages in which people decide, if the configuration says by whom they are known."""
    if guard.console is None:
        return None
    from descope_mcp.console.console import Console
    from descope_mcp.console.origins import Origins
    from descope_mcp.console.sign_in.openid import OpenIdSignIn

    sign_in = OpenIdSignIn(guard.console, services.store)
    return Console(services, Origins([guard.origin]), sign_in)

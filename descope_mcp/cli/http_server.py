"""`serve --http`: its options, and the server that they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from descope_mcp.call.services import Services
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
            self.fail(f"{value!r} is no HOST:PORT, as 127.0.0.1:8080 or [::1]:8080", param, ctx)
        return bare, int(port)


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """What the command line says about HTTP; ``address`` is None where stdio is served."""

    address: tuple[str, int] | None
    no_auth: bool
    stateless: bool
    json: bool
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
                    raise click.UsageError(f"--{name.replace('_', '-')} is for --http")
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
    click.option("--no-auth", is_flag=True, help="HTTP: take all of this machine for one caller."),
    click.option("--stateless", is_flag=True, help="HTTP: keep no sessions for older clients."),
    click.option("--json", is_flag=True, help="HTTP: answer with JSON, never with a stream."),
    _several("allowed-host", "NAME", "A name that clients call the server by."),
    _several("allowed-origin", "ORIGIN", "An origin of web pages that may call it."),
    _several("trusted-proxy", "ADDRESS", "A proxy whose X-Forwarded headers count."),
)


def made(
    http: HttpOptions, address: tuple[str, int], services: Services, toolsets: Sequence[str]
) -> Serving:
    """The server, bound to `address`.

    Raises:
        click.UsageError: it would be open to whom it must not be.
        OSError: the address cannot be had.
    """
    from descope_mcp.server.http import hosts, serving
    from descope_mcp.server.http.application import Application, Mode
    from descope_mcp.server.http.callers import unauthenticated

    host, port = address
    try:
        security = hosts.allowed(host, http.allowed_host, http.allowed_origin)
    except hosts.NotAllowed as wrong:
        raise click.UsageError(str(wrong)) from None
    if not http.no_auth:
        raise click.UsageError(
            "nobody is asked who they are: say so with --no-auth, which serves this machine alone"
        )
    if not hosts.is_loopback(host) or http.allowed_host or http.trusted_proxy:
        raise click.UsageError(
            "--no-auth serves this machine alone, on 127.0.0.1, without --allowed-host and "
            "--trusted-proxy"
        )
    mode = Mode(security, http.stateless, http.json, toolsets)
    application = Application(services, mode, unauthenticated)
    listener = serving.listening(host, port)
    return serving.Serving(application, listener, lambda: [services.client], http.trusted_proxy)

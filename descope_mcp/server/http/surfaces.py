"""The paths under which the server is reached, each with a list of tools of its own.

``/mcp`` is the hub, ``/mcp/readonly`` the hub without what changes anything, ``/mcp/t/users,roles``
has the operations of toolsets as tools. A path says what is listed; what is allowed is said by the
policy, which ``/mcp/readonly`` makes read-only.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from starlette.types import ASGIApp, Receive, Scope, Send

from descope_mcp.call.services import Services
from descope_mcp.server.http.refusal import refusal

ROOT = "/mcp"
_TOOLSETS = f"{ROOT}/t/"
_SURFACE = "descope_mcp.surface"


@dataclass(frozen=True, slots=True)
class Surface:
    """What a path lists: the hub, or the operations of toolsets; maybe only what reads."""

    toolsets: tuple[str, ...] = ()
    read_only: bool = False

    def limited(self, services: Services) -> Services:
        """What a request under this path may use."""
        if not self.read_only or services.policy.read_only:
            return services
        return replace(services, policy=replace(services.policy, read_only=True))


class UnknownSurface(Exception):
    """There is nothing under a path; the text says why."""


class Surfaces:
    """A layer that knows by the path what a request is to see."""

    def __init__(self, app: ASGIApp, toolsets: Collection[str], root: Sequence[str] = ()) -> None:
        """Args: `toolsets` that there are, `root` those that ``/mcp`` lists instead of the hub."""
        self._app, self._known, self._root = app, frozenset(toolsets), tuple(root)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request under one of the paths, answer 404 under any other."""
        try:
            scope[_SURFACE] = self.find(scope["path"])
        except UnknownSurface as unknown:
            await refusal(404, str(unknown))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def find(self, path: str) -> Surface:
        """The surface under a path.

        Raises:
            UnknownSurface: there is none.
        """
        path = path.removesuffix("/")
        if path == ROOT:
            return Surface(self._root)
        if path == f"{ROOT}/readonly":
            return Surface(read_only=True)
        if not path.startswith(_TOOLSETS):
            raise UnknownSurface(
                f"Nothing is here; there are `{ROOT}`, `{ROOT}/readonly` and `{_TOOLSETS}NAMES`."
            )
        names = path.removeprefix(_TOOLSETS).split(",")
        if unknown := [name for name in names if name not in (*self._known, "all")]:
            known = ", ".join(sorted(self._known))
            raise UnknownSurface(
                f"There is no toolset {unknown[0][:60]!r}; there are: all, {known}."
            )
        return Surface(tuple(names))


def surface_of(scope: Scope) -> Surface:
    """What a request is to see.

    Raises:
        KeyError: it came by no path of a surface.
    """
    surface: Surface = scope[_SURFACE]
    return surface

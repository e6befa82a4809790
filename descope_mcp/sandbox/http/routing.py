"""Routing of paths without placeholders: at once, however many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send


class FixedPaths(BaseRoute):
    """Many routes as one. Starlette alone would try them one after the other."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_path: defaultdict[str, list[Route]] = defaultdict(list)
        for route in routes:
            self._by_path[route.path].append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """What Starlette asks every route; a path with another method matches partially."""
        tried = [route.matches(scope) for route in self._by_path.get(scope["path"], ())]
        return max(tried, key=lambda match: match[0].value, default=(Match.NONE, {}))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route answer that matches best."""
        routes = self._by_path[scope["path"]]
        best = max(routes, key=lambda route: route.matches(scope)[0].value)
        await best.handle(scope, receive, send)

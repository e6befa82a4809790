"""What a server offers: its tools, and what the hub answers, under one policy.

Made once for all callers who share a policy, a way to Descope and a surface. It does not know who
calls: nothing of one caller can get to another through it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jsonschema_rs
from mcp.server.context import HandlerResult

from descope_mcp.call.services import Services
from descope_mcp.catalog.arguments.validation import fit
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.caller import Caller
from descope_mcp.server.surface import tool_list
from descope_mcp.server.surface.catalog_tools import Hub, index_of

if TYPE_CHECKING:
    from descope_mcp.catalog.search.ranking import Index

#: What the endpoint surface lists besides the operations.
_BESIDE_ENDPOINTS = ("descope_read", "descope_undo")
#: So many are kept: the list of all operations is a megabyte, and a path can name many lists.
MOST = 16
_NOBODY = Caller("")


class Offer:
    """The tools that are listed, and those that are answered here."""

    def __init__(
        self, services: Services, toolsets: Sequence[str], index: Callable[[], Index]
    ) -> None:
        """Args: `toolsets` whose operations are listed as tools, ``all``; empty for the hub."""
        tools = tool_list.hub(services.policy)
        self._schemas = {tool.name: tool.input_schema for tool in tools}
        self._validators = {
            name: jsonschema_rs.Draft202012Validator(schema)
            for name, schema in self._schemas.items()
        }
        self.hub = Hub(services, index)
        #: What a client is shown.
        self.listed = tools
        if toolsets:
            catalog, policy = services.catalog, services.policy
            self.listed = tool_list.endpoints(catalog, toolsets, policy, services.project)
            # An operation's own tool has neither fields nor parts, and nothing to take it back.
            self.listed += [tool for tool in tools if tool.name in _BESIDE_ENDPOINTS]
        if services.console:
            self.listed = [tool_list.with_panel(tool) for tool in self.listed]
        #: The list as it is sent, by protocol revision.
        self.serialized: dict[str, HandlerResult] = {}

    def takes(self, name: str) -> bool:
        """Whether this is a tool of the hub, listed or not."""
        return name in self._schemas

    def fit(self, name: str, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Arguments as the schema of a tool of the hub wants them, and what is wrong with them."""
        return fit(self._schemas[name], self._validators[name], arguments)


class Offers:
    """The offers of a server, each made when it is first asked for."""

    def __init__(self, catalog: Catalog) -> None:
        self._index = index_of(catalog)
        #: The last one used stands last.
        self._made: list[tuple[Services, tuple[str, ...], Offer]] = []

    def to(self, services: Services, toolsets: Sequence[str] = ()) -> Offer:
        """What is offered to a request, whoever sent it."""
        wanted = tuple(sorted(set(toolsets)))
        for entry in reversed(self._made):
            if entry[1] == wanted and entry[0] == services:
                if entry is not self._made[-1]:
                    self._made.remove(entry)
                    self._made.append(entry)
                return entry[2]
        shared = replace(services, principal=_NOBODY)
        offer = Offer(shared, wanted, self._index)
        self._made = [*self._made[1 - MOST :], (shared, wanted, offer)]
        return offer

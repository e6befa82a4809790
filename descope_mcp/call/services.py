"""What every call needs, made once for a server or a command."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from descope_mcp.api.client import Client
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.caller import STDIO, Caller
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.store.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """What a call needs: the catalog, the way to Descope, the policy, the store.

    ``principal`` is who calls: the same for all calls on stdio, another for every token on HTTP,
    where each request has services of its own. Those of callers with the same rights are equal.
    """

    catalog: Catalog
    client: Client
    policy: Policy
    store: Store
    trusted_hosts: frozenset[str] = frozenset()
    #: What would be decided by this one is written down where it differs; it counts for nothing.
    shadow: Policy | None = None
    principal: Caller = field(default=STDIO, compare=False)
    #: Seconds for which a call waits for the word of a person who is asked outside of the client.
    patience: float = 0.0
    #: Where the console is, as people reach it; "" where there is none.
    console: str = ""
    #: What is told of a request that waits for a person (`descope_mcp.notices`).
    channels: tuple[str, ...] = ()

    @property
    def caller(self) -> str:
        """The name of who calls."""
        return self.principal.name

    def calling(self, name: str) -> Caller:
        """Who calls as `name`: the principal, with its scopes and claims whatever it is called."""
        principal = self.principal
        return principal if principal.name == name else replace(principal, name=name)

    @property
    def own_calls(self) -> str:
        """Whose calls the caller may take back or go on with, by the journal; "" for everybody's.

        Whoever is known by a token has nothing to do with the calls of others.
        """
        return "" if self.principal.scopes is None else self.caller

    @property
    def project(self) -> str:
        """The project that calls run in."""
        return self.client.credentials.project_id

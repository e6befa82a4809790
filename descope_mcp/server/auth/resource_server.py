"""The parts that make an OAuth 2.1 resource server of the application, put together."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from descope_mcp.call.services import Services
from descope_mcp.guard import scopes
from descope_mcp.guard.policy.rule import PolicyRule
from descope_mcp.server.auth import principal, resource_metadata
from descope_mcp.server.auth.access_token import AccessTokens
from descope_mcp.server.auth.authenticator import Authenticator
from descope_mcp.server.auth.challenge import Challenges
from descope_mcp.server.auth.configuration import Configuration
from descope_mcp.server.auth.machines import Machines
from descope_mcp.server.auth.rights import Rights
from descope_mcp.server.auth.step_up import StepUp
from descope_mcp.server.http.surfaces import Surfaces


class ResourceServer:
    """What the application needs to ask who calls, and to let each do what it may."""

    def __init__(self, configuration: Configuration, services: Services) -> None:
        self._origin, self._services = configuration.origin, services
        #: By whom people are known who decide in a browser, if anybody does.
        self.console = configuration.console
        #: Under which address.
        self.origin = configuration.origin
        #: By which clients call this server.
        self.host = urlsplit(configuration.origin).netloc
        self._claims = principal.CLAIMS.union(*(one.claims for one in configuration.issuers))
        self._tokens = AccessTokens(configuration.issuers)
        self._challenges = Challenges(configuration.origin, scopes.up_to(configuration.first_class))
        self._machines = Machines(services.store)
        self.rights = Rights(services, configuration.upstreams)
        toolsets = [toolset.name for toolset in services.catalog.toolsets]
        #: The metadata, which everybody may read.
        self.routes: list[Route] = resource_metadata.routes(
            configuration.origin, configuration.issuers, Surfaces(_nothing, toolsets)
        )

    async def warnings(self, rules: Iterable[PolicyRule]) -> list[str]:
        """A sentence for every issuer that lets nobody in, and every rule that asks in vain."""
        away = [
            f"the keys of {issuer.name} ({issuer.url}) cannot be fetched: {why}; it is tried again "
            "with the first tokens"
            for issuer, why in await self._tokens.unknown()
        ]
        unsaid = [
            f"{rule.place}: no issuer says {claim} of a caller; correct it, or add it to claims of "
            "the issuer"
            for rule in rules
            for claim in sorted({*rule.who, *rule.stands_for} - self._claims)
        ]
        return away + unsaid

    def authenticate(self, app: ASGIApp) -> ASGIApp:
        """The layer that knows who calls."""
        refused = self.rights.refused
        known = (self._tokens, self._machines)
        return Authenticator(app, self._origin, self._challenges, *known, refused)

    def permit(self, app: ASGIApp) -> ASGIApp:
        """The layer that asks for more scopes when a call needs them."""
        return StepUp(app, self._origin, self._services.catalog, self._services.trusted_hosts)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Serves nobody: here surfaces are only looked up."""

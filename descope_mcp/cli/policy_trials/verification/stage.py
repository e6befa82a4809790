"""Where promises are tried: a sandbox and a store that end with the trial, under real settings.

Neither Descope nor the store of the settings is reached.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials
from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, NeedsConfirmation, Outcome
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.cli.policy_trials.replay import Replay, replayed
from descope_mcp.cli.policy_trials.verification.proof import Tried
from descope_mcp.guard.caller import Caller
from descope_mcp.guard.consent.confirmation import accept
from descope_mcp.guard.policy.decision import Decision, Policy, decide
from descope_mcp.guard.policy.risk import assess
from descope_mcp.guard.policy.rule import PolicyRule
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.http.serve import running
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.settings import Settings
from descope_mcp.store.store import Store

#: The file of a store in its directory.
DATABASE = "state.db"
#: Who calls, unless a promise is about that.
CALLER = "stdio"


@dataclass(slots=True)
class Stage:
    """A sandbox with an organisation inside, and what calls need to reach it.

    ``written`` counts what calls have changed in the sandbox, ``tried`` has what came of calls.
    """

    services: Services
    state: State
    written: int = 0
    tried: dict[str, Tried] = field(default_factory=dict)

    @property
    def policy(self) -> Policy:
        """The policy that is tried."""
        return self.services.policy

    def under(self, policy: Policy) -> Services:
        """The same under another policy."""
        return replace(self.services, policy=policy)

    async def run(
        self, operation: str, arguments: Mapping[str, Any], services: Services | None = None
    ) -> Outcome:
        """Make a call that nobody has said anything to."""
        return await invoke(Call(operation, dict(arguments), CALLER), services or self.services)

    async def confirmed(
        self, operation: str, arguments: Mapping[str, Any], services: Services | None = None
    ) -> Outcome:
        """Make a call for a person who says yes to it, if they are asked."""
        outcome = await self.run(operation, arguments, services)
        if not isinstance(outcome, NeedsConfirmation):
            return outcome
        word = accept(outcome.question, outcome.question.typed)
        again = Call(operation, dict(arguments), CALLER, approval=word)
        return await invoke(again, services or self.services)

    def decision(self, operation: str, arguments: Mapping[str, Any], policy: Policy) -> Decision:
        """What a policy decides on a call at its worst, before anything is read."""
        services, found = self.services, self.services.catalog[operation]
        risk = assess(found, arguments, services.trusted_hosts)
        return decide(found, arguments, Caller(CALLER), services.project, risk, policy)

    def judged_again(self, call: str) -> Replay:
        """What the policy says of a call that ran, by what the journal says it changed."""
        services = self.services
        store, catalog, hosts = services.store, services.catalog, services.trusted_hosts
        return replayed(store, catalog, self.policy, hosts, call=call)

    def rule(self, place: str) -> PolicyRule | None:
        """The rule of the policy file at this place, None if it is a rule of the default policy."""
        return next((rule for rule in self.policy.rules if rule.place == place), None)

    def asking(self, operation: str = "DeleteUser") -> tuple[Services, str]:
        """Services under which this is put to a person, and a note if they are not the own ones.

        How a word counts has to be shown on something that is asked about.
        """
        if self.decision(operation, VICTIM, self.policy).action == "confirm":
            return self.services, ""
        return self.under(Policy()), "under the default policy, since this one does not ask here: "


#: Whom promises about a word are shown on; they are there in the organisation.
VICTIM = {"loginId": "vera.lindt@umbra.example"}
OTHER = {"loginId": "xenia.popova@contractor.example"}


@asynccontextmanager
async def staged(settings: Settings, catalog: Catalog, policy: Policy) -> AsyncIterator[Stage]:
    """A stage with the organisation as it is at the beginning, and an empty store.

    The sandbox serves a project of the id that the settings have, so that rules on it count.
    """
    state = organisations.acme()
    if settings.project_id:
        organisations.rename_project(state, settings.project_id)
    with TemporaryDirectory(prefix="descope-mcp-verify-") as name:
        place = Path(name)
        seconds = settings.retention_days * 24 * 3600
        async with running(catalog.values(), state) as local:
            keys = Credentials(local.project_id, local.management_key)
            client = Client(local.url, keys, catalog.errors, settings.timeout)
            with closing(Store(place / "state", place / "config" / "key", seconds)) as store:
                stage = Stage(Services(catalog, client, policy, store, settings.hosts), state)

                def count(written: Any) -> None:
                    stage.written += len(list(written))

                state.save = count
                try:
                    yield stage
                finally:
                    await client.close()

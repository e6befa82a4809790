"""What can be done to a sandbox from outside, by a program or by a person in a browser."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from descope_mcp.sandbox.engine.errors import INVALID, DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import OUTBOX, State
from descope_mcp.sandbox.http.faults import Fault, Faults
from descope_mcp.sandbox.http.rate_limits import RateLimits
from descope_mcp.sandbox.http.request_log import RequestLog
from descope_mcp.sandbox.keys import management_keys
from descope_mcp.sandbox.sessions.answers import deliver, in_cookies


class Conditions(BaseModel):
    """What can be switched; what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    rate_limits: bool | None = None
    search_delay: float | None = Field(None, ge=0, le=3600)
    cookies: bool | None = None


@dataclass(frozen=True, slots=True)
class Controls:
    """What the controls work on.

    Attributes:
        state: the state that the operations have, too.
        seeds: the organisations to begin with, the one of the start under the empty name as well.
        faults: the faults that calls meet.
        rate_limits: the limits of calls.
        requests: the requests that came last.
        operations: the names of those that there are.
    """

    state: State
    seeds: Mapping[str, Callable[[], State]]
    faults: Faults
    rate_limits: RateLimits
    requests: RequestLog
    operations: frozenset[str]

    def overview(self) -> dict[str, Any]:
        """Project, time, number of records, faults and conditions."""
        return {
            "projectId": self.state.project["id"],
            "now": self.state.now(),
            "records": {name: len(items) for name, items in self.state.export().items()},
            "faults": [
                {**fault.model_dump(by_alias=True, exclude_defaults=True), "times": left}
                for fault, left in self.faults.set
            ],
            "rateLimits": self.rate_limits.on,
            "searchDelay": self.state.search_delay,
            "cookies": in_cookies(self.state),
        }

    def empty_outbox(self) -> None:
        """Forget the messages that would have been sent."""
        with self.state.transaction():
            for message in self.state.all(OUTBOX):
                self.state.delete(OUTBOX, message["id"])

    def replace(self, records: Mapping[str, list[Record]]) -> None:
        """Put an exported state in the place of the present one.

        Raises:
            DescopeError: it does not fit together, or has no project; nothing is changed.
        """
        with self.state.transaction():
            self.state.replace(records)
            _ = self.state.project

    def reset(self, seed: str = "") -> None:
        """Begin anew with the key that it has: seed, clock, no faults.

        Raises:
            DescopeError: there is no such seed.
        """
        if seed not in self.seeds:
            known = ", ".join(name for name in self.seeds if name)
            raise DescopeError(INVALID, f"There is no seed {seed}; use one of {known}")
        fresh = self.seeds[seed]()
        # Whoever works with it goes on doing so.
        management_keys.hand_over(fresh, self.state.management_key)
        self.state.replace(fresh.export())
        self.state.random = fresh.random
        self.state.search_delay = 0
        self.state.recent.clear()
        self.rate_limits.on = False
        self.faults.set.clear()

    def add_fault(self, fault: Fault) -> None:
        """Let calls meet a fault.

        Raises:
            DescopeError: no call could ever meet it, since there is no such operation.
        """
        if fault.operation not in {"*", *self.operations}:
            near = difflib.get_close_matches(fault.operation, self.operations, 3)
            names = f"the nearest names are {', '.join(near)}" if near else "* stands for every one"
            raise DescopeError(INVALID, f"There is no operation {fault.operation}; {names}")
        self.faults.add(fault)

    def clear_faults(self) -> None:
        """Let calls meet no fault any more."""
        self.faults.set.clear()

    def set_conditions(self, asked: Conditions) -> None:
        """Switch limits, the delay of searches, and how tokens are handed out."""
        if asked.rate_limits is not None:
            self.rate_limits.on = asked.rate_limits
            self.rate_limits.calls.clear()
        if asked.search_delay is not None:
            self.state.search_delay = asked.search_delay
        if asked.cookies is not None:
            deliver(self.state, cookies=asked.cookies)

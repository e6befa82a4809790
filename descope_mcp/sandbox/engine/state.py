"""What the sandbox knows: records, a clock, ids, the audit trail and the messages it sent.

Records are plain dicts in the form of the wire, in the tables that the areas declare (`tables`).
What follows from other records (a tenant's name in a membership, a user's permissions) is not
stored but worked out when a record is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import Any

from descope_mcp.sandbox.engine.errors import INVALID, NO_PROJECT, DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.ids import token
from descope_mcp.sandbox.engine.records import Records
from descope_mcp.sandbox.engine.tables import Table, register

#: The end of the year 9000; whatever runs out a while later can still be written as a date.
_LAST = 221_876_841_600
#: One record: which project the sandbox serves, the management key that opens it, and how far its
#: clock is ahead of the real one.
SANDBOX = register(Table("sandbox", secrets=("managementKey",)))

#: The projects of the account. The sandbox serves one of them.
PROJECTS = register(Table("projects", "P", missing=NO_PROJECT))

#: Every change, as the audit trail tells it.
AUDITS = register(Table("audits", "A", key="ID"))

#: Messages that the service would have sent. Nothing leaves the sandbox.
OUTBOX = register(Table("outbox", "M", passing=True))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes the present call.

    Attributes:
        actor: whom the audit trail names.
        address: where the call comes from.
        external_rid: the caller's own id of the call.
        credential: the token or key that stands for a user, a client or an access key.
        url: where the caller finds the sandbox.
    """

    actor: str = ""
    address: str = ""
    external_rid: str = ""
    credential: str = field(default="", repr=False)
    url: str = "https://api.descope.com"


@dataclass(slots=True, kw_only=True)
class State(Records):
    """One project. Handlers run to their end one after the other, so there is no lock."""

    clock: Callable[[], float] = time.time
    caller: Caller = Caller()
    #: What secrets are drawn from: nobody who knows the ids can work out the keys.
    secrets: Random = field(default_factory=SystemRandom)

    @property
    def project_id(self) -> str:
        """The id of the project that the sandbox serves."""
        return str(self._own["projectId"])

    @property
    def project(self) -> Record:
        """The project that the sandbox serves."""
        return self.get(PROJECTS, self.project_id)

    @property
    def management_key_id(self) -> str:
        """The id of the management key that the sandbox was made with."""
        return str(self._own["managementKeyId"])

    @property
    def management_key(self) -> str:
        """Its cleartext."""
        return str(self._own["managementKey"])

    @property
    def _own(self) -> Record:
        return self.get(SANDBOX, "sandbox")

    def now(self) -> int:
        """The time in epoch seconds."""
        return int(self.time())

    def now_ms(self) -> int:
        """The time in epoch milliseconds."""
        return int(self.time() * 1000)

    def time(self) -> float:
        """The time of the sandbox, which `advance` puts ahead of the real one."""
        return self.clock() + float(self._own["secondsAhead"])

    def replace(self, records: Mapping[str, Iterable[Record]]) -> None:
        """Put `records`, as `export` gives them, in the place of everything.

        Raises:
            DescopeError: they do not fit together, or their clock is not one that `advance` makes.
        """
        with self.transaction():
            # `super` without arguments knows nothing of a class that slots have made again.
            Records.replace(self, records)
            ahead: Any = self._own.get("secondsAhead")
            number = isinstance(ahead, int | float) and not isinstance(ahead, bool)
            if not (number and ahead >= 0 and self.clock() + ahead <= _LAST):
                raise DescopeError(INVALID, "The clock (secondsAhead) goes to the year 9000")

    def advance(self, seconds: float) -> None:
        """Let this time go by at once.

        Raises:
            DescopeError: it would lead beyond the years that calendars know.
        """
        if not self.time() + seconds <= _LAST:
            raise DescopeError(INVALID, "The clock goes no further than the year 9000")
        ahead = self._own["secondsAhead"] + seconds
        self.change(SANDBOX, self._own, {"secondsAhead": ahead})

    def new_secret(self, length: int) -> str:
        """A new secret of `length` letters and digits."""
        return token(self.secrets, length)

    @contextmanager
    def calling(self, caller: Caller) -> Iterator[None]:
        """One call of `caller`: a transaction, whose changes are recorded as theirs."""
        before, self.caller = self.caller, caller
        try:
            with self.transaction():
                yield
        finally:
            self.caller = before

    def record(
        self,
        action: str,
        *,
        user: Mapping[str, Any] | None = None,
        tenants: list[str] | None = None,
        data: Mapping[str, Any] | None = None,
        **stated: Any,
    ) -> Record:
        """Write one change to the audit trail, with its actor and the caller's ``x-external-rid``.

        A `user` it is about brings their login ids and tenants with them, unless `tenants`
        says otherwise. `stated` are fields of the event that are otherwise worked out.
        """
        rid = self.caller.external_rid
        own = [m["tenantId"] for m in user["userTenants"]] if user else []
        event = {
            "projectId": self.project_id,
            "userId": user["userId"] if user else "",
            "action": action,
            "occurred": str(self.now_ms()),
            "device": "Other",
            "method": "",
            "geo": "",
            "remoteAddress": self.caller.address,
            "externalIds": list(user["loginIds"]) if user else [],
            "tenants": own if tenants is None else tenants,
            "data": {**(data or {}), **({"x-external-rid": rid} if rid else {})},
            "type": "info",
            "actorId": self.caller.actor,
        }
        return self.add(AUDITS, event | stated)

    def send(self, channel: str, to: str, template: str, data: Mapping[str, Any]) -> Record:
        """Put a message into the outbox instead of sending it.

        Args:
            channel: ``email``, ``sms``, ``voice``, ``whatsapp``, ...
            to: the address or number.
            template: what sort of message it is, such as ``otp`` or ``magiclink``.
            data: what the person would read out of it, such as the code or the link.
        """
        message = {"channel": channel, "to": to, "template": template, "data": dict(data)}
        return self.add(OUTBOX, {**message, "sentTime": self.now_ms()})


def empty(
    name: str, *, seed: int = 0, keys: int | None = None, clock: Callable[[], float] = time.time
) -> State:
    """A project without anything in it.

    Args:
        name: of the project.
        seed: the same one gives the same ids.
        keys: the same one gives the same keys and other secrets; None gives new ones every time.
        clock: tells the time.
    """
    secrets = SystemRandom() if keys is None else Random(f"keys {keys}")
    state = State(random=Random(seed), secrets=secrets, clock=clock)
    key_id, project_id = state.new_id("K"), state.new_id("P")
    own = {
        "id": "sandbox",
        "projectId": project_id,
        "managementKeyId": key_id,
        # Real ones have more than 200 characters; anything that looks for keys should find it.
        "managementKey": key_id + state.new_secret(212),
        "secondsAhead": 0,
    }
    state.add(SANDBOX, own)
    project = {"id": project_id, "name": name, "tag": "", "environment": "", "tags": []}
    state.add(PROJECTS, project)
    return state

"""What the sandbox knows: records by id, a clock, ids, and the audit trail.

Records are plain dicts in the form of the wire. What follows from other records (a tenant's name
in a membership, a user's permissions) is not stored but worked out when a record is shown.
"""

from __future__ import annotations

import string
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from descope_mcp.sandbox.fields import Record

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes the present call, as the audit trail names them."""

    actor: str = ""
    address: str = ""
    external_rid: str = ""


@dataclass(slots=True)
class Credentials:
    """What a user signs in with; never part of an answer, except as yes or no."""

    password: str = ""
    password_expired: bool = False
    totp: bool = False
    passkeys: list[Record] = field(default_factory=list)
    devices: list[Record] = field(default_factory=list)


@dataclass(slots=True)
class State:
    """One project. Handlers run to their end one after the other, so there is no lock."""

    random: Random
    project: Record
    management_key_id: str
    management_key: str
    clock: Callable[[], float] = time.time
    caller: Caller = Caller()
    users: dict[str, Record] = field(default_factory=dict)
    credentials: dict[str, Credentials] = field(default_factory=dict)
    user_attributes: dict[str, Record] = field(default_factory=dict)
    tenants: dict[str, Record] = field(default_factory=dict)
    tenant_settings: dict[str, Record] = field(default_factory=dict)
    password_settings: dict[str, Record] = field(default_factory=dict)
    roles: dict[str, Record] = field(default_factory=dict)
    permissions: dict[str, Record] = field(default_factory=dict)
    access_keys: dict[str, Record] = field(default_factory=dict)
    access_key_secrets: dict[str, str] = field(default_factory=dict)
    audits: list[Record] = field(default_factory=list)

    def now(self) -> int:
        """The time in epoch seconds."""
        return int(self.clock())

    def now_ms(self) -> int:
        """The time in epoch milliseconds."""
        return int(self.clock() * 1000)

    def new_id(self, letter: str) -> str:
        """A new id: the letter of its kind and 27 characters like a KSUID's."""
        return f"{letter}3{token(self.random, 26)}"

    def new_secret(self, length: int) -> str:
        """A new secret of `length` letters and digits."""
        return token(self.random, length)

    @contextmanager
    def calling(self, caller: Caller) -> Iterator[None]:
        """Within this context changes are recorded as made by `caller`."""
        before, self.caller = self.caller, caller
        try:
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
    ) -> None:
        """Write one change to the audit trail, with its actor and the caller's ``x-external-rid``.

        A `user` it is about brings their login ids and tenants with them, unless `tenants`
        says otherwise.
        """
        rid = self.caller.external_rid
        own = [m["tenantId"] for m in user["userTenants"]] if user else []
        self.audits.append(
            {
                "ID": self.new_id("A"),
                "projectId": self.project["id"],
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
        )


def token(random: Random, length: int) -> str:
    """`length` letters and digits."""
    return "".join(random.choices(_ALPHABET, k=length))


def empty(name: str, *, seed: int = 0, clock: Callable[[], float] = time.time) -> State:
    """A project without anything in it. The same seed gives the same ids and keys."""
    random = Random(seed)
    key_id = f"K3{token(random, 26)}"
    return State(
        random=random,
        project={
            "id": f"P3{token(random, 26)}",
            "name": name,
            "tag": "",
            "environment": "",
            "tags": [],
        },
        management_key_id=key_id,
        # Real ones have more than 200 characters; anything that looks for keys should find it.
        management_key=key_id + token(random, 212),
        clock=clock,
    )

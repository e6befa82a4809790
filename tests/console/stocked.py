"""A store with something of every kind in it, and the addresses of all pages that show it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import NamedTuple

from descope_mcp.guard.question.question_data import Fact
from descope_mcp.guard.question.quoting import quoted
from descope_mcp.store import shadow_log
from descope_mcp.store.consent import approvals, grants
from descope_mcp.store.journal import acts, write_ahead
from descope_mcp.store.journal.entry import Intent
from descope_mcp.store.secrets import sealed
from descope_mcp.store.secrets.handle import Owner, Secret, handle
from descope_mcp.store.shadow_log import Difference
from descope_mcp.store.store import Store
from tests.console.requests import SAID, filed

LOGIN = "ada@acme.example"


class Page(NamedTuple):
    """A page: what it is called here, its address, and the form that leads to it, if one does."""

    name: str
    path: str
    form: dict[str, str] | None = None


@dataclass(frozen=True)
class Names:
    """What others have called things: users, callers, agents, reasons."""

    person: str = LOGIN
    caller: str = "descope:U2bea"
    agent: str = "Claude"
    reason: str = "Ask Ada first."


def stocked(store: Store, names: Names = Names()) -> list[Page]:
    """Fill a store, with `names` wherever others choose them; all pages there are then."""
    person, caller = names.person, names.caller
    said = replace(
        SAID,
        consequence=f"Delete the user {quoted(person)}",
        caller=caller,
        agent=quoted(names.agent),
        lost=quoted(names.reason),
        warnings=(f"{quoted(person)} is an administrator.",),
        patterns=(Fact("loginId", person),),
    )
    asked = filed(store, said)
    denied = filed(store, said)
    approvals.answer(store, denied.number, approved=False, reason=names.reason, by=caller)
    grants.create(
        store,
        project="P2abc",
        operation="DeleteUser",
        arguments={"loginId": person},
        items=5,
        seconds=86400.0,
        caller=caller,
    )
    steps = [{"operation": "CreateUser", "arguments": {"loginId": person}}]
    intent = Intent(
        call="0b9c5a5e-6d8b-4f8e-9a39-1f1f5f0c0a01",
        project="P2abc",
        caller=caller,
        operation="DeleteUser",
        effect="destructive",
        rule="destructive",
        consent=f"approval {asked.number}",
        target=quoted(person),
        details={
            "arguments": {"loginId": person, "customAttributes": {person: person}},
            "before": [{"name": person, "loginIds": [person], "roleNames": ["Support"]}],
        },
    )
    write_ahead.intend(store, intent)
    write_ahead.settle(
        store, intent, "done", names.reason, {"steps": steps, "missing": [quoted(names.reason)]}
    )
    acts.record(store, "declined", by=caller, way="form", operation="DeleteTenant")
    owner = Owner("P2abc", caller)
    kept = [handle(store.key, owner, "", value) for value in ("one", "two")]
    for name, value in zip(kept, ("one", "two"), strict=True):
        secret = Secret("CreateAccessKey", "cleartext", "access_key", value, lasting=True)
        sealed.keep(store, owner, {name: secret})
    difference = Difference(
        time.time(), intent.call, "P2abc", caller, "DeleteUser", "destructive", ("loginId",),
        "confirm", "destructive", "deny", "strict.toml:3", "strict.toml",
    )  # fmt: skip
    shadow_log.append(store.directory, difference)
    one, two = (name.removeprefix("[sealed:").removesuffix("]") for name in kept[:2])
    call = f"journal/{intent.call}"
    explained = {"operation": "DeleteUser", "arguments": f'{{"loginId": {json.dumps(person)}}}'}
    return [
        Page("requests", ""),
        Page("request", f"requests/{asked.number}"),
        Page("declined", f"requests/{denied.number}"),
        Page("grants", "grants"),
        Page("grant", "grants/1"),
        Page("grant-new", f"requests/{asked.number}/grant"),
        Page("journal", "journal"),
        Page("search", "journal", {"target": person[:5], "caller": caller}),
        Page("entry", call),
        Page("chain", "journal/chain"),
        Page("secrets", "secrets"),
        Page("secret", f"secrets/{one}"),
        Page("revealed", f"secrets/{two}/reveal", {}),
        Page("policy", "policy"),
        Page("shadow", "policy/shadow"),
        Page("explain", "policy/explain", {**explained, "caller": caller, "who": ""}),
        Page("nothing", "nothing"),
    ]

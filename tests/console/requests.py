"""Requests to answer, with everything in them that a person can be told."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from descope_mcp.guard.question.question_data import (
    Difference,
    Disclosure,
    Fact,
    Group,
    Member,
    Project,
    Rights,
    to_json,
)
from descope_mcp.store.consent import approvals
from descope_mcp.store.consent.request import Request
from descope_mcp.store.store import Store

ADA = Member('"ada@acme.example"', "", ("administrator",))
SAID = Disclosure(
    "DeleteUser",
    "Delete a user",
    'Delete the user "ada@acme.example"',
    Project("P2abc", '"Acme"', production=True),
    "descope:U2bea",
    "destructive",
    undo="no",
    danger="Very dangerous",
    because=("hits an administrator",),
    warnings=('"ada@acme.example" is an administrator.',),
    rights=(Rights('"ada@acme.example"', ('"user.write"',), ('"user.read"',)),),
    leads_to=('"evil.example" (new here)',),
    hits=(Group("users", (ADA, *(Member(f'"user{n}@acme.example"') for n in range(20))), 3),),
    changes=(Difference("name", '"Ada" becomes "Eve"', (ADA,)),),
    documents=(Difference('"roles.json"', "60 values different", lines=("role 1: gains x",) * 60),),
    given=(Fact("login id", '"ada@acme.example"'),),
    counts=(Fact("sessions", "12"),),
    lost="the user's passkeys",
    softer="UpdateUserStatus: it can be taken back",
    agent="Claude",
)


def filed(store: Store, said: Disclosure = SAID, **changes: Any) -> Request:
    """A new request."""
    said = replace(said, **changes)
    request = approvals.file(
        store,
        project="P2abc",
        caller=said.caller,
        operation=said.operation,
        binding=secrets.token_hex(32),
        question=to_json(said),
        typed=said.typed,
    )
    assert request
    return request


def status(store: Store, request: Request) -> str:
    """What has become of it."""
    found = approvals.request(store, request.number)
    assert found
    return found.status

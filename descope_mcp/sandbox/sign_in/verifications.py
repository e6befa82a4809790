"""Proofs that are under way: a code or a link was sent, and whoever has it may complete it.

A verification remembers what completing it does: sign the user in, with which options, and
perhaps give them a new address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from descope_mcp.sandbox.engine.errors import (
    EXPIRED_CODE,
    EXPIRED_LINK,
    TOO_MANY_ATTEMPTS,
    UNKNOWN_LINK,
    USER_EXISTS,
    WRONG_CODE,
    DescopeError,
)
from descope_mcp.sandbox.engine.fields import Record, distinct, fill
from descope_mcp.sandbox.engine.registry import Answer, Arguments, Reply, failed
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, register
from descope_mcp.sandbox.sign_in.shared import OPTIONS, enter, known_user, named_self
from descope_mcp.sandbox.users.handlers import phone_number
from descope_mcp.sandbox.users.tables import USERS

VERIFICATIONS = register(
    Table(
        "verifications",
        "V",
        passing=True,
        secrets=("secret",),
        references=(Reference("userId", "users", by="userId", on_delete="cascade"),),
        template={
            "method": "",
            "channel": "",
            "userId": "",
            "to": "",
            "secret": "",
            "attempts": 0,
            "expires": 0,
            "verified": False,
            "options": {**OPTIONS, "session": ""},
            "change": {},
        },
    )
)

ATTEMPTS = 3
SECONDS = 10 * 60

#: How a channel is named among the methods of a session.
_AMR = {"im": "whatsapp", "voice": "sms", "": "link"}


def start(
    state: State,
    user: Mapping[str, Any],
    method: str,
    channel: str,
    *,
    to: str = "",
    options: Mapping[str, Any] | None = None,
    change: Mapping[str, Any] | None = None,
    seconds: int = SECONDS,
) -> Record:
    """A new proof of `user`. An earlier one of the same method and channel is void.

    What a test user was to prove it by stays: tests ask for the code or link first, and start the
    sign-in that it is for then.
    """
    kept = ""
    for old in state.all(VERIFICATIONS, userId=user["userId"]):
        if (old["method"], old["channel"]) == (method, channel):
            if user["test"] and old["expires"] > state.now():
                kept = old["secret"]
            state.delete(VERIFICATIONS, old["id"])
    code = "".join(state.secrets.choices("0123456789", k=6))
    return state.add(
        VERIFICATIONS,
        {
            "method": method,
            "channel": channel,
            "userId": user["userId"],
            "to": to,
            "secret": kept or (code if method == "otp" else state.new_secret(64)),
            "expires": state.now() + seconds,
            "options": {**OPTIONS, "session": "", **(options or {})},
            "change": dict(change or {}),
        },
    )


def check_code(state: State, login_id: str, channel: str, code: str) -> Answer:
    """Complete a proof by the code that was sent.

    A wrong code counts even though it is refused, so the refusal is an answer, not an exception.
    """
    user = known_user(state, login_id)
    proofs = state.all(VERIFICATIONS, userId=user["userId"])
    proof = next((p for p in proofs if (p["method"], p["channel"]) == ("otp", channel)), None)
    if proof is None:
        raise DescopeError(WRONG_CODE)
    if proof["attempts"] >= ATTEMPTS:
        raise DescopeError(TOO_MANY_ATTEMPTS)
    if proof["expires"] <= state.now():
        raise DescopeError(EXPIRED_CODE)
    if proof["secret"] != code:
        proof = state.change(VERIFICATIONS, proof, {"attempts": proof["attempts"] + 1})
        state.record("LoginFailed", user=user)
        return failed(TOO_MANY_ATTEMPTS if proof["attempts"] >= ATTEMPTS else WRONG_CODE)
    return complete(state, proof)


def of_token(state: State, methods: Sequence[str], token: str) -> Record:
    """The proof whose link has this token.

    Raises:
        DescopeError: there is none, or it has expired.
    """
    proof = state.find(VERIFICATIONS, secret=token)
    if proof is None or proof["method"] not in methods:
        raise DescopeError(UNKNOWN_LINK)
    if proof["expires"] <= state.now():
        raise DescopeError(EXPIRED_LINK)
    return proof


def complete(state: State, proof: Record) -> Reply:
    """Use a proof up: the address counts as verified, a change is made, the user is in."""
    user = state.get(USERS, proof["userId"])
    state.delete(VERIFICATIONS, proof["id"])
    changes = dict(proof["change"])
    login_id = changes.pop("loginId", "")
    if login_id:
        changes["loginIds"] = distinct([*user["loginIds"], login_id])
    after = {**user, **changes}
    for field, flag in (("email", "verifiedEmail"), ("phone", "verifiedPhone")):
        if proof["to"] and after[field] == proof["to"]:
            changes[flag] = True
    user = state.change(USERS, user, changes)
    if proof["change"]:
        state.record("UserModified", user=user)
    amr = _AMR.get(proof["channel"], str(proof["channel"]))
    return enter(state, user, amr, proof["options"])


_UPDATE: Record = {"email": "", "phone": "", "addToLoginIDs": False, "failOnConflict": False}


def new_address(state: State, arguments: Arguments, field: str) -> tuple[Record, str, Record]:
    """The signed-in user, the new address, and what becomes of the user once it is verified.

    Raises:
        DescopeError: the login id is another user's, or the address is and that should fail.
    """
    user = named_self(state, arguments["loginId"])
    given = fill(_UPDATE, arguments)
    to = given[field] if field == "email" else phone_number(given[field])
    other = state.find(USERS, **{"loginIds[]": to})
    if other not in (None, user) and (given["addToLoginIDs"] or given["failOnConflict"]):
        raise DescopeError(USER_EXISTS, f"User already exists: {to}")
    change = {field: to, **({"loginId": to} if given["addToLoginIDs"] else {})}
    return user, to, change

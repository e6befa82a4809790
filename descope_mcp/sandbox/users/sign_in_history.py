"""When and from where users signed in, as the audit trail has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from descope_mcp.sandbox.engine.fields import Record, strings
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import AUDITS, State
from descope_mcp.sandbox.sessions import sessions


@handles("MeAuthHistory")
def my_history(state: State, arguments: Arguments) -> Answer:
    """The sign-ins of the user whose session it is, as a bare list."""
    return _sign_ins(state, [sessions.current_user(state)["userId"]])


@handles("UsersAuthHistory")
def users_history(state: State, arguments: Arguments) -> Answer:
    """A bare list, as is the request."""
    return _sign_ins(state, strings(arguments, "body"))


@handles("UsersAuthHistoryV2", required=["userIds[]"])
def users_history_v2(state: State, arguments: Arguments) -> Answer:
    """As `users_history`, but wrapped."""
    return {"usersAuthHistory": _sign_ins(state, strings(arguments, "userIds"))}


def _sign_ins(state: State, user_ids: Iterable[str]) -> list[Record]:
    """The sign-ins of these users, the latest first."""
    wanted = set(user_ids)
    found = (e for e in state.all(AUDITS, action="LoginSucceed") if e["userId"] in wanted)
    return [_shown(event) for event in found][::-1]


def _shown(event: Mapping[str, Any]) -> Record:
    return {
        "userId": event["userId"],
        "loginTime": int(event["occurred"]) // 1000,
        "city": "",
        "country": event["geo"],
        "ip": event["remoteAddress"],
        "selectedTenant": event["data"].get("selectedTenant", ""),
    }

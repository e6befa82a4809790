"""Codes by which an application collects the session of a user who signed in elsewhere.

Nobody can sign in at a foreign provider from within the sandbox. The outbox gets the address that
the provider would send the browser back to; its code can be exchanged as if that had happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from descope_mcp.sandbox.engine.errors import NO_SUCH_LOGIN, WRONG_EXCHANGE_CODE, DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.registry import Reply
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, register
from descope_mcp.sandbox.sign_in import shared as sign_in
from descope_mcp.sandbox.users.tables import USERS

EXCHANGE_CODES = register(
    Table(
        "exchange_codes",
        key="code",
        passing=True,
        secrets=("code",),
        references=(Reference("tenantId", "tenants", on_delete="cascade"),),
        template={
            "method": "",
            "provider": "",
            "loginId": "",
            "tenantId": "",
            "userId": "",
            "newUsers": True,
            "marks": {},
            "options": {**sign_in.OPTIONS, "session": ""},
            "expires": 0,
        },
    )
)

SECONDS = 3 * 60


def issue(state: State, method: str, **fields: Any) -> Record:
    """A code that stands for a sign-in at a provider."""
    code = state.new_secret(40)
    return state.add(
        EXCHANGE_CODES,
        {"code": code, "method": method, "expires": state.now() + SECONDS, **fields},
    )


def send_back(state: State, record: Mapping[str, Any], redirect: str) -> None:
    """Put the address that the provider would send the browser to into the outbox."""
    page = redirect or f"{state.caller.url}/callback"
    url = f"{page}{'&' if '?' in page else '?'}{urlencode({'code': record['code']})}"
    data = {"link": url, "code": record["code"]}
    state.send("browser", record["loginId"], record["method"], data)


def redeem(state: State, code: str, method: str) -> Reply:
    """The tokens of the user who signed in at the provider; a code works once.

    Raises:
        DescopeError: the code is wrong, or the user is new where that is not wanted.
    """
    record = state.find(EXCHANGE_CODES, code=code)
    if record is None or record["method"] != method or record["expires"] <= state.now():
        raise DescopeError(WRONG_EXCHANGE_CODE)
    state.delete(EXCHANGE_CODES, code)
    user = _user(state, record)
    changes = {
        name: {**user[name], **value} if isinstance(value, dict) else value
        for name, value in record["marks"].items()
    }
    joined = [item["tenantId"] for item in user["userTenants"]]
    if record["tenantId"] and record["tenantId"] not in joined:
        item = {"tenantId": record["tenantId"], "roleNames": []}
        changes["userTenants"] = [*user["userTenants"], item]
    user = state.change(USERS, user, changes)
    return sign_in.enter(state, user, method, record["options"])


def _user(state: State, record: Mapping[str, Any]) -> Record:
    if record["userId"]:
        return state.get(USERS, record["userId"])
    known = state.find(USERS, **{"loginIds[]": record["loginId"]})
    if known is None and not record["newUsers"]:
        raise DescopeError(NO_SUCH_LOGIN, f"User not found: {record['loginId']}")
    return known or sign_in.sign_up(state, {"loginId": record["loginId"]}, "email")

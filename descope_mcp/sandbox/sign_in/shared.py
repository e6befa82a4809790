"""What all ways of signing in share: whose login id it is, the options, and coming in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from descope_mcp.sandbox.engine.errors import INVALID, NO_SUCH_LOGIN, UNAUTHORIZED, DescopeError
from descope_mcp.sandbox.engine.fields import Record, distinct, fill
from descope_mcp.sandbox.engine.registry import Arguments, Reply
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sessions import answers as session_answers
from descope_mcp.sandbox.sessions import sessions
from descope_mcp.sandbox.sessions.sessions import SESSIONS
from descope_mcp.sandbox.users import handlers as users
from descope_mcp.sandbox.users.tables import USERS

#: The ``loginOptions`` that the sandbox heeds.
OPTIONS: Record = {
    "stepup": False,
    "mfa": False,
    "customClaims": {},
    "revokeOtherSessions": False,
    "tenantId": "",
}

#: What a sign-up says of the user; older clients send ``username`` for the name.
_PROFILE: Record = {
    "name": "",
    "email": "",
    "phone": "",
    "givenName": "",
    "middleName": "",
    "familyName": "",
    "recoveryEmail": "",
    "recoveryPhone": "",
}


def options(state: State, arguments: Arguments, *, of_backend: bool = False) -> Record:
    """The options of a sign-in. Step-up and MFA strengthen the session that the caller has.

    A backend (`of_backend`), which calls with a management key, has none.
    """
    chosen = fill(OPTIONS, fill({"loginOptions": {}}, arguments)["loginOptions"])
    strengthens = (chosen["stepup"] or chosen["mfa"]) and not of_backend
    return {**chosen, "session": sessions.current(state)["id"] if strengthens else ""}


def known_user(state: State, login_id: str) -> Record:
    """The user with this login id, or E062108."""
    user = state.find(USERS, **{"loginIds[]": login_id})
    if user is None:
        raise DescopeError(NO_SUCH_LOGIN, f"User not found: {login_id}")
    return user


def named_self(state: State, login_id: str) -> Record:
    """The signed-in user, who must be the one with this login id or user id."""
    user = sessions.current_user(state)
    if login_id not in (*user["loginIds"], user["userId"]):
        raise DescopeError(UNAUTHORIZED, "The session belongs to another user")
    return user


def sign_up(state: State, arguments: Arguments, channel: str = "") -> Record:
    """A new user with the login id and the profile of a sign-up; E062107 if there is one.

    A login id that is an address becomes the address of the `channel`, if none is given. A test
    user who has never been in is there to sign up.
    """
    given = fill({"user": {}, "loginId": "", "email": "", "phone": ""}, arguments)
    chosen = fill(OPTIONS, fill({"loginOptions": {}}, arguments)["loginOptions"])
    profile = fill(_PROFILE, given["user"])
    profile["name"] = profile["name"] or str(given["user"].get("username") or "")
    given["loginId"] = given["loginId"] or str(given["user"].get("loginId") or "")
    if channel:
        field = "email" if channel == "email" else "phone"
        fitting = given["loginId"] if ("@" in given["loginId"]) == (field == "email") else ""
        profile[field] = given[field] or profile[field] or fitting
        given["loginId"] = given["loginId"] or profile[field]
    tenants = [{"tenantId": chosen["tenantId"]}] if chosen["tenantId"] else []
    known = state.find(USERS, **{"loginIds[]": given["loginId"]})
    if known is not None and known["test"] and known["status"] == "invited":
        return known
    unproven = dict.fromkeys(("verifiedEmail", "verifiedPhone"), False)
    new = {**profile, **unproven, "loginId": given["loginId"], "userTenants": tenants}
    users.create_user(state, new)
    return known_user(state, given["loginId"])


def known_or_new(state: State, arguments: Arguments, channel: str = "") -> Record:
    """The user with the login id, who is signed up if there is none."""
    known = state.find(USERS, **{"loginIds[]": arguments["loginId"]})
    return sign_up(state, arguments, channel) if known is None else known


def enter(state: State, user: Mapping[str, Any], method: str, chosen: Mapping[str, Any]) -> Reply:
    """The tokens of `user`, who has proved themselves by `method`.

    With step-up or MFA the session goes on, with one more method; step-up marks the session token.

    Raises:
        DescopeError: the user may not sign in, or the session to be strengthened is another's.
    """
    first_seen = user["status"] == "invited"
    if chosen["session"]:
        session = state.find(SESSIONS, id=chosen["session"])
        if session is None or session["userId"] != user["userId"]:
            raise DescopeError(UNAUTHORIZED, "The session belongs to another user")
        amr = distinct([*session["amr"], method, *(["mfa"] if chosen["mfa"] else [])])
        claims = session["customClaims"] | chosen["customClaims"]
        session = state.change(SESSIONS, session, {"amr": amr, "customClaims": claims})
    else:
        session = sessions.begin(
            state,
            user,
            [method],
            tenant=chosen["tenantId"],
            claims=chosen["customClaims"],
            refresh_seconds=chosen.get("refreshSeconds", 0),
        )
    if chosen["revokeOtherSessions"]:
        others = [s for s in sessions.of_user(state, user["userId"]) if s["id"] != session["id"]]
        sessions.end(state, others)
    return session_answers.signed_in(state, session, first_seen=first_seen, stepup=chosen["stepup"])


def address(user: Mapping[str, Any], channel: str, arguments: Mapping[str, Any]) -> str:
    """Where a message to the user goes: their own address, or with ``useRecovery`` the other one.

    A login id that is an address serves when there is no other.
    """
    email = channel == "email"
    field = (
        ("recoveryEmail" if email else "recoveryPhone")
        if arguments.get("useRecovery")
        else ("email" if email else "phone")
    )
    login_ids: Sequence[str] = user["loginIds"]
    fitting = (i for i in login_ids if ("@" in i) == email)
    found = user[field] or next(fitting, "")
    if not found:
        raise DescopeError(INVALID, f"The user has no {'email' if email else 'phone'}")
    return str(found)


def masked(channel: str, to: str) -> Record:
    """The address as an answer shows it, under the name that goes with the channel."""
    if channel == "email":
        name, _, domain = to.partition("@")
        return {"maskedEmail": f"{name[:1]}{'*' * max(len(name) - 1, 1)}@{domain}"}
    return {"maskedPhone": f"{'*' * max(len(to) - 4, 0)}{to[-4:]}"}

"""Sessions: what is known of one, and the tokens that stand for it.

A session token (``DS``) is short-lived and can be checked with the project's public key alone. A
refresh token (``DSR``) lives as long as the session and is worth nothing once that has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from descope_mcp.sandbox.engine.errors import LOGGED_OUT, UNAUTHORIZED, USER_DISABLED, DescopeError
from descope_mcp.sandbox.engine.fields import Record, distinct
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Reference, Table, register
from descope_mcp.sandbox.roles import entitlements
from descope_mcp.sandbox.sessions import tokens
from descope_mcp.sandbox.tenants import settings as tenant_settings
from descope_mcp.sandbox.users.tables import USERS

SESSIONS = register(
    Table(
        "sessions",
        "S",
        passing=True,
        references=(Reference("userId", "users", by="userId", on_delete="cascade"),),
        template={
            "userId": "",
            "amr": [],
            "tenant": "",
            "roles": [],
            "customClaims": {},
            "impersonator": "",
            "authTime": 0,
            "expires": 0,
        },
    )
)

ANONYMOUS = "anonymous"

#: The names of the tokens, as the claim ``drn`` and the cookies have them.
SESSION, REFRESH = "DS", "DSR"

_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 7 * 86400}


def begin(
    state: State,
    user: Mapping[str, Any],
    amr: Sequence[str],
    *,
    tenant: str = "",
    claims: Mapping[str, Any] | None = None,
    impersonator: str = "",
    refresh_seconds: int = 0,
) -> Record:
    """A new session of `user`, who has proved themselves by `amr`; the audit trail says so.

    Raises:
        DescopeError: the user is disabled, or does not belong to `tenant`.
    """
    if user["status"] == "disabled":
        raise DescopeError(USER_DISABLED)
    if tenant:
        entitlements.membership(user["userTenants"], tenant)
    if user["status"] == "invited":
        user = state.change(USERS, user, {"status": "enabled"})
    lifetime = refresh_seconds or _lifetime(state, tenant, "refreshTokenExpiration")
    fields = {"amr": list(amr), "tenant": tenant, "customClaims": dict(claims or {})}
    session = state.add(
        SESSIONS,
        {
            "userId": user["userId"],
            **fields,
            "impersonator": impersonator,
            "authTime": state.now(),
            "expires": state.now() + lifetime,
        },
    )
    data = {"amr": list(amr), "selectedTenant": tenant}
    state.record("LoginSucceed", user=user, data=data)
    return session


def begin_anonymous(
    state: State, roles: Iterable[str], tenant: str, claims: Mapping[str, Any], seconds: int
) -> Record:
    """A session of nobody in particular, with the roles that it is given."""
    lifetime = seconds or _lifetime(state, tenant, "refreshTokenExpiration")
    return state.add(
        SESSIONS,
        {
            "amr": [ANONYMOUS],
            "tenant": tenant,
            "roles": distinct(roles),
            "customClaims": dict(claims),
            "authTime": state.now(),
            "expires": state.now() + lifetime,
        },
    )


def end(state: State, sessions: Iterable[Record]) -> None:
    """End sessions: their tokens are refused from now on, with E064001."""
    for session in list(sessions):
        state.delete(SESSIONS, session["id"])


def of_user(state: State, user_id: str) -> list[Record]:
    """The sessions of a user."""
    return state.all(SESSIONS, userId=user_id)


def of_token(state: State, token: str, kind: str) -> Record:
    """The session that a token of this kind (``DS`` or ``DSR``) stands for.

    Raises:
        DescopeError: 401; E064001 if the session has ended or its user is disabled.
    """
    claims = tokens.read(state, token)
    if claims.get("drn") != kind:
        raise DescopeError(UNAUTHORIZED, f"The token is not a {kind} token")
    session = state.find(SESSIONS, id=claims.get("sid", ""))
    if session is None or session["expires"] <= state.now():
        raise DescopeError(LOGGED_OUT)
    if session["userId"] and state.get(USERS, session["userId"])["status"] == "disabled":
        raise DescopeError(LOGGED_OUT)
    return session


def current(state: State) -> Record:
    """The session whose refresh token the caller presents."""
    return of_token(state, state.caller.credential, REFRESH)


def current_user(state: State) -> Record:
    """The user whose refresh token the caller presents; not an anonymous one."""
    session = current(state)
    if not session["userId"]:
        raise DescopeError(UNAUTHORIZED, "The session is anonymous")
    return state.get(USERS, session["userId"])


def refresh_token(state: State, session: Record) -> str:
    """The token that keeps the session going."""
    return tokens.sign(state, _claims(state, session, REFRESH, session["expires"]))


def session_token(state: State, session: Record, *, stepup: bool = False) -> str:
    """A token that proves the session for a while; after step-up it says so."""
    expires = session_until(state, session, stepup=stepup)
    until = datetime.fromtimestamp(session["expires"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    more = {"rexp": until, **({"su": True} if stepup else {})}
    return tokens.sign(state, _claims(state, session, SESSION, expires) | more)


def session_until(state: State, session: Record, *, stepup: bool) -> int:
    """When a session token expires that is made now."""
    name = "stepupTokenExpiration" if stepup else "sessionTokenExpiration"
    return min(int(session["expires"]), state.now() + _lifetime(state, session["tenant"], name))


def access_key_token(
    state: State, key: Mapping[str, Any], tenant: str, claims: Mapping[str, Any]
) -> str:
    """The session token of an access key, whose rights are the key's own or its user's.

    `claims` are those of whoever exchanges the key. They stand apart, as not secured (``nsec``), so
    that nobody takes them for the key's.

    Raises:
        DescopeError: neither belongs to `tenant`.
    """
    holder, memberships, user = key, key["keyTenants"], {}
    if key["boundUserId"]:
        holder = state.get(USERS, key["boundUserId"])
        memberships, user = holder["userTenants"], {"dsub": holder["userId"]}
    if tenant:
        entitlements.membership(memberships, tenant)
    expires = state.now() + _lifetime(state, tenant, "sessionTokenExpiration")
    return tokens.sign(
        state,
        {
            **key["customClaims"],
            **({"nsec": dict(claims)} if claims else {}),
            **_rights(state, holder["roleNames"], memberships, tenant),
            **_header(state, SESSION, key["id"], expires),
            **user,
            "amr": ["access_key"],
        },
    )


def _claims(state: State, session: Record, kind: str, expires: int) -> Record:
    own: Record = {"amr": session["amr"], "sid": session["id"]}
    memberships: list[Record] = []
    roles, subject = session["roles"], f"{ANONYMOUS}-{session['id']}"
    if session["userId"]:
        user = state.get(USERS, session["userId"])
        memberships, roles, subject = user["userTenants"], user["roleNames"], user["userId"]
    if session["impersonator"]:
        own["act"] = {"sub": session["impersonator"]}
    return {
        **session["customClaims"],
        **_rights(state, roles, memberships, session["tenant"]),
        **own,
        **_header(state, kind, subject, expires),
    }


def _header(state: State, kind: str, subject: str, expires: int) -> Record:
    now = state.now()
    return {"drn": kind, "exp": expires, "iat": now, "iss": state.project["id"], "sub": subject}


def _rights(
    state: State, roles: Sequence[str], memberships: Sequence[Record], tenant: str
) -> Record:
    """Roles, permissions and tenants. Who belongs to one tenant only is in it without selecting."""
    if not tenant and len(memberships) == 1:
        tenant = memberships[0]["tenantId"]
    tenants = {
        item["tenantId"]: {
            "roles": item["roleNames"],
            "permissions": entitlements.permissions_of(state, item["roleNames"], item["tenantId"]),
        }
        for item in memberships
    }
    rights = {
        "roles": list(roles),
        "permissions": entitlements.permissions_of(state, roles),
        "tenants": tenants,
        "dct": tenant,
    }
    return {name: value for name, value in rights.items() if value}


def _lifetime(state: State, tenant: str, name: str) -> int:
    """Seconds that a token lives by the settings of the tenant, if it has its own."""
    own = tenant_settings.session_settings(state, tenant) if tenant else {}
    settings = own if own.get("enabled") and own.get(name) else tenant_settings.NEW_SESSION
    return int(settings[name]) * _UNITS[settings[f"{name}Unit"]]

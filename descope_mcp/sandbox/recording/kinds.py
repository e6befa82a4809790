"""Which answers show records that the sandbox can keep and go on working with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from descope_mcp.catalog.json_path import values_at
from descope_mcp.sandbox.engine.errors import DescopeError
from descope_mcp.sandbox.engine.fields import Record, copied, given
from descope_mcp.sandbox.engine.tables import Table
from descope_mcp.sandbox.keys.tables import ACCESS_KEYS
from descope_mcp.sandbox.roles.entitlements import memberships
from descope_mcp.sandbox.roles.tables import PERMISSIONS, ROLES
from descope_mcp.sandbox.seed_files.fresh_secrets import Fresh
from descope_mcp.sandbox.tenants.tables import TENANTS
from descope_mcp.sandbox.users.tables import CREDENTIALS, USERS

#: A secret that an authenticator app takes (RFC 4226, section 4: 160 bits).
_TOTP = Fresh(32, letters="base32")


@dataclass(frozen=True, slots=True)
class Kind:
    """Records of one table.

    Attributes:
        table: where they are kept.
        reads: by operation, where in its answer they are.
        more: records of other tables that follow from one, by table name.
    """

    table: Table
    reads: Mapping[str, str]
    more: Callable[[Mapping[str, Any]], dict[str, list[Record]]] = lambda _: {}


def _credentials(user: Mapping[str, Any]) -> dict[str, list[Record]]:
    """That there are credentials is all that an answer says of them."""
    own: Record = {"userId": user["userId"]}
    if user.get("password"):
        # As for passwords that were hashed elsewhere: nobody can sign in with it.
        own["password"] = "imported"
    if user.get("TOTP"):
        own["totp"] = _TOTP
    if user.get("webauthn"):
        own["passkeys"] = [{"id": "recorded", "rpId": "", "kind": "passkey", "displayName": ""}]
    return {CREDENTIALS.name: [own]}


KINDS = (
    Kind(
        PERMISSIONS,
        {"LoadAllPermissions": "permissions[]"},
    ),
    Kind(ROLES, {"LoadAllRoles": "roles[]", "SearchRoles": "roles[]"}),
    Kind(
        TENANTS,
        {"LoadTenant": "", "LoadAllTenants": "tenants[]", "SearchTenants": "tenants[]"},
    ),
    Kind(
        USERS,
        {
            "LoadUser": "user",
            "LoadUsers": "users[]",
            "SearchUsers": "users[]",
            "SearchUsersV1": "users[]",
        },
        _credentials,
    ),
    Kind(ACCESS_KEYS, {"LoadAccessKey": "key", "SearchAccessKeys": "keys[]"}),
)

#: The operations whose answers become records; others are kept as they were given.
READS = {operation: kind for kind in KINDS for operation in kind.reads}


def records_in(operation: str, answer: Any) -> Iterator[tuple[str, Record]]:
    """The records that an answer of `operation` shows, each with its table's name."""
    kind = READS[operation]
    table = kind.table
    for shown in values_at(answer, kind.reads[operation]):
        if not isinstance(shown, Mapping) or not isinstance(shown.get(table.key), str):
            continue
        yield table.name, _stored(table, shown)
        for name, records in kind.more(shown).items():
            yield from ((name, record) for record in records)


def _stored(table: Table, shown: Mapping[str, Any]) -> Record:
    """A record as it is kept: its own fields, without what follows from other records."""
    record: Record = copied(dict(table.template))
    for name in table.template:
        try:
            record |= given(table.template, {name: shown.get(name)})
        except DescopeError:
            # Of another type than ever seen: the default is closer than nothing.
            continue
    for name in ("userTenants", "keyTenants"):
        if record.get(name):
            with suppress(DescopeError):
                record |= {name: memberships(record.pop(name))}
    return record

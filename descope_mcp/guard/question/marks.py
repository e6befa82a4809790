"""What marks one of those whom a call hits: rights over others, the last of a kind, in use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from descope_mcp.catalog.json_path import values_at
from descope_mcp.guard.preview.standing import Role, Standing, kind_of
from descope_mcp.guard.question.quoting import whole

_OWNER = re.compile(r"\bowner\b", re.I)
_ADMINISTRATOR = re.compile(r"\badmin(?:istrator)?\b|\bsuper ?user\b", re.I)
#: Permissions that Descope itself gives a meaning: who has one administers others.
_ADMINISTERS = {"Impersonate", "User Admin", "SSO Admin"}
OWNER, ADMINISTRATOR = "owner", "administrator"
LAST, ACTIVE = "last of its kind", "active in the last week"
#: From the weightiest on; all others come after them, and then whoever has none.
_ORDER = (OWNER, ADMINISTRATOR, LAST, ACTIVE)


def marks(element: Any, standing: Standing) -> tuple[str, ...]:
    """The marks of an element of a before-state, the weightiest first."""
    return tuple(_marks(element, standing)) if isinstance(element, Mapping) else ()


def weight(found: tuple[str, ...]) -> int:
    """Where somebody with these marks stands among others: the less the earlier."""
    if not found:
        return len(_ORDER) + 1
    return _ORDER.index(found[0]) if found[0] in _ORDER else len(_ORDER)


def sentences(target: Any, standing: Standing) -> Iterator[str]:
    """What there is to say of the one target of a call beside its rights over others."""
    if not isinstance(target, Mapping):
        return
    kind = kind_of(target)
    noun = "key" if kind and kind.memberships == "keyTenants" else "user"
    for role in standing.last.get(_id(target), ()):
        yield f"This is the last {noun} {_of(role)}."
    if ACTIVE in marks(target, standing):
        yield "There was a sign-in within the last week."
    if target.get("status") in _SHUT_OUT:
        yield f"It is {target['status']}."


def _marks(element: Mapping[str, Any], standing: Standing) -> Iterator[str]:
    roles = [*values_at(element, "roleNames[]"), *values_at(element, "userTenants[].roleNames[]")]
    permissions = {
        *values_at(element, "permissions[]"),
        *values_at(element, "userTenants[].permissions[]"),
    }
    if any(_OWNER.search(str(role)) for role in roles):
        yield OWNER
    elif any(_ADMINISTRATOR.search(str(role)) for role in roles) or permissions & _ADMINISTERS:
        yield ADMINISTRATOR
    elif any(values_at(element, "reBac.companyRoles[]")):
        # Of a management key: a role in the company holds for all of its projects.
        yield ADMINISTRATOR
    if standing.last.get(_id(element)):
        yield LAST
    if _id(element) in standing.active:
        yield ACTIVE
    if element.get("status") in _SHUT_OUT:
        yield str(element["status"])


def _id(element: Mapping[str, Any]) -> str:
    kind = kind_of(element)
    return str(element.get(kind.id)) if kind else ""


def _of(role: Role) -> str:
    where = f"in the tenant {whole(role.tenant)}" if role.tenant else ""
    named = f"with the role {whole(role.name)}" if role.name else ""
    return " ".join(filter(None, (named, where)))


_SHUT_OUT = ("disabled", "inactive")

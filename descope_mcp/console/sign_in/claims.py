"""From what a provider says to somebody with roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from descope_mcp.console.sign_in.people import ROLES, Person
from descope_mcp.server.auth.configuration import PEOPLE
from descope_mcp.server.auth.console_provider import ConsoleProvider

_MOST_SHOWN = 80


class NoPerson(Exception):
    """The claims are of nobody."""


def person_of(claims: Mapping[str, Any], settings: ConsoleProvider) -> Person:
    """Who it is, with the roles that the claims bring; perhaps none.

    Raises:
        NoPerson: they name nobody.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise NoPerson
    email = claims.get("email")
    # An address that nobody has verified may be anybody's.
    known = isinstance(email, str) and email and claims.get("email_verified") is True
    emails = (str(email),) if known else ()
    names = [claims.get("name"), *emails, subject]
    shown = next(one for one in names if isinstance(one, str) and one.strip())
    given = _values(_at(claims, settings.claim))
    roles = tuple(role for role in ROLES if given & {*settings.roles[role]})
    # No caller and no account is called so.
    name = f"{PEOPLE}:{quote(subject, safe='@+=~')}"
    return Person(name, " ".join(shown.split())[:_MOST_SHOWN], roles, subject, emails)


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """What is at a path; a claim may have dots in its own name."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _values(value: Any) -> set[str]:
    """The values of a claim: one, several, or a text with blanks between them."""
    if isinstance(value, str):
        return {value, *value.split()}
    return {one for one in value if isinstance(one, str)} if isinstance(value, list) else set()

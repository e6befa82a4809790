"""Whom a token stands for: a name that is nobody else's, and claims that nobody has made up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descope_mcp.guard.caller import Caller
from descope_mcp.server.auth import principal
from descope_mcp.server.auth.access_token import Verified
from descope_mcp.server.auth.issuer import Issuer


def _caller(said: dict[str, Any], name: str = "acme", **more: Any) -> Caller:
    return principal.caller(
        Verified(Issuer(name, "https://a.example", **more), {"sub": "U1", **said})
    )


@pytest.mark.parametrize(
    ("said", "claim", "values"),
    [
        ({}, "subject", ("U1",)),
        ({}, "issuer", ("acme",)),
        ({}, "roles", None),
        ({"roles": []}, "roles", ()),
        ({"roles": ["a", "b"]}, "roles", ("a", "b")),
        ({"roles": "a"}, "roles", ("a",)),
        ({"roles": {"a": 1}}, "roles", None),
        ({"roles": ["a", {"b": 1}]}, "roles", None),
        ({"roles": ["a"] * 501}, "roles", None),
        ({"email": "a@b.example"}, "email", None),
        ({"email": "a@b.example", "email_verified": False}, "email", None),
        ({"email": "a@b.example", "email_verified": "true"}, "email", None),
        ({"email": "a@b.example", "email_verified": True}, "email", ("a@b.example",)),
        ({"tenants": {"t1": {}, "t2": {}}}, "tenant", ("t1", "t2")),
        ({"tenants": {"t1": {}, "t2": {}}, "dct": "t2"}, "tenant", ("t2",)),
        ({"tenants": {}}, "tenant", ()),
        ({"tenants": "t1"}, "tenant", ()),
        ({}, "tenant", None),
        ({"tenants": {"t1": {"roles": ["x"]}}}, "tenant_roles", ("x",)),
        ({"tenants": {"t1": {"roles": ["x"]}, "t2": {}}}, "tenant_roles", None),
        ({"tenants": {"t1": {"roles": ["x"]}, "t2": {}}, "dct": "t1"}, "tenant_roles", ("x",)),
        ({"tenants": {"t1": {"roles": ["x"]}}, "roles": ["y"]}, "roles", ("y",)),
        ({"azp": "c1"}, "client", ("c1",)),
        ({"azp": "c1", "client_id": "c2"}, "client", ("c2",)),
        ({"client_id": 5}, "client", None),
        ({"scope": "a b"}, "scopes", ("a", "b")),
        ({"scope": ["a", 5]}, "scopes", ("a",)),
        ({"scp": "a"}, "scopes", ("a",)),
        ({}, "scopes", ()),
        ({"scope": "descope:write"}, "scopes", ("descope:read", "descope:write")),
    ],
)  # fmt: skip
def test_what_is_known_of_a_caller(
    said: dict[str, Any], claim: str, values: tuple[str, ...] | None
) -> None:
    assert _caller(said).known(claim) == values


def test_claims_of_an_issuer_of_another_kind() -> None:
    paths = {"roles": "realm_access.roles", "team": "https://acme.example/team", "email": "mail"}
    said = {
        "realm_access": {"roles": ["x"]},
        "roles": ["mine"],
        "https://acme.example/team": "red",
        "email": "a@b.example",
        "email_verified": True,
    }
    caller = _caller(said, claims=paths)
    assert caller.known("roles") == ("x",)
    assert caller.known("team") == ("red",)
    assert caller.known("email") is None


@given(st.lists(st.tuples(st.sampled_from(["a", "a-b"]), st.text(min_size=1)), unique=True))
def test_no_two_are_called_the_same(pairs: list[tuple[str, str]]) -> None:
    names = {_caller({"sub": sub}, name).name for name, sub in pairs}
    assert len(names) == len(pairs)
    assert not names & {"stdio", "terminal", "local"}
    assert all(":" in name and name.isascii() and name.isprintable() for name in names)

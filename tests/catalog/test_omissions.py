"""A search says what it leaves out, where that could be why it found nothing."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.wording import omissions

SOME: dict[str, Any] = {"users": [{"userId": "U1"}], "total": 1}
NONE: dict[str, Any] = {"users": [], "total": 0}


@pytest.mark.parametrize(
    ("arguments", "data", "said"),
    [
        ({}, SOME, ()),
        ({}, NONE, ("test users",)),
        ({"withTestUser": True}, NONE, ()),
        ({"withTestUser": False}, NONE, ("test users",)),
        # Holders in tenants are missing among those that were found as well.
        ({"roleNames": ["Owner"], "withTestUser": True}, SOME, ("roleNames finds",)),
        ({"roleNames": ["Owner"]}, NONE, ("test users", "roleNames finds")),
        ({"roleNames": []}, SOME, ()),
        (
            {"tenantRoleNames": {"t": {"values": ["A"]}}, "testUsersOnly": True},
            NONE,
            ("roles that",),
        ),
    ],
)
def test_what_a_search_of_users_leaves_out(
    catalog: Catalog, arguments: dict[str, Any], data: dict[str, Any], said: tuple[str, ...]
) -> None:
    told = omissions.told(catalog["SearchUsers"], arguments, data)
    assert len(told) == len(said)
    assert all(line.startswith(start) for line, start in zip(told, said, strict=True))


def test_what_is_told_nowhere_is_said_with_what_was_found(catalog: Catalog) -> None:
    keys = {"keys": [{"id": "K1"}]}
    (told,) = omissions.told(catalog["SearchAccessKeys"], {}, keys)
    assert told.startswith("when a key was last used is told nowhere")
    assert omissions.told(catalog["LoadAccessKey"], {"id": "K1"}, {"key": {"id": "K1"}}) == (told,)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"actions": ["Login"]}, "are not checked"), ({"actorIds": ["K1"]}, "is no event")],
)
def test_an_empty_audit_says_what_it_does_not_mean(
    catalog: Catalog, arguments: dict[str, Any], said: str
) -> None:
    none = {"audits": [], "total": 0}
    assert said in " ".join(omissions.told(catalog["SearchAudit"], arguments, none))
    some = {"audits": [{"ID": "1"}], "total": 1}
    assert omissions.told(catalog["SearchAudit"], arguments, some) == ()


def test_names_in_what_is_left_out_exist(catalog: Catalog) -> None:
    """A hint names an argument of the operation, or an operation or report."""
    for operation in catalog.values():
        for one in operation.leaves_out:
            names = {w.strip("(),;:.") for w in one.say.split() if w[1:] != w[1:].lower()}
            known = {*catalog, *catalog.reports, *operation.input_schema["properties"], "API"}
            assert names <= known, (operation.name, names - known)
            assert operation.rows or one.always

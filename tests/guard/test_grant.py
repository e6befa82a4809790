"""What a grant may be for, before a person is asked for it."""

from __future__ import annotations

import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard import grant
from descope_mcp.guard.grant import NotGranted


@pytest.mark.parametrize(
    ("operation", "patterns", "missing"),
    [
        ("DeleteTenant", {}, "has id"),
        ("DeleteTenant", {"cascade": "true"}, "has id"),
        ("DeleteUser", {}, "has one of loginId, userId"),
        ("UpdateUserStatus", {"loginId": "*@acme.example"}, "has status"),
    ],
)
def test_one_that_would_fit_no_call_is_not_given(
    catalog: Catalog, operation: str, patterns: dict[str, str], missing: str
) -> None:
    """It covers calls with exactly its arguments, so that nothing would ever use it."""
    with pytest.raises(NotGranted, match=missing):
        grant.wanted(catalog, operation, patterns, 1, 60.0)


@pytest.mark.parametrize(
    ("operation", "patterns"),
    [
        ("DeleteTenant", {"id": "globex", "cascade": "true"}),
        ("DeleteUser", {"userId": "U*"}),
        ("CreateUsers", {"users[].loginId": "*@acme.example"}),
    ],
)
def test_what_a_call_may_leave_out_may_be_left_out(
    catalog: Catalog, operation: str, patterns: dict[str, str]
) -> None:
    assert grant.wanted(catalog, operation, patterns, 1, 60.0).patterns == patterns


def test_one_for_what_has_a_name_typed_is_not_given(catalog: Catalog) -> None:
    """No grant is looked for there, so that it would promise what it does not keep."""
    with pytest.raises(NotGranted, match="DeleteProject affects the whole project"):
        grant.wanted(catalog, "DeleteProject", {}, 1, 60.0)

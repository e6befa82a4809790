"""Somebody says yes since nothing becomes different, and nobody has looked at what does."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.call.invoke import invoke
from descope_mcp.call.outcome import Call, Completed, NeedsConfirmation
from descope_mcp.call.services import Services
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.preview.comparison.coverage import is_covered

pytestmark = pytest.mark.anyio

ADA = "ada.okafor@acme.example"
GRACE = "grace.kim@globex.example"
PASSKEY = {"credentialId": "AQEBAQ", "rpId": "acme.example", "publicKey": "exported-public-key"}


async def asked(services: Services, operation: str, **given: Any) -> str:
    outcome = await invoke(Call(operation, given, "agent"), services)
    assert isinstance(outcome, NeedsConfirmation), outcome
    return outcome.question.text.casefold()


async def test_a_way_in_that_no_read_shows_is_something_different(acme: Services) -> None:
    text = await asked(acme, "ImportUserPasskeys", loginId=ADA, devices=[{"descope": PASSKEY}])
    assert "nothing becomes different" not in text


async def test_whoever_is_new_beside_one_who_stays_is_something_different(acme: Services) -> None:
    """An element that a creation creates is compared with nothing."""
    template = {"name": "tier", "type": 1}
    held = [template]
    operation = acme.catalog["CreateUserCustomAttribute"]
    both = {"attributes": [template, {"name": "other", "type": 1}]}
    assert not is_covered(operation, both, held)
    assert is_covered(operation, {"attributes": held}, held)


async def test_what_is_the_same_is_still_said_to_be(acme: Services) -> None:
    """All of it was compared, but for which one is meant."""
    roles = {"loginId": ADA, "roleNames": ["Owner"]}
    assert is_covered(acme.catalog["PatchUser"], roles, {"roleNames": ["Owner"]})


@pytest.mark.parametrize("option", ["addToLoginIDs", "onMergeUseExisting"])
def test_a_new_way_in_by_the_present_address_is_something_different(
    catalog: Catalog, option: str
) -> None:
    given = {"loginId": ADA, "email": ADA, option: True}
    operation = catalog["UpdateUserEmailOtp"]
    assert not is_covered(operation, given, {"email": ADA})
    assert is_covered(operation, {"email": ADA}, {"email": ADA})


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("PatchUser", {"loginId": GRACE}),
        ("PatchUserBatch", {"users": [{"loginId": GRACE}]}),
    ],
)
async def test_a_membership_without_its_roles_takes_them(
    acme: Services, operation: str, given: dict[str, Any]
) -> None:
    """A list replaces the list that is there, so an element says all that is left of it."""
    of = given["users"][0] if "users" in given else given
    of["userTenants"] = [{"tenantId": "globex"}]
    text = await asked(acme, operation, **given)
    assert 'role names loses "editor"' in text
    assert "nothing becomes different" not in text


async def test_a_key_in_its_tenant_without_its_roles_loses_them(acme: Services) -> None:
    found = await invoke(Call("SearchAccessKeys", {}, "agent"), acme)
    assert isinstance(found, Completed), found
    key = next(one for one in found.data["keys"] if one["name"] == "globex-scim")
    given = {"id": key["id"], "name": key["name"], "keyTenants": [{"tenantId": "globex"}]}
    assert 'role names loses "tenant' in await asked(acme, "UpdateAccessKey", **given)

"""What is said of an operation before it is called holds for its calls: class, left-out fields."""

from __future__ import annotations

import pytest

from descope_mcp.catalog.arguments.validation import check
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation_record.effect import worse
from descope_mcp.catalog.wording.call_class import call_class
from descope_mcp.catalog.wording.omitted_fields import existing, left_out
from descope_mcp.guard.policy.risk import assess
from tests.guard.policy.cases import HOSTS, cases


def test_a_call_is_never_of_a_class_that_was_not_told(catalog: Catalog) -> None:
    raised = 0
    for case in cases():
        operation = catalog[case.operation]
        risk = assess(operation, check(operation, case.arguments), HOSTS)
        effect = worse(operation.effect, risk.effect)
        said, told = call_class(operation), case.arguments
        assert said.split("; ")[0] == operation.effect
        if effect != operation.effect:
            raised += 1
            named = said.partition(f"; {effect} with")[2]
            assert named, case
            inner = {name for v in told.values() if isinstance(v, list) for name in _names(v)}
            out = [n for n in ({*told} | inner) if n in named]
            assert out or "out " in named, case
    assert raised > 50


def _names(elements: list[object]) -> set[str]:
    return {name for one in elements if isinstance(one, dict) for name in one}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("DeleteUser", "destructive"),
        ("LoadUser", "read"),
        ("UpdateUserPicture", "write; destructive without picture"),
        ("GetUserProviderToken", "read; write with forceRefresh: true"),
        ("UpdateUserEmail", "write; destructive without email or email without failOnConflict"),
        (
            "UpdateAccessKey",
            "write; destructive with roleNames, keyTenants, permittedIps or empty name, "
            "description, customAttributes, permittedIps",
        ),
    ],
)
def test_the_class_names_the_arguments_that_raise_it(
    catalog: Catalog, name: str, said: str
) -> None:
    assert call_class(catalog[name]) == said


def test_what_the_query_is_about_is_named_first(catalog: Catalog) -> None:
    said = call_class(catalog["PatchUser"], 2, lambda text: "status" in text)
    assert said.startswith("write; destructive with status: disabled or ")
    assert said.endswith(" or +17")


def test_every_update_says_what_becomes_of_what_is_left_out(catalog: Catalog) -> None:
    silent = {o.name for o in catalog.values() if o.update and not left_out(o)}
    for name in silent:
        schema = catalog[name].input_schema
        assert {*schema["properties"]} == {*schema["required"]}, name
    assert left_out(catalog["PatchUser"]) == "What is left out stays as it is."
    assert "replace: true clears it" in left_out(catalog["UpdateTenant"])
    assert "settings.clientSecret" in left_out(catalog["ConfigureSSOOIDCSettings"])
    assert left_out(catalog["UpdateUserPhone"]).startswith("Without phone it is removed.")
    assert not left_out(catalog["DeleteUser"])


def test_a_creation_says_what_becomes_of_a_name_that_is_taken(catalog: Catalog) -> None:
    assert existing(catalog["CreateTenant"]).endswith("refused.")
    assert "replaced" in existing(catalog["ImportTheme"])
    assert not existing(catalog["LoadTenant"])

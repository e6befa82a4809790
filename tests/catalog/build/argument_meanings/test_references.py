"""Which arguments name which objects, and what is refused where that does not fit the contract."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from descope_mcp.catalog.build.argument_meanings.references import References
from descope_mcp.catalog.build.openapi import Contract
from descope_mcp.catalog.build.yaml_source import read_toolset
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation_record.record import Record
from tests.recorder import SPECS, load_contract


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


@pytest.fixture(scope="module")
def records() -> dict[str, Record]:
    files = (SPECS / "operations").glob("*.yaml")
    return {name: r for path in files for name, r in read_toolset(path).operations.items()}


#: What is put in the place of what in ``references.yaml``, and what must be said of it.
CASES = [
    ("Tenant.id\n  tenantIds", "Tenant.key\n  tenantIds", "SearchTenants has no tenants[].key"),
    ("Tenant.id\n  tenantIds", "Tennant.id\n  tenantIds", "there is no kind Tennant"),
    ("    at: tenants[]", "    at: tenant", "SearchTenants has no tenant.id"),
    ("listed_by: SearchTenants", "listed_by: FindTenants", "there is no operation FindTenants"),
    ("[GetList, GetListByName,", "[GetLst, GetListByName,", "there is no operation GetLst"),
    ("  backupId: Backup.id", "  backupIdd: Backup.id", "there is no argument backupIdd"),
    ("  backupId: Backup.id\n", "", "GetFGABackup: backupId looks like a reference"),
    ("  styleId: a style;", "  stileId: a style;", "styleId looks like a reference"),
]


@pytest.mark.parametrize(("old", "new", "says"), CASES)
def test_what_is_referred_to_exists_and_nothing_is_left_out(
    tmp_path: Path,
    catalog: Catalog,
    contract: Contract,
    records: dict[str, Record],
    old: str,
    new: str,
    says: str,
) -> None:
    text = (SPECS / "references.yaml").read_text()
    assert text.count(old) == 1
    path = tmp_path / "references.yaml"
    path.write_text(text.replace(old, new))
    references = References(path, contract)
    problems = [
        f"{name}: {problem}"
        for name, one in catalog.items()
        for problem in references.of(name, one.toolset, one.input_schema)[1]
    ]
    problems += references.problems(records)
    assert any(re.search(re.escape(says), problem) for problem in problems), problems


def test_both_sides_of_a_reference_are_told(catalog: Catalog) -> None:
    using = catalog.explanation("CreateMcpServer")
    assert using.refers_to["sessionSettings.userTemplateId"] == "JwtTemplate.id"
    assert using.reads["JwtTemplate"] == "ListJwtTemplates"
    used = catalog.explanation("DeleteJwtTemplate")
    assert used.used_by["McpServer"] == ("userTemplateId", "keyTemplateId")
    assert used.reads["McpServer"] == "LoadAllMcpServers"
    assert "JwtTemplate" not in used.used_by


def test_what_is_created_refers_to_nothing_by_its_own_id(catalog: Catalog) -> None:
    assert "id" not in catalog.explanation("CreateTenant").refers_to
    assert catalog.explanation("UpdateTenant").refers_to["id"] == "Tenant.id"


def test_every_read_of_a_kind_can_be_called_without_the_object(catalog: Catalog) -> None:
    """It is where the reference comes from, so that it cannot ask for it."""
    for name in catalog:
        explained = catalog.explanation(name)
        for kind, read in explained.reads.items():
            needed = catalog[read].input_schema.get("required", ())
            refers = catalog.explanation(read).refers_to
            assert all(refers.get(n, "").partition(".")[0] != kind for n in needed), (kind, read)


def test_the_read_of_one_object_leads_to_what_it_hangs_together_with(catalog: Catalog) -> None:
    assert catalog["LoadMcpServer"].next[:2] == (
        "LoadAllThirdPartyApplications",
        "SearchMcpServerClients",
    )
    # What people wrote down counts.
    assert catalog["LoadUser"].next == ("UsersAuthHistoryV2", "PatchUser", "SearchAudit")
    # A filter is no object.
    assert not catalog["LoadAllResources"].next

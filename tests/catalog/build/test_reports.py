"""What the compiler refuses of a report, and where it points."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.reports import tables as report_tables
from tests.catalog.build.many_faults import unheard

CASES = {
    "an operation that does not exist": (
        "operation: LoadAllRoles",
        "operation: LoadRoles",
        "there is no operation LoadRoles",
    ),
    "one that changes something": (
        "operation: LoadAllRoles\n    rows: roles",
        "operation: CreateRoles\n    rows: roles",
        "CreateRoles is no harmless read",
    ),
    "an argument that it does not take": (
        "arguments: {tenantIds: [$args.tenantId], withTestUser",
        "arguments: {tenantIds: [$args.tenantId], withTests",
        "SearchUsers has no argument withTests",
    ),
    "a reference to no argument": ("[$args.tenantId]", "[$args.tenant]", "leads nowhere"),
    "a reference to a later read": ("[$args.tenantId]", "[$found.keys.id]", "leads nowhere"),
    "a list that it does not answer": ("rows: users", "rows: people", "has no people"),
    "a column that it does not answer": (
        "[name, tenantId, permissionNames]",
        "[name, tenantId, permissions]",
        "have no permissions",
    ),
    "a query on what is not kept": ("SELECT h.* FROM", "SELECT h.who FROM", "no such column"),
    "a query that is none": ("table: |\n  SELECT", "table: |\n  SELEKT", "syntax error"),
    "a shared query that nobody wrote": ("[membership, holding]", "[membership]", "holding"),
    "an example that is refused": ('{role: "Owner"}', '{roles: "Owner"}', "roles: not an argument"),
    "what often comes next": ("next: [LoadUser", "next: [LoadUzer", "no operation LoadUzer"),
    "too few ways to ask": (
        "- everybody that can write invoices, people and machines\n"
        "- find all holders of a role across all tenants\n"
        "- who would be affected if I deleted this role\n"
        "- which accounts and API keys have this privilege\n"
        "- which users have the permission invoices.write\n"
        "- who has the role Editor, in whatever tenant\n",
        "",
        "at least 8 items",
    ),
    "no such toolset": ("toolset: roles", "toolset: rolls", "there is no toolset rolls"),
    "unknown key": ("one_of:", "oneof:", "Extra inputs are not permitted"),
}


@pytest.fixture(scope="module")
def unheard_reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    def into(specs: Path, case: str) -> bool:
        old, new, _ = CASES[case]
        path = specs / "reports" / "FindRoleHolders.yaml"
        text = path.read_text()
        path.write_text(text.replace(old, new, 1))
        return old in text

    def told(specs: Path, case: str, problems: str) -> bool:
        says = re.escape(CASES[case][2])
        return bool(re.search(rf"FindRoleHolders\.yaml:\d+: .*{says}", problems))

    return unheard(CASES, tmp_path_factory.mktemp("reports"), into, told)


@pytest.mark.parametrize("case", CASES)
def test_a_report_that_does_not_fit_is_refused(unheard_reports: dict[str, str], case: str) -> None:
    assert case not in unheard_reports, unheard_reports[case]


def test_reports_are_found_by_name_and_are_no_operations_of_the_contract(catalog: Catalog) -> None:
    assert catalog.reports
    for name in catalog.reports:
        found = catalog.find(name)
        assert found is catalog.report(name)
        assert found.effect == found.worst_effect == "read"
        assert name not in set(catalog)
        assert name in next(t.reports for t in catalog.toolsets if t.name == found.toolset)
    titles = [catalog[name].title for name in (*catalog, *catalog.reports)]
    assert len(titles) == len(set(titles))


def test_tables_take_whatever_was_answered(catalog: Catalog) -> None:
    """Half characters, huge numbers and nested values are data like any other."""
    odd = ["U1", ["a\ud800b"], "x\ud800", "enabled", True, ["R"], [{"tenantId": 2**70}]]
    made = report_tables.answer(
        catalog.report("FindRoleHolders"), {"role": "R"}, {"users": [odd]}, ()
    )
    ((kind, _, name, *_),) = made["rows"]
    assert (kind, name) == ("user", "x?")

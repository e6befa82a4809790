"""What is refused where a record does not say how its arguments compare with what is there."""

from __future__ import annotations

from typing import Any

import pytest

from descope_mcp.catalog.build.record_checks.consistency import Consistency
from descope_mcp.catalog.build.yaml_source import read_toolset
from descope_mcp.catalog.operation_record.record import Record
from tests.recorder import SPECS, load_contract

LOOKUP = {"among": "$before.loginIds", "other_than": "$args.loginId"}

#: An operation, what is changed in its record, and what must be said of it.
CASES: list[tuple[str, dict[str, Any], str]] = [
    ("UpdateUser", {"before": {"nme": "$before.name"}}, "there is no argument nme"),
    ("UpdateUser", {"before": {"name": "$before.nme"}}, "name: $before.nme leads nowhere"),
    ("UpdateUser", {"before": {"name": "gone"}}, "neither a reference nor one of kept, lost"),
    ("UpdateUser", {"before": {}}, "the before-state has no additionalIdentifiers"),
    ("UpdateUser", {"before": {"name": {**LOOKUP, "among": "$before.ids"}}}, "ids leads nowhere"),
    ("UpdateUser", {"before": {"name": {**LOOKUP, "other_than": "$args.id"}}}, "id leads nowhere"),
    (
        "UpdateUserSetRoles",
        {
            "before": {
                "roleNames": {"among": "$before.userTenants", "match": {"id": "$args.loginId"}}
            }
        },
        "there is no id",
    ),
    (
        "UpdateUserSetRoles",
        {"before": {"roleNames": {"among": "$before.userTenants", "take": "$item.roles"}}},
        "$item.roles leads nowhere",
    ),
    ("UpdateUser", {"whole": ["nme"]}, "there is no argument nme"),
    ("UpdateUser", {"preview": ()}, "nothing is read that a call could be compared with"),
    ("UpdateMcpServer", {"before": {}}, "the before-state has no server"),
    ("UpdateRoles", {"before": {}}, "the before-state has no roles"),
    ("UpdateSSOSAMLApplication", {"before": {}}, "the before-state has no loginPageUrl"),
    ("UpdateTenant", {"before": {"name": "$before.domains"}}, "is of another type"),
    ("UpdateTenant", {"before": {"disabled": "option"}}, "disabled is never compared"),
    (
        "DeleteRole",
        {"when": ({"changed": ["name"], "add": ["bulk"], "why": "x"},)},
        "never compared",
    ),
]


@pytest.fixture(scope="module")
def consistency() -> Consistency:
    spec = load_contract()
    endpoints = {endpoint.name: endpoint for endpoint in spec.endpoints.values()}
    toolsets = map(read_toolset, (SPECS / "operations").glob("*.yaml"))
    records = {name: record for t in toolsets for name, record in t.operations.items()}
    return Consistency(spec, endpoints, records)


@pytest.mark.parametrize(("name", "changes", "says"), CASES)
def test_a_record_that_does_not_say_it_is_refused(
    consistency: Consistency, name: str, changes: dict[str, Any], says: str
) -> None:
    record = consistency.records[name]
    wrong = Record.model_validate({**record.model_dump(), **changes})
    problems = [text for _, text in consistency.problems(consistency.endpoints[name], wrong)]
    assert any(says in problem for problem in problems), problems
    assert not list(consistency.problems(consistency.endpoints[name], record))

"""Both lists of tools: accepted by every protocol version, truthful, small, and as they were."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp_types import ListToolsResult, Tool
from mcp_types.methods import serialize_server_result
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.guard.policy.file import parse
from descope_mcp.server.surface.token_cost import exact
from descope_mcp.server.surface.token_cost import listed as cost
from descope_mcp.server.surface.tool_list import endpoints, hub
from tests.recorder import SPECS

SNAPSHOT = Path(__file__).parents[2] / "snapshots" / "tools.json"
BUDGET = Path(__file__).parent / "budget.yaml"
_BUDGET_HEAD = """\
# The most tokens (o200k) that the list of each toolset may cost: what it did when this was written
# with `pytest --renew-snapshots`, rounded up to fifty. `descope-mcp tools cost` shows the details.
"""
#: GET /v1/mgmt/thirdparty/app/rotate has neither schema nor security and is never offered.
BLOCKED = {"NoPublishRotate"}


def every_endpoint(catalog: Catalog) -> list[Tool]:
    return endpoints(catalog, ["all"], Policy())


def listed(tools: list[Tool]) -> dict[str, Any]:
    return ListToolsResult(tools=tools).model_dump(by_alias=True, mode="json", exclude_none=True)


def records() -> dict[str, dict[str, Any]]:
    """The records as they are written, by name."""
    found: dict[str, dict[str, Any]] = {}
    for path in (SPECS / "operations").glob("*.yaml"):
        found |= yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["operations"]
    return found


@pytest.mark.parametrize("version", KNOWN_PROTOCOL_VERSIONS)
def test_every_protocol_version_takes_both_lists(catalog: Catalog, version: str) -> None:
    for tools in (hub(Policy()), every_endpoint(catalog)):
        sent = serialize_server_result("tools/list", version, listed(tools))
        # Nothing that a client of this version should see is dropped on the way.
        assert sent["tools"] == listed(tools)["tools"]


def test_every_operation_but_the_blocked_is_listed(catalog: Catalog) -> None:
    names = [tool.name for tool in every_endpoint(catalog)]
    assert len(names) == len(set(names)) == 457 + len(catalog.reports)
    assert {*catalog, *catalog.reports} - set(names) == BLOCKED
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,46}", name) for name in names)


def test_annotations_tell_the_worst_case(catalog: Catalog) -> None:
    """Outright, whatever a client makes of a missing hint."""
    written = records()
    for tool in every_endpoint(catalog):
        # A report has nothing but reads.
        of_report = {"title": catalog[tool.name].title, "effect": "read", "idempotent": True}
        record = written.get(tool.name, of_report)
        rules = record.get("when", [])
        effects = {record["effect"], *(rule["effect"] for rule in rules if "effect" in rule)}
        if record.get("existing") in ("replaced", "unknown") or record.get("defines"):
            effects.add("destructive")
        told = tool.model_dump(by_alias=True, exclude_none=True)["annotations"]
        assert told == {
            "title": record["title"],
            "readOnlyHint": effects == {"read"},
            "destructiveHint": "destructive" in effects,
            "idempotentHint": record.get("idempotent", False),
            "openWorldHint": True,
        }, tool.name


def test_every_tool_has_a_title_where_clients_look_for_it(catalog: Catalog) -> None:
    for tool in (*hub(Policy()), *every_endpoint(catalog)):
        assert tool.annotations is not None
        assert tool.title == tool.annotations.title != ""


def test_the_hub_describes_every_argument_and_links_the_documentation() -> None:
    for tool in hub(Policy()):
        for name, argument in tool.input_schema["properties"].items():
            assert argument.get("description"), (tool.name, name)
    calls = [tool for tool in hub(Policy()) if "operation" in tool.input_schema["properties"]]
    assert len(calls) == 3
    assert all("https://docs.descope.com/" in str(tool.description) for tool in calls)


def test_the_hub_says_of_each_tool_what_it_does() -> None:
    """Directories want every hint, and the title inside the annotations."""
    told = {t.name: t.annotations for t in hub(Policy())}
    for annotations in told.values():
        assert annotations is not None
        assert None not in annotations.model_dump().values()
    changing = {name for name, a in told.items() if a and not a.read_only_hint}
    destructive = {name for name, a in told.items() if a and a.destructive_hint}
    assert changing == {"descope_write", "descope_destructive", "descope_plan", "descope_undo"}
    assert destructive == {"descope_destructive", "descope_plan", "descope_undo"}


def test_a_read_only_server_lists_nothing_that_changes(catalog: Catalog) -> None:
    policy = Policy(read_only=True)
    tools = [*hub(policy), *endpoints(catalog, ["all"], policy)]
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
    pure = {
        name
        for name, record in records().items()
        if {record["effect"], *(rule.get("effect", "read") for rule in record.get("when", []))}
        == {"read"}
    }
    assert {tool.name for tool in tools} >= pure - BLOCKED


def test_toolsets_choose_what_is_listed(catalog: Catalog) -> None:
    wanted = [t for t in catalog.toolsets if t.name in ("users", "roles")]
    names = {tool.name for tool in endpoints(catalog, ["users", "roles"], Policy())}
    assert names == {name for one in wanted for name in (*one.operations, *one.reports)}
    assert endpoints(catalog, [], Policy()) == []


def test_a_report_is_not_listed_where_a_read_that_it_needs_is_denied(catalog: Catalog) -> None:
    rule = '[[rule]]\noperation = "SearchUsers"\ndecision = "{}"'
    for decision in ("deny", "confirm"):
        rules, _ = parse("p.toml", rule.format(decision), catalog)
        names = {tool.name for tool in endpoints(catalog, ["roles", "users"], Policy(rules=rules))}
        assert "FindRoleHolders" not in names
        assert "ReviewUser" in names
        assert ("SearchUsers" in names) is (decision == "confirm")


def test_the_hub_costs_few_tokens() -> None:
    assert exact()
    assert cost(hub(Policy())) <= 1_300


def test_the_whole_list_costs_what_it_should(catalog: Catalog) -> None:
    assert exact()
    tools = every_endpoint(catalog)
    assert cost([tool for tool in tools if tool.name not in catalog.reports]) <= 70_000
    assert cost([tool for tool in tools if tool.name in catalog.reports]) <= 900


def test_each_toolset_stays_within_its_budget(
    catalog: Catalog, pytestconfig: pytest.Config
) -> None:
    """Growth has to be meant: `pytest --renew-snapshots` writes the budgets anew."""
    assert exact()
    costs = {t.name: cost(endpoints(catalog, [t.name], Policy())) for t in catalog.toolsets}
    if pytestconfig.getoption("--renew-snapshots"):
        # Rounded up, so that a word more or less needs no new budget.
        lines = [f"{name}: {-(-tokens // 50) * 50}\n" for name, tokens in costs.items()]
        BUDGET.write_text("".join([_BUDGET_HEAD, *lines]), encoding="utf-8")
    budget = yaml.safe_load(BUDGET.read_text(encoding="utf-8"))
    assert list(budget) == list(costs)
    over = {n: f"{tokens} > {budget[n]}" for n, tokens in costs.items() if tokens > budget[n]}
    assert not over


def test_the_tools_are_as_they_were(catalog: Catalog, pytestconfig: pytest.Config) -> None:
    """Clients keep what they were told: a changed name, schema or annotation must be meant.

    `pytest --renew-snapshots` writes the file anew, one line per tool.
    """
    shown = [
        {key: tool[key] for key in ("name", "title", "inputSchema", "annotations")}
        for tool in listed([*hub(Policy()), *every_endpoint(catalog)])["tools"]
    ]
    if pytestconfig.getoption("--renew-snapshots"):
        lines = ",\n".join(json.dumps(tool, separators=(",", ":")) for tool in shown)
        SNAPSHOT.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    known = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    assert [tool["name"] for tool in shown] == [tool["name"] for tool in known]
    changed = [new["name"] for new, old in zip(shown, known, strict=True) if new != old]
    assert not changed, "renew the snapshot with pytest --renew-snapshots if this is meant"

"""Both lists of tools: accepted by every protocol version, truthful, small, and as they were."""

import json
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp_types import ListToolsResult, Tool
from mcp_types.methods import serialize_server_result
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.guard.policy import Limits
from descope_mcp.server.tools import endpoints, hub
from tests.recorder import SPECS

SNAPSHOT = Path(__file__).parent.parent / "snapshots" / "tools.json"
#: GET /v1/mgmt/thirdparty/app/rotate has neither schema nor security and is never offered.
BLOCKED = {"NoPublishRotate"}


def every_endpoint(catalog: Catalog) -> list[Tool]:
    return endpoints(catalog, ["all"], Limits())


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
    for tools in (hub(Limits()), every_endpoint(catalog)):
        sent = serialize_server_result("tools/list", version, listed(tools))
        # Nothing that a client of this version should see is dropped on the way.
        assert sent["tools"] == listed(tools)["tools"]


def test_every_operation_but_the_blocked_is_listed(catalog: Catalog) -> None:
    names = [tool.name for tool in every_endpoint(catalog)]
    assert len(names) == len(set(names)) == 457
    assert set(catalog) - set(names) == BLOCKED
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,46}", name) for name in names)


def test_annotations_tell_the_worst_case(catalog: Catalog) -> None:
    written = records()
    titles = set()
    for tool in every_endpoint(catalog):
        record = written[tool.name]
        rules = record.get("when", [])
        effects = {record["effect"], *(rule["effect"] for rule in rules if "effect" in rule)}
        hazards = {h for part in (record, *rules) for h in part.get("hazards", part.get("add", ()))}
        told = tool.annotations
        assert told is not None
        assert told.title == record["title"]
        assert told.read_only_hint is (effects == {"read"}), tool.name
        assert told.destructive_hint is ("destructive" in effects), tool.name
        assert told.idempotent_hint is record.get("idempotent", False), tool.name
        assert told.open_world_hint is ("sends_message" in hazards), tool.name
        titles.add(told.title)
    assert len(titles) == 457


def test_the_hub_says_of_each_tool_what_it_does() -> None:
    told = {t.name: t.annotations for t in hub(Limits())}
    assert [name for name, a in told.items() if a and a.title] == list(told)
    changing = {name for name, a in told.items() if a and not a.read_only_hint}
    destructive = {name for name, a in told.items() if a and a.destructive_hint}
    assert changing == {"descope_write", "descope_destructive"}
    assert destructive == {"descope_destructive"}


def test_a_read_only_server_lists_nothing_that_changes(catalog: Catalog) -> None:
    limits = Limits(read_only=True)
    tools = [*hub(limits), *endpoints(catalog, ["all"], limits)]
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
    names = {tool.name for tool in endpoints(catalog, ["users", "roles"], Limits())}
    assert names == {name for toolset in wanted for name in toolset.operations}
    assert endpoints(catalog, [], Limits()) == []


def tokens(tools: list[Tool]) -> int:
    """The tokens (o200k) of a list as it is sent."""
    text = json.dumps(listed(tools)["tools"], separators=(",", ":"), ensure_ascii=False)
    with warnings.catch_warnings():
        # It brings o200k with it, where tiktoken downloads, and opens the file in a deprecated way.
        warnings.simplefilter("ignore", DeprecationWarning)
        import bpe_openai

        encoding = bpe_openai.get_encoding("o200k_base")
    return len(encoding.encode_ordinary(text))


def test_the_hub_costs_few_tokens() -> None:
    assert tokens(hub(Limits())) <= 1_800


@pytest.mark.xfail(reason="the aim is not reached; the bound below keeps it from moving away")
def test_the_whole_list_costs_what_it_should(catalog: Catalog) -> None:
    assert tokens(every_endpoint(catalog)) <= 75_000


def test_the_whole_list_does_not_grow(catalog: Catalog) -> None:
    assert tokens(every_endpoint(catalog)) <= 108_000


def test_the_tools_are_as_they_were(catalog: Catalog, pytestconfig: pytest.Config) -> None:
    """Clients keep what they were told: a changed name, schema or annotation must be meant.

    `pytest --renew-snapshots` writes the file anew, one line per tool.
    """
    shown = [
        {key: tool[key] for key in ("name", "inputSchema", "annotations")}
        for tool in listed([*hub(Limits()), *every_endpoint(catalog)])["tools"]
    ]
    if pytestconfig.getoption("--renew-snapshots"):
        lines = ",\n".join(json.dumps(tool, separators=(",", ":")) for tool in shown)
        SNAPSHOT.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    known = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    assert [tool["name"] for tool in shown] == [tool["name"] for tool in known]
    changed = [new["name"] for new, old in zip(shown, known, strict=True) if new != old]
    assert not changed, "renew the snapshot with pytest --renew-snapshots if this is meant"

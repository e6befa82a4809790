from __future__ import annotations

import json
import subprocess

import pytest
from click.testing import CliRunner

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.cli.main import FAILED, USAGE, cli
from descope_mcp.server.surface import token_cost

from .processes import BASE, COMMAND, run

FACTS = ("name", "operationId", "method", "path", "toolset", "effect", "hazards")


def test_the_list_has_every_operation(catalog: Catalog) -> None:
    done = run("tools", "list", "--json")
    listed = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert {one["name"] for one in listed[458:]} == {*catalog.reports}
    listed = listed[:458]
    assert {tuple(one) for one in listed} == {FACTS}
    assert [one["name"] for one in listed] == list(catalog)
    assert len({(one["method"], one["path"]) for one in listed}) == 458
    by_name = {one["name"]: one for one in listed}
    assert by_name["DeleteTenant"] == {
        "name": "DeleteTenant",
        "operationId": "DeleteTenant",
        "method": "POST",
        "path": "/v1/mgmt/tenant/delete",
        "toolset": "tenants",
        "effect": "destructive",
        "hazards": list(catalog["DeleteTenant"].hazards),
    }


def test_one_toolset_can_be_listed(catalog: Catalog) -> None:
    done = run("tools", "list", "--toolset", "lists")
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert names == [o.name for o in catalog.values() if o.toolset == "lists"]
    unknown = run("tools", "list", "--toolset", "list")
    assert (unknown.returncode, unknown.stdout) == (USAGE, "")
    assert "lists" in unknown.stderr


def test_one_operation_is_shown_in_full() -> None:
    done = run("tools", "show", "DeleteUser")
    assert done.returncode == 0
    for part in ("POST /v1/mgmt/user/delete", "effect destructive", "loginId", "not coming back"):
        assert part in done.stdout
    record = json.loads(run("tools", "show", "DeleteUser", "--json").stdout)
    assert record["name"] == "DeleteUser"
    assert "loginId" in record["input_schema"]["properties"]


def test_every_operation_can_be_shown(catalog: Catalog) -> None:
    shell = CliRunner()
    for operation in list(catalog.values())[::9]:
        shown = shell.invoke(cli, ["tools", "show", operation.name])
        assert shown.exit_code == 0, shown.output
        assert f"{operation.method} {operation.path}" in shown.output
        for argument in operation.input_schema["properties"]:
            assert f" {argument}" in shown.output


def test_a_report_is_shown_and_found_like_an_operation(catalog: Catalog) -> None:
    for name in catalog.reports:
        shown = CliRunner().invoke(cli, ["tools", "show", name])
        assert catalog[name].description in shown.output
        found = CliRunner().invoke(cli, ["tools", "search", catalog[name].title])
        assert found.output.startswith(f"{name}(")


def test_an_unknown_name_gets_the_nearest() -> None:
    done = run("tools", "show", "DeletUser")
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert "DeleteUser" in done.stderr


@pytest.mark.parametrize("json_option", [[], ["--json"]])
def test_a_search_finds_by_meaning(json_option: list[str]) -> None:
    done = run("tools", "search", "remove", "a", "person", "--limit", "3", *json_option)
    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines)) == (0, 3)
    assert "DeleteUser" in done.stdout
    if json_option:
        assert {tuple(json.loads(line)) for line in lines} == {FACTS}
    nothing = run("tools", "search", "xqzzy")
    assert (nothing.returncode, nothing.stdout) == (FAILED, "")
    assert nothing.stderr


def test_a_reader_that_leaves_early_is_no_error() -> None:
    with subprocess.Popen(
        [COMMAND, "tools", "list", "--json"],
        env=BASE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        assert json.loads(process.stdout.readline())["name"]
        process.stdout.close()
        assert process.stderr.read() == ""


def test_the_cost_is_told_by_toolset_and_by_tool(catalog: Catalog) -> None:
    rows = [json.loads(line) for line in run("tools", "cost", "--json").stdout.splitlines()]
    *toolsets, everything, hub = rows
    assert {row["name"] for row in toolsets} == {t.name for t in catalog.toolsets}
    assert sorted(toolsets, key=lambda row: -row["tokens"]) == toolsets
    assert (everything["tools"], everything["exact"]) == (457 + len(catalog.reports), True)
    assert hub["tokens"] < everything["tokens"] <= sum(row["tokens"] for row in toolsets)
    shown = run("tools", "cost", "--toolset", "lists").stdout.splitlines()
    names = {line.split()[1] for line in shown[:-1]}
    assert names == {o.name for o in catalog.values() if o.toolset == "lists"}
    unknown = run("tools", "cost", "--toolset", "list")
    assert (unknown.returncode, unknown.stdout) == (USAGE, "")


def test_without_the_tokenizer_the_cost_is_an_estimate_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def total() -> int:
        shown = CliRunner().invoke(cli, ["tools", "cost"])
        assert shown.exit_code == 0, shown.output
        assert ("estimates" in shown.output) is not token_cost.exact()
        line = next(line for line in shown.output.splitlines() if "all toolsets" in line)
        return int(line.split()[0].replace(",", ""))

    counted = total()
    monkeypatch.setattr(token_cost, "_tokenizer", lambda: None)
    assert total() == pytest.approx(counted, rel=0.05)

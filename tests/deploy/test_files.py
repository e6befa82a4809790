"""What stands in the files of a deployment is there: options, settings, metrics, paths."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
import yaml
from click import Context, Group

from descope_mcp.cli.commands.serve import command
from descope_mcp.cli.main import cli
from descope_mcp.settings import Settings
from descope_mcp.telemetry.vocabulary import FACTS, INSTRUMENTS
from tests.recorder import MANAGEMENT_KEY, PROJECT

ROOT = Path(__file__).parents[2]
FILES = ("Dockerfile", "deploy/compose.yaml", "deploy/kubernetes.yaml", "docs/operations.md")


@pytest.mark.parametrize("name", FILES)
def test_every_setting_exists(name: str) -> None:
    aliases = (field.validation_alias for field in Settings.model_fields.values())
    known = {str(getattr(alias, "choices", [alias])[0]) for alias in aliases}
    assert set(re.findall(r"\bDESCOPE_(?:MCP_)?[A-Z_]*[A-Z]\b", (ROOT / name).read_text())) <= known


@pytest.mark.parametrize("name", ["deploy/compose.yaml", "deploy/kubernetes.yaml"])
def test_the_server_is_started_as_it_can_be(name: str) -> None:
    known = {option for parameter in command.params for option in parameter.opts}
    parts = list(yaml.safe_load_all((ROOT / name).read_text()))
    assert parts
    starts = re.findall(r'\["serve",(.*?)\]', (ROOT / name).read_text(), re.DOTALL)
    assert starts
    for start in starts:
        assert set(re.findall(r'"(--[a-z-]+)"', start)) <= known


def test_the_settings_of_the_replicas_go_together() -> None:
    image = dict(
        re.findall(r"^ +(DESCOPE_\w+)=(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    )
    assert image
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    given = {
        "DESCOPE_PROJECT_ID": PROJECT,
        "DESCOPE_MANAGEMENT_KEY": MANAGEMENT_KEY,
        "DESCOPE_MCP_KEY": base64.b64encode(bytes(32)).decode(),
        "POSTGRES_PASSWORD": "letters",
    }
    replica = compose["services"]["one"]["environment"]
    filled = {
        name: re.sub(r"\$\{(\w+):\?\}", lambda found: given[found[1]], value)
        for name, value in replica.items()
    }
    chosen = Settings.model_validate({**image, **filled})
    assert chosen.database_url.get_secret_value().endswith("sslmode=disable")


def test_the_image_gets_what_a_build_needs() -> None:
    copied = re.findall(r"^COPY (?!--)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert all((ROOT / name).exists() for name in names)
    let_in = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")
    }
    assert names == let_in


def test_the_alerts_are_on_metrics_that_exist() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    alerts = re.findall(r"`([^`]*(?:descope_mcp|http_client)_[^`]*)`", page)
    assert len(alerts) > 8
    units = {"s": "_seconds"}
    metrics = {
        i.name.replace(".", "_") + units.get(i.unit, "") + ("_total" if i.kind == "counter" else "")
        for i in INSTRUMENTS.values()
    }
    labels = {fact.name.replace(".", "_") for fact in FACTS.values()}
    for alert in alerts:
        for name in re.findall(r"\b(?:descope_mcp|http_client|http_response|error)_\w+", alert):
            assert re.sub(r"_(bucket|count|sum)$", "", name) in metrics | labels, name


def test_the_commands_of_the_runbook_exist() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    named = set(re.findall(r"descope-mcp ((?:journal|key|approvals|grants|tokens) [a-z-]+)", page))
    assert named
    for words in named:
        group, _, name = words.partition(" ")
        found = cli.get_command(Context(cli), group)
        assert isinstance(found, Group), words
        assert name in found.commands, words

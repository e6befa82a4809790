"""What is published, by the rules of where it is published."""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.image import ASKED
from descope_mcp import __version__
from release import bundle, components, distributions, image_entry, notes, project, registry_entry
from tests import foreign_packages
from tests.cli.processes import run

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_ACCOUNT = project.REGISTRY_NAME.partition("/")[0].removeprefix("io.github.")
_REPOSITORY = f"https://github.com/{_ACCOUNT}/r"
_DIGEST = "ab" * 32
#: The keys that an entry of the Docker MCP catalogue may have, by its pkg/servers/types.go.
_CATALOGUE = {
    "": "name image type meta about source run config",
    "meta": "category tags",
    "about": "title description icon",
    "source": "project commit",
    "run": "command volumes env",
    "config": "description secrets env parameters",
    "secrets": "name env example description required",
    "parameters": "type properties required",
}


@pytest.fixture(scope="module")
def python() -> str:
    """The Python of the validators."""
    return foreign_packages.python(HERE)


def _findings(python: str, folder: Path, entry: dict[str, Any]) -> list[str]:
    """What a linter says that holds entries to the registry's own schema and further rules."""
    (folder / "server.json").write_text(json.dumps(entry))
    lint = ("-m", "skillsaw", "lint", "--type", "mcp-registry", "--strict", "--format", "json")
    done = subprocess.run([python, *lint, folder], capture_output=True, text=True)
    found = json.loads(done.stdout)
    said = [one["message"] for one in found["violations"]]
    assert done.returncode == bool(said)
    return said


def test_the_entry_of_the_registry_is_one_by_its_schema(python: str, tmp_path: Path) -> None:
    entry = registry_entry.registry_entry(_REPOSITORY, ("descope-mcp.mcpb", _DIGEST))
    assert _findings(python, tmp_path, entry) == []
    # The schema forbids nothing that it does not know.
    text = "import skillsaw.schemas.mcp_registry.v2025_12_11 as v; print(v.__path__[0])"
    where = subprocess.run([python, "-c", text], capture_output=True, text=True, check=True)
    schema = json.loads((Path(where.stdout.strip()) / "server.schema.json").read_text())
    assert schema["$id"] == registry_entry.SCHEMA
    known = {name for one in schema["definitions"].values() for name in _properties(one)}
    assert set(_keys(entry)) <= known
    entry["packages"][0]["packageArguments"][0]["type"] = "position"
    assert any("packageArguments" in said for said in _findings(python, tmp_path, entry))


def _properties(schema: dict[str, Any]) -> Iterator[str]:
    yield from schema.get("properties", {})
    for part in schema.get("allOf", []):
        yield from _properties(part)


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, dict | list):
            yield from _keys(part)


def test_the_entry_of_the_registry_has_the_packages_version_and_name() -> None:
    alone = registry_entry.registry_entry()
    (wheel,) = alone["packages"]
    assert alone["version"] == wheel["version"] == __version__
    assert "repository" not in alone
    secret = [v["name"] for v in wheel["environmentVariables"] if v["isSecret"]]
    assert secret == ["DESCOPE_MANAGEMENT_KEY"]
    _, bundle_ = registry_entry.registry_entry(_REPOSITORY, ("descope-mcp.mcpb", _DIGEST))[
        "packages"
    ]
    assert bundle_["fileSha256"] == _DIGEST
    assert (
        bundle_["identifier"] == f"{_REPOSITORY}/releases/download/v{__version__}/descope-mcp.mcpb"
    )
    # By these the registry knows that whoever publishes the packages publishes the entry.
    assert f"mcp-name: {alone['name']} " in (ROOT / "README.md").read_text()
    label = f'LABEL io.modelcontextprotocol.server.name="{alone["name"]}"'
    assert label in (ROOT / "Dockerfile").read_text().splitlines()


@pytest.mark.parametrize(
    ("repository", "said"),
    [
        ("https://github.com/somebody/r", f"the account {_ACCOUNT}, the repository of somebody"),
        ("git@github.com:somebody/r", "write https://github.com/ACCOUNT/REPOSITORY"),
    ],
)
def test_nothing_is_made_for_an_account_that_may_not_publish_it(repository: str, said: str) -> None:
    registry_entry.check(_REPOSITORY)
    with pytest.raises(LookupError, match=said):
        registry_entry.check(repository)


def test_settings_that_are_asked_for_are_settings() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    for setting in project.SETTINGS:
        assert f"| `{setting.variable}` |" in page


def test_the_manifest_passes_its_own_validator(tmp_path: Path) -> None:
    node = foreign_packages.node(HERE)
    wheel = tmp_path / "descope_mcp.whl"
    wheel.write_bytes(b"")
    folder = tmp_path / "bundle"
    folder.mkdir()
    bundle.lay_out(folder, wheel)
    program = HERE / "node_modules" / "@anthropic-ai" / "mcpb" / "dist" / "cli" / "cli.js"

    def mcpb(*arguments: str | Path) -> str:
        done = subprocess.run([node, program, *arguments], capture_output=True, text=True)
        return done.stdout + done.stderr if done.returncode == 0 else f"failed: {done.stderr}"

    assert "validation passes" in mcpb("validate", folder)
    packed = tmp_path / "packed.mcpb"
    assert "package size" in mcpb("pack", folder, packed)
    with zipfile.ZipFile(packed) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        names = set(archive.namelist())
    assert manifest["version"] == __version__
    assert {manifest["server"]["entry_point"], "pyproject.toml", wheel.name, "LICENSE"} <= names
    asked = set(re.findall(r"user_config\.(\w+)", json.dumps(manifest["server"])))
    assert asked == set(manifest["user_config"])
    wrong = {**manifest, "server": {**manifest["server"], "type": "cobol"}}
    (folder / "manifest.json").write_text(json.dumps(wrong))
    assert "failed" in mcpb("validate", folder)


def test_tools_are_listed_without_credentials_and_every_argument_is_described() -> None:
    lines = "".join(json.dumps({"jsonrpc": "2.0", **one}) + "\n" for one in ASKED)
    served = run("serve", given=lines)
    answers = [json.loads(line) for line in served.stdout.splitlines()]
    listed = next(one for one in answers if one.get("id") == 2)["result"]["tools"]
    shown = image_entry.tools()
    assert [tool["name"] for tool in listed] == [tool["name"] for tool in shown]
    assert len(listed) == 8
    for tool in shown:
        assert tool["description"]
        assert all(argument["desc"] for argument in tool["arguments"])


def test_the_entry_of_the_image_asks_for_the_settings() -> None:
    entry = image_entry.image_entry(_REPOSITORY, "0" * 40, "https://e.example/i.png")
    config = entry["config"]
    variables = {one["env"] for one in config["secrets"]} | {one["name"] for one in config["env"]}
    assert variables == {setting.variable for setting in project.SETTINGS}
    assert config["parameters"]["required"] == ["project_id"]
    used = re.findall(r"\{\{descope-mcp\.(\w+)\}\}", yaml.safe_dump(entry))
    assert sorted(used) == sorted(config["parameters"]["properties"])
    assert "USER 10001:10001" in (ROOT / "Dockerfile").read_text()
    for keys, part in (
        ("", entry),
        *((name, entry[name]) for name in ("meta", "about", "source", "run", "config")),
        *(("secrets", secret) for secret in config["secrets"]),
        ("parameters", config["parameters"]),
    ):
        assert set(part) <= set(_CATALOGUE[keys].split())
    # Its validator's rules, in our words.
    assert re.fullmatch(r"[a-z0-9-]+", entry["name"])
    assert not re.search(r"MCP|Server|\b[a-z]", entry["about"]["title"].replace("(guarded)", ""))
    assert all(re.fullmatch(r"[\w-]+\.[\w.-]+", secret["name"]) for secret in config["secrets"])


def test_the_bill_of_materials_is_valid_and_names_what_is_pinned(
    python: str, tmp_path: Path
) -> None:
    bill = components.bill()
    assert bill == components.bill()
    pins = [line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines()]
    pinned = {re.sub(r"[-_.]+", "-", pin[0]).lower(): pin[-1] for pin in pins}
    found = {one["name"]: one["version"] for one in bill["components"]}
    assert {"mcp", "httpx", "cryptography", "starlette", "pydantic-core"} <= set(found)
    assert not {"pytest", "ruff", "mypy"} & set(found)
    assert {name: pinned[name] for name in found} == found
    text = tmp_path / "bill.json"
    text.write_text(json.dumps(bill))
    script = (
        "import sys; from cyclonedx.validation.json import JsonStrictValidator as V; "
        "from cyclonedx.schema import SchemaVersion as S; "
        "print(V(S.V1_6).validate_str(open(sys.argv[1]).read()))"
    )
    done = subprocess.run([python, "-c", script, text], capture_output=True, text=True)
    assert done.stdout.strip() == "None", done.stdout + done.stderr


def test_release_notes_are_the_section_of_the_version() -> None:
    changelog = (
        "# Changelog\n\n## Unreleased\n\n## 1.1.0 (2026-12-01)\n\n- New.\n\n## 1.0.0\n\nFirst.\n"
    )
    assert notes.notes("1.1.0", changelog) == "- New."
    assert notes.notes("1.0.0", changelog) == "First."
    for missing in ("2.0.0", "Unreleased"):
        with pytest.raises(LookupError, match=missing):
            notes.notes(missing, changelog)
    oldest = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[-1]
    assert notes.notes(oldest).startswith("First version.")


def test_the_version_is_in_one_place() -> None:
    kept = subprocess.run(
        ["git", "-C", ROOT, "grep", "-lFw", __version__, "--", ":!tests", ":!constraints.txt"],
        capture_output=True,
        text=True,
    )
    elsewhere = set(kept.stdout.split()) - {"descope_mcp/__init__.py", "CHANGELOG.md"}
    # What others have is their version by accident.
    assert not {name for name in elsewhere if not name.startswith(("docs/", "benchmarks/"))}
    assert "version" not in project._PROJECT


@pytest.mark.campaign
def test_builds_have_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(distributions.build(tmp_path / name, 1_750_000_000))
    for one, two in zip(*made, strict=True):
        assert one.read_bytes() == two.read_bytes()
    with tarfile.open(made[0][1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"constraints.txt", "tool_specs/openapi.json", "tests/conftest.py"} <= names
    assert not any(name.startswith((".cache", ".venv", "dist")) for name in names)

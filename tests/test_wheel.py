"""The wheel, built and installed as a user's pip does it, away from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.parser import HeaderParser
from pathlib import Path
from typing import NamedTuple

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from descope_mcp import __version__
from descope_mcp.catalog.catalog import Catalog

ROOT = Path(__file__).parents[1]
#: Runs first in every process of the new environment: there is no YAML, and reading anything of
#: the checkout is an error.
CHECKOUT = tuple(f"{ROOT / folder}{os.sep}" for folder in ("descope_mcp", "tool_specs", ".cache"))
GUARD = f"""
import sys

sys.modules["yaml"] = None

def refuse(event, arguments):
    if event == "open" and str(arguments[0]).startswith({CHECKOUT!r}):
        raise RuntimeError(f"the checkout was read: {{arguments[0]}}")

sys.addaudithook(refuse)
"""


class Installed(NamedTuple):
    """The wheel, and the environment that it was installed into."""

    wheel: Path
    python: Path
    packages: Path


def _pip(python: Path, *arguments: str | Path) -> None:
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, env=outside, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    place = tmp_path_factory.mktemp("wheel")
    venv.create(place / "env", with_pip=True)
    python = place / "env" / "bin" / "python"
    _pip(python, "wheel", "--no-deps", "--wheel-dir", place, ROOT)
    (wheel,) = place.glob("*.whl")
    _pip(python, "install", "--no-deps", "--no-index", wheel)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = place / "env" / "lib" / version / "site-packages"
    # The dependencies are those of this environment, which saves downloading them again. A venv
    # made inside a venv does not see its packages otherwise, and of the checkout it sees nothing:
    # the .pth files of a directory that comes in by a .pth are not followed.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    (packages / "sitecustomize.py").write_text(GUARD)
    return Installed(wheel, python, packages)


def test_the_wheel_holds_data_and_code_and_nothing_else(
    installed: Installed, catalog: Catalog
) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        names = set(archive.namelist())
        compiled = json.loads(archive.read("descope_mcp/catalog/catalog.json"))
        about = next(name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(about).decode())
    specs = {f"descope_mcp/{p.relative_to(ROOT)}" for p in _files("tool_specs")}
    code = {str(p.relative_to(ROOT)) for p in _files("descope_mcp")}
    rest = {name for name in names if ".dist-info/" not in name}
    assert len(specs) > 30
    assert rest == specs | code | {"descope_mcp/catalog/catalog.json"}
    assert list(compiled["operations"]) == list(catalog)
    assert (metadata["Name"], metadata["Version"]) == ("descope-mcp", __version__)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def _files(folder: str) -> list[Path]:
    return [p for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts]


def test_it_says_its_version(installed: Installed) -> None:
    command = installed.python.with_name("descope-mcp")
    done = subprocess.run([command, "--version"], capture_output=True, text=True)
    assert done.stdout == f"descope-mcp, version {__version__}\n"


def test_the_guard_would_notice(installed: Installed) -> None:
    script = f"open({str(ROOT / 'tool_specs' / 'openapi.json')!r})"
    done = subprocess.run([installed.python, "-c", script], capture_output=True, text=True)
    assert "the checkout was read" in done.stderr
    where = subprocess.run(
        [installed.python, "-c", "import descope_mcp; print(descope_mcp.__file__)"],
        capture_output=True,
        text=True,
        cwd=installed.wheel.parent,
    )
    assert Path(where.stdout.strip()).parent == installed.packages / "descope_mcp"


@pytest.mark.anyio
async def test_it_serves_without_the_checkout_and_without_yaml(
    installed: Installed, catalog: Catalog, tmp_path: Path
) -> None:
    parameters = StdioServerParameters(
        command=str(installed.python.parent / "descope-mcp"),
        args=["serve", "--sandbox", "--toolsets", "all"],
        cwd=tmp_path,
    )
    with (tmp_path / "log").open("w+") as log:
        async with Client(stdio_client(parameters, errlog=log)) as client:
            listed = (await client.list_tools()).tools
            loaded = await client.call_tool("LoadTenant", {"id": "globex"})
            found = await client.call_tool("descope_search", {"query": "delete a user"})
        log.seek(0)
        assert log.read() == ""
    assert len(listed) > 400
    known = {*catalog, *catalog.reports}
    assert {tool.name for tool in listed} - known == {"descope_read", "descope_undo"}
    assert loaded.structured_content["answer"]["tenant"]["name"] == "Globex Corporation"
    assert "DeleteUser" in str(found.structured_content)
    assert os.listdir(tmp_path) == ["log"]

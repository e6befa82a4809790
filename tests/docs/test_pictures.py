"""The pictures of the documentation are what the program does and is made of."""

from __future__ import annotations

import re
import subprocess
import sys
from xml.etree import ElementTree

from .pages import written
from .site import ROOT

IMAGES = ROOT / "docs" / "images"


def test_the_conversation_is_what_a_run_gives() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "record_conversation.py", "--check"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr[-2000:]


def test_every_module_and_folder_that_the_architecture_names_exists() -> None:
    picture = ElementTree.parse(IMAGES / "path-of-a-call.svg")
    drawn = [one.text for one in picture.iter() if one.get("class") == "module"]
    assert len(drawn) > 8
    page = written()["docs/architecture.md"]
    folders = re.findall(r"^\| `(\w+)` \|", page, re.M)
    package = ROOT / "descope_mcp"
    assert [name for name in drawn if name is None or not (package / name).is_file()] == []
    there = {one.parent.name for one in package.glob("*/__init__.py")}
    assert set(folders) == there


def test_pictures_are_whole_and_are_shown_somewhere() -> None:
    shown = set(re.findall(r"images/([\w-]+\.\w+)", "\n".join(written().values())))
    for file in IMAGES.glob("*.svg"):
        ElementTree.parse(file)
        assert file.name in shown, file.name

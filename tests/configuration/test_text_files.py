"""What people write is read however their editor saved it, and by nothing else in one encoding."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import descope_mcp
from descope_mcp.configuration import secret_source, text_files

_PACKAGE = Path(descope_mcp.__file__).parent
#: What reads text by itself: files of this package, and those that the program writes.
_OWN_FILES = {
    "catalog/build/compile.py",
    "catalog/build/contract_update/new_contract.py",
    "catalog/build/yaml_source.py",
    "cli/help/examples.py",
    "clients/client.py",
    "clients/start_command.py",
    "configuration/documents.py",
    "console/texts.py",
    "sandbox/recording/person_fields.py",
    "server/surface/panel.py",
    "store/journal/unfinished_plans.py",
    "store/processes.py",
    "store/shadow_log.py",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_any_editor_will_do(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "file"
    file.write_bytes("key-1 é\r\nsecond\r\n".encode(encoding))
    assert text_files.read(file) == "key-1 é\nsecond\n"
    assert secret_source.from_file(file) == "key-1 é"


def test_what_is_no_text_or_never_ends_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"# \xe9\n")
    with pytest.raises(ValueError, match="save it as UTF-8"):
        text_files.read(file)
    with file.open("wb") as sparse:
        sparse.truncate(text_files.LARGEST + 1)
    with pytest.raises(ValueError, match="larger than 64 MiB"):
        text_files.read(file)


def test_nothing_else_reads_what_people_write() -> None:
    """A new file of settings has to come this way, or to be named above."""
    found = set()
    for path in _PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            reads = isinstance(node, ast.Attribute) and node.attr == "read_text"
            parses = isinstance(node, ast.Import) and node.names[0].name == "tomllib"
            if reads or parses:
                found.add(path.relative_to(_PACKAGE).as_posix())
    assert found == _OWN_FILES

"""A key that is given, by the environment or by a command."""

from __future__ import annotations

import base64
import shlex
import sys
from pathlib import Path

import pytest

from descope_mcp.configuration import secret_source
from descope_mcp.store import key_source, rotation
from descope_mcp.store.consent import used_confirmations
from descope_mcp.store.errors import StoreError, WrongKey
from descope_mcp.store.journal import hash_chain
from descope_mcp.store.journal.write_ahead import intend
from descope_mcp.store.key_source import KeySource
from descope_mcp.store.store import Store
from tests.postgres import cluster

from .journal.test_journal import ADA

MATERIAL = bytes(range(220, 252))
TEXT = base64.b64encode(MATERIAL).decode()
PRINT = shlex.join([sys.executable, "-c", f"print({TEXT!r})"])


def given(text: str = TEXT) -> KeySource:
    return key_source.given("DESCOPE_MCP_KEY", text)


SOURCES = {"env": given(), "command": key_source.command("DESCOPE_MCP_KEY_COMMAND", PRINT)}


def store(place: Path, source: KeySource, kind: str) -> Store:
    url = cluster().database() if kind == "on a server" else None
    return Store(place / "state", place / "config" / "key", url=url, key=source)


@pytest.mark.parametrize("kind", ["in files", "on a server"])
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_given_key_is_used_and_lies_in_no_file(
    tmp_path: Path, source: KeySource, kind: str
) -> None:
    own = store(tmp_path, source, kind)
    intend(own, ADA)
    assert own.key.material == MATERIAL
    assert hash_chain.problems(own)[2] == []
    again = Store(own.directory, own.key_file, url=own.url, key=source)
    assert not used_confirmations.used(again, "n")
    for opened in (own, again):
        opened.close()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(TEXT[:20].encode() in path.read_bytes() for path in files)
    assert not own.key_file.exists()


def test_either_alphabet_will_do() -> None:
    assert given(base64.urlsafe_b64encode(MATERIAL).decode()).read() == given().read()


@pytest.mark.parametrize("text", ["", "hunter2", TEXT[:-8], TEXT * 2, "ü" * 44])
def test_what_is_no_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(StoreError, match="DESCOPE_MCP_KEY gives no key: 32 bytes in base 64") as no:
        given(text).read()
    assert not text or text not in str(no.value)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import sys; print('hunter2', file=sys.stderr); sys.exit(3)", "exit code 3"),
        ("print('hunter2')", "gives no key"),
        ("import time; time.sleep(60)", "more than"),
    ],
)
def test_a_command_that_fails_says_nothing_of_what_it_said(
    script: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_source, "_PATIENCE", 1.0)
    line = shlex.join([sys.executable, "-c", script])
    with pytest.raises(StoreError, match=said) as failed:
        key_source.command("DESCOPE_MCP_KEY_COMMAND", line).read()
    assert "hunter2" not in str(failed.value)
    assert failed.value.__cause__ is None


@pytest.mark.parametrize("line", ["/nowhere/at/all", "echo 'x", ""])
def test_a_command_that_is_none_is_told(line: str) -> None:
    with pytest.raises(StoreError, match="DESCOPE_MCP_KEY_COMMAND"):
        key_source.command("DESCOPE_MCP_KEY_COMMAND", line).read()


def test_there_is_no_shell(tmp_path: Path) -> None:
    line = shlex.join([sys.executable, "-c", "print()"]) + f" ; touch {tmp_path / 'made'}"
    with pytest.raises(StoreError):
        key_source.command("DESCOPE_MCP_KEY_COMMAND", line).read()
    assert not (tmp_path / "made").exists()


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    own = store(tmp_path, given(), "in files")
    intend(own, ADA)
    own.close()
    other = given(base64.b64encode(bytes(32)).decode())
    with pytest.raises(WrongKey, match="DESCOPE_MCP_KEY does not belong"):
        _ = Store(own.directory, own.key_file, key=other).key


@pytest.mark.parametrize("kind", ["in files", "on a server"])
def test_it_is_rotated_by_way_of_a_file(tmp_path: Path, kind: str) -> None:
    """As the refusal says."""
    own = store(tmp_path, given(), kind)
    intend(own, ADA)
    with pytest.raises(rotation.NotRotated, match=r"private file.*DESCOPE_MCP_KEY_FILE"):
        rotation.rotate(own, "root")
    own.close()
    own.key_file.parent.mkdir(exist_ok=True)
    own.key_file.write_text(TEXT)
    own.key_file.chmod(0o600)
    in_file = Store(own.directory, own.key_file, url=own.url)
    rotation.rotate(in_file, "root")
    in_file.close()
    taken_back = given(own.key_file.read_text().split()[0])
    new = Store(own.directory, own.key_file, url=own.url, key=taken_back)
    assert hash_chain.problems(new)[2] == []
    assert new.key.material != MATERIAL
    with pytest.raises(WrongKey):
        _ = Store(own.directory, own.key_file, url=own.url, key=given()).key
    new.close()

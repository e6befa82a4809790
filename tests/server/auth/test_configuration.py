"""The file that says who may call, and what is wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from descope_mcp.server.auth.configuration import ConfigurationError, read
from descope_mcp.server.auth.issuer import Issuer

PROJECT = "P2aaaaaaaaaaaaaaaaaaaaaaaaaaa"
REGIONAL = "Peuc12aaaaaaaaaaaaaaaaaaaaaaaaaa"
AGENTIC = f"https://api.descope.com/v1/apps/agentic/{PROJECT}/MS2b"
KEY = "K2secretsecretsecret"
GOOD = f"""
url = "https://mcp.acme.example/"

[issuer.descope]
url = "{AGENTIC}/.well-known/openid-configuration"
claims = {{ team = "custom.team" }}

[[upstream]]
who = {{ scopes = "descope:write" }}
project = "{PROJECT}"
management_key = {{ env = "WRITERS" }}

[[upstream]]
project = "{REGIONAL}"
management_key = {{ file = "KEYFILE" }}
access_key = {{ command = ["{sys.executable}", "-c", "print('{KEY}')"] }}
"""


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WRITERS", KEY)
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n", encoding="utf-8")
    return path


def _read(tmp_path: Path, text: str) -> str:
    path = tmp_path / "auth.toml"
    path.write_text(text, encoding="utf-8")
    try:
        read(path)
    except ConfigurationError as error:
        return str(error)
    return ""


def test_a_file_that_is_right(tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "auth.toml"
    path.write_text(GOOD.replace("KEYFILE", str(keys)), encoding="utf-8")
    found = read(path)
    assert found.origin == "https://mcp.acme.example"
    assert found.issuers == (Issuer("descope", AGENTIC, claims={"team": "custom.team"}),)
    first, second = found.upstreams
    assert (first.base_url, second.base_url) == (
        "https://api.descope.com",
        "https://api.euc1.descope.com",
    )
    assert (first.credentials.management_key, second.credentials.access_key) == (KEY, KEY)
    assert KEY not in repr(found)


def test_who_decides_in_the_console(tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "auth.toml"
    path.write_text(
        f"""{HEAD}
[console]
issuer = "https://api.descope.com/{PROJECT}/.well-known/openid-configuration"
client_id = "console"
client_secret = {{ env = "WRITERS" }}
claim = "custom.roles"
roles = {{ approver = ["a", "b"] }}
""",
        encoding="utf-8",
    )
    found = read(path).console
    assert found
    assert found.issuer == f"https://api.descope.com/{PROJECT}"
    assert (found.client_secret, found.claim) == (KEY, "custom.roles")
    assert found.roles["approver"] == ("a", "b")
    assert found.roles["auditor"] == ("auditor",)
    assert KEY not in repr(found)


HEAD = 'url = "https://m.example"\n'
CONSOLE = f'{HEAD}[console]\nissuer = "https://o.example"\n'
PROJECT_ISSUER = f"https://api.descope.com/v1/apps/{PROJECT}"
FAILING = "import sys; sys.exit('" + KEY + "')"


def _upstream(key: str) -> str:
    return f'{HEAD}[[upstream]]\nproject = "{PROJECT}"\nmanagement_key = {key}'


def _issuers(**urls: str) -> str:
    return HEAD + "\n".join(f'[issuer.{name}]\nurl = "{url}"' for name, url in urls.items())


BAD = [
    ("", "url: field required"),
    ('url = "http://mcp.acme.example"', "url: must be https"),
    ('url = "https://mcp.acme.example/mcp"', "url: write the origin alone"),
    ('url = "https://u:p@mcp.acme.example"', "url: leave the user out of it"),
    ('url = "https://mcp.acme.example', "correct the file"),
    (f"{HEAD}issuers = []", "issuers: extra inputs"),
    (_issuers(token="https://a.example"), "machines have this name; choose another"),
    (_issuers(console="https://a.example"), "people of the console have this name"),
    (f'{HEAD}[issuer."a:b"]\nurl = "https://a.example"', "should match pattern"),
    (_issuers(a="ldap://a.example"), "write an address"),
    (f'{_issuers(a=PROJECT_ISSUER)}\naudience = "{PROJECT}"', "every token of the project"),
    (_issuers(a=AGENTIC, b=f"{AGENTIC}c"), "may be those of a too"),
    (_issuers(a=AGENTIC, b=PROJECT_ISSUER), "may be those of a too"),
    (_upstream(f'"{KEY}"'), "upstream.0.management_key"),
    (_upstream('{ env = "NOWHERE" }'), "the environment variable NOWHERE is not set"),
    (_upstream('{ env = "A", file = "b" }'), "name one place"),
    (_upstream('{ file = "/nowhere/key" }'), "cannot be read"),
    (
        _upstream(f'{{ command = ["{sys.executable}", "-c", "{FAILING}"] }}'),
        "ended with exit code 1",
    ),
    (_upstream('{ env = "SPACED" }'), "holds a space"),
    (f"x = {'[' * 20_000}", "levels deep"),
    (CONSOLE, "console.client_id: field required"),
    (f'{CONSOLE}client_id = "c"\nclient_secret = "{KEY}"', "console.client_secret"),
    (f'{CONSOLE}client_id = "c"\nclient_secret = {{ env = "NOWHERE" }}', "NOWHERE is not set"),
    (f'{CONSOLE}client_id = "c"\nroles = {{ boss = ["x"] }}', "console.roles.boss: extra inputs"),
    (f'{CONSOLE}client_id = "c"\nroles = {{ approver = [] }}', "console.roles.approver"),
]


@pytest.mark.parametrize(("text", "told"), BAD)
def test_what_is_wrong_with_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    monkeypatch.setenv("SPACED", f"{KEY} x")
    said = _read(tmp_path, text)
    assert told in said
    # Somebody may have put the key into the file.
    assert KEY not in said


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_saved_with_any_editor(tmp_path: Path, keys: Path, encoding: str) -> None:
    path = tmp_path / "auth.toml"
    text = GOOD.replace("KEYFILE", str(keys)).replace("\n", "\r\n")
    path.write_bytes(text.encode(encoding))
    assert read(path).origin == "https://mcp.acme.example"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        read(tmp_path / "nothing.toml")

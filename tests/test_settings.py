from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from descope_mcp.cli import wiring
from descope_mcp.settings import Settings, SettingsError, load

US = "P" + "2" * 27
REGIONAL = "Pusb1" + "2" * 27
KEY = "K" + "m" * 40


@pytest.mark.parametrize(
    ("variable", "field", "value", "wanted"),
    [
        ("DESCOPE_PROJECT_ID", "project_id", US, US),
        ("DESCOPE_BASE_URL", "base_url", "https://auth.example.com", "https://auth.example.com"),
        ("DESCOPE_BASE_URI", "base_url", "https://auth.example.com", "https://auth.example.com"),
        ("DESCOPE_MCP_TOOLSETS", "toolsets", "users,roles", "users,roles"),
        ("DESCOPE_MCP_READ_ONLY", "read_only", "true", True),
        ("DESCOPE_MCP_PRODUCTION", "production", "1", True),
        ("DESCOPE_MCP_TRUSTED_HOSTS", "trusted_hosts", "a.example", "a.example"),
        ("DESCOPE_MCP_TIMEOUT", "timeout", "2.5", 2.5),
        ("DESCOPE_MCP_WAIT", "wait", "0", 0.0),
        ("DESCOPE_MCP_SANDBOX_SEED", "sandbox_seed", "b2b", "b2b"),
        ("DESCOPE_MCP_SANDBOX_STATE", "sandbox_state", "box.db", Path("box.db")),
    ],
)
def test_each_setting_has_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, field: str, value: str, wanted: object
) -> None:
    monkeypatch.setenv(variable, value)
    assert getattr(load(), field) == wanted


SECRETS = {
    "DESCOPE_MANAGEMENT_KEY": "management_key",
    "DESCOPE_AUTH_MANAGEMENT_KEY": "auth_management_key",
    "DESCOPE_ACCESS_KEY": "access_key",
}


@pytest.mark.parametrize(("variable", "field"), SECRETS.items())
def test_secrets_are_read_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, field: str
) -> None:
    monkeypatch.setenv(variable, KEY)
    settings = load()
    assert getattr(settings, field).get_secret_value() == KEY
    assert KEY not in f"{settings!r}{settings}{settings.model_dump()}{settings.model_dump_json()}"


def test_the_command_line_overrides_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESCOPE_MCP_TOOLSETS", "users")
    monkeypatch.setenv("DESCOPE_MCP_READ_ONLY", "true")
    monkeypatch.setenv("DESCOPE_BASE_URI", "https://from-the-environment.example")
    assert load(toolsets="roles", read_only=None).toolsets == "roles"
    assert load(toolsets="roles", read_only=None).read_only is True
    assert load(read_only=False).read_only is False
    assert load(base_url="https://given.example").api_url == "https://given.example"


def test_of_both_names_of_the_base_url_the_one_of_this_server_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DESCOPE_BASE_URI", "https://uri.example")
    monkeypatch.setenv("DESCOPE_BASE_URL", "https://url.example")
    assert load().api_url == "https://url.example"


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DESCOPE_MCP_STATE", "DESCOPE_MCP_KEY_FILE"):
        monkeypatch.delenv(name)
    untouched = load()
    for field in Settings.model_fields.values():
        alias = field.validation_alias
        for name in [alias] if isinstance(alias, str) else getattr(alias, "choices", []):
            monkeypatch.setenv(str(name), "")
    assert load() == untouched


UNFILLED = "is a placeholder that nothing has filled in"
MALFORMED = [
    ("DESCOPE_PROJECT_ID", "Q" + "2" * 27, "begins with P"),
    ("DESCOPE_PROJECT_ID", US + "\n", "ends in a line break"),
    ("DESCOPE_PROJECT_ID", KEY, "is a key; it belongs in DESCOPE_MANAGEMENT_KEY"),
    ("DESCOPE_PROJECT_ID", "<project id>", "placeholder"),
    ("DESCOPE_MANAGEMENT_KEY", "${DESCOPE_MANAGEMENT_KEY}", UNFILLED),
    ("DESCOPE_MANAGEMENT_KEY", "$DESCOPE_MANAGEMENT_KEY", "placeholder"),
    ("DESCOPE_MANAGEMENT_KEY", "%DESCOPE_MANAGEMENT_KEY%", "placeholder"),
    ("DESCOPE_MANAGEMENT_KEY", "{{ secrets.KEY }}", "placeholder"),
    ("DESCOPE_MANAGEMENT_KEY", "your-management-key", "placeholder"),
    ("DESCOPE_MANAGEMENT_KEY", f'"{KEY}"', "stands in quotes that are passed on with it"),
    ("DESCOPE_MANAGEMENT_KEY", f"'{KEY}'", "in quotes"),
    ("DESCOPE_MANAGEMENT_KEY", f"{KEY}\n", "ends in a line break"),
    ("DESCOPE_MANAGEMENT_KEY", f"{KEY}\r\n", "ends in a line break"),
    ("DESCOPE_MANAGEMENT_KEY", US, "is a project id; it belongs in DESCOPE_PROJECT_ID"),
    ("DESCOPE_MANAGEMENT_KEY", REGIONAL, "is a project id"),
    ("DESCOPE_MANAGEMENT_KEY", f"Bearer {KEY}", "begins with Bearer"),
    ("DESCOPE_MANAGEMENT_KEY", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJVMSJ9.c2ln", "token of a session"),
    ("DESCOPE_MANAGEMENT_KEY", "https://api.descope.com", "belongs in DESCOPE_BASE_URL"),
    ("DESCOPE_MCP_STATE", "${STATE}", "placeholder"),
    ("DESCOPE_MCP_READ_ONLY", "${READ_ONLY}", "placeholder"),
    ("DESCOPE_BASE_URL", '"https://auth.example"', "in quotes"),
    ("DESCOPE_PROJECT_ID", "P2.evil.example/" + "2" * 27, "begins with P"),
    ("DESCOPE_PROJECT_ID", f"{US}:{KEY}", "begins with P"),
    ("DESCOPE_MANAGEMENT_KEY", f"{KEY} {KEY}", "copy it again"),
    ("DESCOPE_MANAGEMENT_KEY", f"{KEY}\r\nX-Other: 1", "copy it again"),
    ("DESCOPE_MANAGEMENT_KEY", f"{US}:{KEY}", "without the project id"),
    ("DESCOPE_AUTH_MANAGEMENT_KEY", f"„{KEY}“", "in quotes"),
    ("DESCOPE_ACCESS_KEY", f"{KEY}\t", "copy it again"),
    ("DESCOPE_BASE_URL", "api.descope.example", "looks like `https://"),
    ("DESCOPE_BASE_URL", "ftp://api.descope.example", "looks like `https://"),
    ("DESCOPE_BASE_URL", "https:///v1", "looks like `https://"),
    ("DESCOPE_BASE_URL", " https://auth.example", "has a space around it"),
    ("DESCOPE_BASE_URL", "https://auth.example\n", "ends in a line break"),
    ("DESCOPE_BASE_URL", "https://a b.example", "looks like `https://"),
    ("DESCOPE_BASE_URL", "https://[::1", "looks like `https://"),
    ("DESCOPE_BASE_URL", "https://auth.example:99999", "looks like `https://"),
    ("DESCOPE_BASE_URL", "https://ex℀mple.example", "looks like `https://"),
    ("DESCOPE_BASE_URL", "https://auth.example/?x=1", "looks like `https://"),
    ("DESCOPE_BASE_URL", "https://auth.example?", "looks like `https://"),
    ("DESCOPE_BASE_URL", "https://auth.example/#top", "looks like `https://"),
    ("DESCOPE_BASE_URL", "https://user:word@auth.example", "looks like `https://"),
    ("DESCOPE_BASE_URL", "https://:word@auth.example", "looks like `https://"),
    ("DESCOPE_BASE_URL", "http://auth.example", "must be https"),
    ("DESCOPE_MCP_READ_ONLY", "perhaps", "true or false"),
    ("DESCOPE_MCP_PRODUCTION", "nope!", "true or false"),
    ("DESCOPE_MCP_TIMEOUT", "soon", "number of seconds"),
    ("DESCOPE_MCP_WAIT", "-1", "number of seconds"),
    ("DESCOPE_MCP_CONSOLE_URL", "http://mcp.example.com/console", "must be https"),
    ("DESCOPE_MCP_CONSOLE_URL", "https://mcp.example.com/console?a=b", "mcp.example.com/console"),
    ("DESCOPE_MCP_TIMEOUT", "-0.25", "number of seconds"),
    ("DESCOPE_MCP_TIMEOUT", "86499", "number of seconds"),
    ("DESCOPE_MCP_TIMEOUT", "nan", "number of seconds"),
]


@pytest.mark.parametrize(("variable", "value", "remedy"), MALFORMED)
def test_a_malformed_value_is_one_line_with_a_remedy_and_without_the_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, remedy: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load()
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{variable}: ")
    assert remedy in line
    assert value not in "".join(traceback.format_exception(caught.value))


def test_every_malformed_setting_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESCOPE_PROJECT_ID", "wrong")
    monkeypatch.setenv("DESCOPE_MCP_TIMEOUT", "wrong")
    with pytest.raises(SettingsError) as caught:
        load()
    lines = str(caught.value).splitlines()
    names = [line.partition(":")[0] for line in lines]
    assert sorted(names) == ["DESCOPE_MCP_TIMEOUT", "DESCOPE_PROJECT_ID"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"])
def test_plain_http_is_for_this_machine(host: str) -> None:
    assert load(base_url=f"http://{host}:8080").api_url == f"http://{host}:8080"


@pytest.mark.parametrize(
    "host",
    [
        "api.descope.example",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "localhost.example",
        "127.0.0.1.example",
    ],
)
def test_plain_http_is_for_no_other_machine(host: str) -> None:
    with pytest.raises(SettingsError, match="must be https"):
        load(base_url=f"http://{host}")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, "https://api.descope.com"),
        ({"project_id": US}, "https://api.descope.com"),
        ({"project_id": REGIONAL}, "https://api.usb1.descope.com"),
        (
            {"project_id": REGIONAL, "base_url": "https://auth.example.com/"},
            "https://auth.example.com",
        ),
        ({"base_url": "https://auth.example.com/descope//"}, "https://auth.example.com/descope"),
    ],
)
def test_where_the_api_is(given: dict[str, str], wanted: str) -> None:
    assert load(**given).api_url == wanted


def test_trusted_hosts_are_a_list() -> None:
    assert load(trusted_hosts=" App.example.com, , b.example").hosts == {
        "app.example.com",
        "b.example",
    }
    assert load().hosts == frozenset()


def test_a_misspelt_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESCOPE_MCP_READONLY", "true")
    with pytest.raises(SettingsError, match="did you mean DESCOPE_MCP_READ_ONLY"):
        load()


KEPT = {
    "DESCOPE_MCP_DATABASE_URL": "postgresql://me:hunter2@db.example/store",
    "DESCOPE_MCP_KEY": "hunter2hunter2hunter2hunter2",
    "DESCOPE_MCP_KEY_COMMAND": "vault kv get -field=hunter2 secret/key",
}


@pytest.mark.parametrize(("variable", "value"), KEPT.items())
def test_what_opens_the_store_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.delenv("DESCOPE_MCP_KEY_FILE")
    monkeypatch.setenv(variable, value)
    settings = load()
    shown = f"{settings!r}{settings}{settings.model_dump()}{settings.model_dump_json()}"
    assert "hunter2" not in f"{shown}{vars(wiring.store(settings))}"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"DESCOPE_MCP_DATABASE_URL": "postgresql://me:hunter2@x@h/d"},
            "not the address of a",
        ),
        ({"DESCOPE_MCP_KEY_FILE": "/key", "DESCOPE_MCP_KEY": "hunter2"}, "set one of them"),
        ({"DESCOPE_MCP_KEY": "hunter2", "DESCOPE_MCP_KEY_COMMAND": "hunter2"}, "set one of them"),
    ],
)
def test_a_store_that_cannot_be_meant_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    monkeypatch.delenv("DESCOPE_MCP_KEY_FILE")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=said) as wrong:
        load()
    assert "hunter2" not in str(wrong.value)

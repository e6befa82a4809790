from __future__ import annotations

import base64
import datetime
import email.utils
import json
import shutil
from pathlib import Path
from typing import Any

import anyio
import pytest

from descope_mcp.cli.commands.doctor import _kept
from descope_mcp.cli.main import FAILED
from descope_mcp.store.store import Store

from ..api.sockets import answer, closed_port, serving
from ..recorder import MANAGEMENT_KEY, PROJECT
from .processes import run

TESTS = ["settings", "catalog", "project", "state", "reachability", "clock", "management key"]


def doctor(*options: str, **env: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the findings by test."""
    done = run("doctor", "--json", *options, env=env)
    assert done.stderr == ""
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {finding["test"]: finding for finding in findings}


def failed(findings: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What failed, with its remedy."""
    return {name: one["remedy"] for name, one in findings.items() if not one["ok"]}


def test_the_sandbox_is_well() -> None:
    code, findings = doctor("--sandbox")
    assert (code, list(findings), failed(findings)) == (0, TESTS, {})
    plain = run("doctor", "--sandbox")
    assert plain.returncode == 0
    assert [line.split()[0] for line in plain.stdout.splitlines()] == ["ok"] * len(TESTS)


def test_where_each_setting_came_from() -> None:
    _, findings = doctor(
        "--sandbox", DESCOPE_BASE_URI="https://uri.example", DESCOPE_MCP_TIMEOUT=""
    )
    found = findings["settings"]["found"]
    assert "DESCOPE_BASE_URI from the environment" in found
    assert "DESCOPE_MCP_STATE from the environment" in found
    # An empty one is not set.
    assert "TIMEOUT" not in found


def test_a_wrong_key(sandbox: dict[str, str]) -> None:
    wrong = "K" + "w" * 40
    code, findings = doctor(**{**sandbox, "DESCOPE_MANAGEMENT_KEY": wrong})
    assert (code, list(findings)) == (FAILED, TESTS)
    assert list(failed(findings)) == ["management key"]
    assert "Check the key" in failed(findings)["management key"]
    assert wrong not in str(findings)
    plain = run("doctor", env={**sandbox, "DESCOPE_MANAGEMENT_KEY": wrong})
    assert "FAIL management key" in plain.stdout
    assert wrong not in plain.stdout


def test_a_project_that_is_not_there(sandbox: dict[str, str]) -> None:
    code, findings = doctor(**{**sandbox, "DESCOPE_PROJECT_ID": PROJECT})
    assert code == FAILED
    assert "DESCOPE_PROJECT_ID" in failed(findings)["management key"]


def test_nothing_set(sandbox: dict[str, str]) -> None:
    code, findings = doctor(DESCOPE_BASE_URL=sandbox["DESCOPE_BASE_URL"])
    remedies = failed(findings)
    assert (code, list(remedies)) == (FAILED, ["project", "management key"])
    assert "Set DESCOPE_PROJECT_ID" in remedies["project"]
    assert "Set DESCOPE_MANAGEMENT_KEY" in remedies["management key"]


def test_nobody_answers() -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    code, findings = doctor(DESCOPE_PROJECT_ID=PROJECT, DESCOPE_BASE_URL=url)
    remedies = failed(findings)
    assert (code, list(remedies)) == (FAILED, ["management key", "reachability"])
    assert "DESCOPE_BASE_URL" in remedies["reachability"]


def test_certificates_that_are_not_there() -> None:
    url = f"https://127.0.0.1:{closed_port()}"
    code, findings = doctor(DESCOPE_BASE_URL=url, SSL_CERT_FILE="/nowhere/ca.pem")
    assert code == FAILED
    assert "SSL_CERT_FILE" in failed(findings)["reachability"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("date", "ok"),
    [
        (-3600, False),
        (3600, False),
        (-20, True),
        ("no date", True),
        ("Mon, 99999999999999999999 Jan 2030 00:00:00 GMT", True),
    ],
)
async def test_a_clock_that_is_off(date: int | str, ok: bool) -> None:
    if isinstance(date, int):
        moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=date)
        date = email.utils.format_datetime(moment, usegmt=True)
    keys = {"DESCOPE_PROJECT_ID": PROJECT, "DESCOPE_MANAGEMENT_KEY": MANAGEMENT_KEY}
    async with serving(answer(200, {"permissions": []}, (("Date", date),))) as server:
        code, findings = await anyio.to_thread.run_sync(
            lambda: doctor(**keys, DESCOPE_BASE_URL=server.url)
        )
    assert (code, list(failed(findings))) == ((0, []) if ok else (FAILED, ["clock"]))
    assert ok or "NTP" in failed(findings)["clock"]
    assert ok or findings["clock"]["found"].endswith(" s off")


def test_a_state_directory_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = str(tmp_path / "file" / "state")
    ended = run("doctor", "--sandbox", "--json", env={"DESCOPE_MCP_STATE": place})
    found = {line["test"]: line for line in map(json.loads, ended.stdout.splitlines())}
    assert not found["state"]["ok"]
    assert "DESCOPE_MCP_STATE" in found["state"]["remedy"]
    new = ["CreateTenant", "--arguments", '{"name": "x"}']
    refused = run("call", *new, "--sandbox", env={"DESCOPE_MCP_STATE": place})
    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr.startswith("descope-mcp: Nothing was sent, since")
    read = run("call", "LoadAllTenants", "--sandbox", env={"DESCOPE_MCP_STATE": place})
    assert read.returncode == 0


def test_a_file_that_says_who_may_call(tmp_path: Path, sandbox: dict[str, str]) -> None:
    file = tmp_path / "auth.toml"
    wrong = "K" + "w" * 40
    place = {"DESCOPE_MCP_AUTH": str(file), "OWN_KEY": sandbox["DESCOPE_MANAGEMENT_KEY"]}
    file.write_text('url = "https://mcp.example/mcp"\n[issuer.token]\nurl = "no address"\n')
    _, findings = doctor(**sandbox, **place)
    assert list(failed(findings)) == ["callers"]
    assert "issuer.token.url: write an address" in findings["callers"]["found"]

    way = f"""
[[upstream]]
project = "{sandbox["DESCOPE_PROJECT_ID"]}"
management_key = {{ env = "OWN_KEY" }}
base_url = "{sandbox["DESCOPE_BASE_URL"]}"
"""
    file.write_text(f'url = "https://mcp.example"\n{way}')
    # The file's keys are used, and not that of the settings.
    given = {**sandbox, "DESCOPE_MANAGEMENT_KEY": wrong, "DESCOPE_PROJECT_ID": ""}
    code, findings = doctor(**given, **place)
    assert (code, failed(findings)) == (0, {})
    assert "https://mcp.example" in findings["callers"]["found"]
    _, findings = doctor(**given, **{**place, "OWN_KEY": wrong})
    assert list(failed(findings)) == [f"management key of {sandbox['DESCOPE_PROJECT_ID']}"]

    file.write_text(
        f'url = "https://mcp.example"\n[issuer.away]\nurl = "http://127.0.0.1:9/i"\n{way}'
    )
    _, findings = doctor(**given, **place)
    assert "keys of away" in findings["callers"]["found"]
    assert not findings["callers"]["ok"]


def test_what_a_server_would_not_start_with_is_found(tmp_path: Path) -> None:
    file = tmp_path / "notices.toml"
    file.write_text('[webhook.ops]\nurl = { env = "OPS_URL" }\nkey = { env = "OPS_KEY" }\n')
    code, findings = doctor("--sandbox", DESCOPE_MCP_NOTICES=str(file))
    assert (code, list(failed(findings))) == (FAILED, ["notices"])
    assert "is not set" in findings["notices"]["found"]
    env = {"OPS_URL": "https://x.example", "OPS_KEY": base64.b64encode(bytes(32)).decode()}
    code, findings = doctor("--sandbox", DESCOPE_MCP_NOTICES=str(file), **env)
    assert (code, "ops" in findings["notices"]["found"]) == (0, True), findings


def test_a_disk_without_room_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What refuses a change for want of room sends here, so that it has to be found here."""
    store = Store(tmp_path / "state", tmp_path / "config" / "key")
    assert _kept(store).ok
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=200 * 1024))
    found = _kept(store)
    assert not found.ok
    assert f"{tmp_path}/state: its disk is full (200 KiB are left)" in found.found
    assert "Make room" in found.remedy

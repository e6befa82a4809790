"""`serve --http --auth` as a process: who is let in, and what is wrong with a file."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from descope_mcp.cli.main import USAGE
from tests.server.http.served import headers, message

from .processes import BASE, PRELOADED, run

POLICY = '[[rule]]\noperation = "DeleteUser"\nwho = { rank = "x" }\ndecision = "deny"\n'
#: Nobody answers for this issuer.
FILE = """
url = "https://mcp.acme.example"
[issuer.away]
url = "http://127.0.0.1:9/issuer"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "auth.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


@contextmanager
def _serving(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server on any port, and its address."""
    process = subprocess.Popen(
        [PRELOADED, "serve", "--sandbox", "--http", "127.0.0.1:0", *arguments],
        env=BASE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"serving (http://\S+)", said)
        assert found, said
        yield found[1], process
    finally:
        process.terminate()
        process.wait(30)
        if process.stderr:
            process.stderr.close()


def test_a_machine_with_a_token_is_let_in_and_nobody_else(tmp_path: Path, file: Path) -> None:
    place, rules = tmp_path / "token", tmp_path / "p.toml"
    rules.write_text(POLICY, encoding="utf-8")
    create = ("tokens", "create", "nightly", "--scope", "descope:read", "--for", "1h")
    assert run(*create, "--output", str(place)).returncode == 0
    token = place.read_text(encoding="utf-8").strip()
    more = ("--auth", str(file), "--policy", str(rules))
    with _serving(*more) as (url, process), httpx2.Client(timeout=30) as http:
        assert process.stderr is not None
        assert "The keys of away (http://127.0.0.1:9/issuer)" in process.stderr.readline()
        assert "no issuer says rank of a caller" in process.stderr.readline()
        sent = headers("tools/call", "descope_read")
        call = {"name": "descope_read", "arguments": {"operation": "LoadAllRoles"}}
        for name, given, status in (
            ("mcp.acme.example", {"authorization": f"Bearer {token}"}, 200),
            ("mcp.acme.example", {"authorization": f"Bearer {token}0"}, 401),
            ("mcp.acme.example", {}, 401),
            ("evil.example", {"authorization": f"Bearer {token}"}, 421),
        ):
            body = message("tools/call", call)
            answer = http.post(url, json=body, headers={**sent, **given, "host": name})
            assert answer.status_code == status, answer.text
            if status == 200:
                assert '"isError":false' in answer.text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name a file with --auth"),
        (("--auth", "FILE", "--no-auth"), "drop one of both"),
        (("--auth", "/nowhere/auth.toml"), "no such file"),
    ],
)
def test_what_does_not_start(file: Path, arguments: tuple[str, ...], told: str) -> None:
    given = [str(file) if one == "FILE" else one for one in arguments]
    done = run("serve", "--sandbox", "--http", "127.0.0.1:0", *given)
    assert (done.returncode, told in done.stderr) == (USAGE, True), done.stderr
    assert run("serve", "--sandbox", "--auth", str(file)).returncode == USAGE


def test_the_console_is_where_the_file_has_one(tmp_path: Path, file: Path) -> None:
    with _serving("--auth", str(file)) as (url, _):
        away = httpx2.get(url.replace("/mcp", "/console/"), headers={"host": "mcp.acme.example"})
    assert away.status_code == 401  # no page, but a call without a token
    text = f'{FILE}[console]\nissuer = "http://127.0.0.1:9/people"\nclient_id = "console"\n'
    file.write_text(text, encoding="utf-8")
    with (
        _serving("--auth", str(file)) as (url, process),
        httpx2.Client(base_url=url.replace("/mcp", "/console"), timeout=30) as http,
    ):
        http.headers["host"] = "mcp.acme.example"
        home = http.get("/")
        assert home.headers["location"] == "/console/sign-in?to="
        assert "frame-ancestors 'none'" in home.headers["content-security-policy"]
        assert "strict-transport-security" in home.headers
        # Nobody is let in while the provider does not answer.
        assert http.get("/sign-in").status_code == 503
        assert http.get("/", headers={"host": "evil.example"}).status_code == 421
        with http.stream("GET", "/live") as stream:
            assert stream.status_code in (303, 401)
        process.terminate()
        assert process.wait(20) in (143, 130)

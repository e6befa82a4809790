"""`descope-mcp sandbox` as a process: it begins with a seed file, is waited for, and exported."""

from __future__ import annotations

import http.server
import json
import os
import signal
import stat
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from descope_mcp.cli.commands import sandbox_files, sandbox_record
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.recording.recorder import Recorder

from .processes import BASE, PRELOADED, run, settings_of

ROOT = Path(__file__).parents[2]
SEED = """\
seed: 1
calls:
  - {operation: CreateTenant, arguments: {id: globex, name: Globex}}
"""


def image_command() -> list[str]:
    """What the image for tests runs."""
    stage = (ROOT / "Dockerfile").read_text().partition(" AS sandbox\n")[2].partition("\nFROM")[0]
    command: list[str] = json.loads(stage.rpartition("\nCMD ")[2].splitlines()[0])
    return command


def status(url: str, host: str) -> int:
    request = urllib.request.Request(f"{url}/sandbox", headers={"Host": host})
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_seed_file_is_begun_with_and_exported_again(tmp_path: Path) -> None:
    seed, exported = tmp_path / "seed.yaml", tmp_path / "exported.yaml"
    seed.write_text(SEED)
    command = [PRELOADED, *image_command(), "--port", "0", "--seed", str(seed), "--keys", "7"]
    with subprocess.Popen(command, env=BASE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            settings = settings_of([process.stdout.readline() for _ in range(3)])
            url = settings["DESCOPE_BASE_URL"]
            assert status(url, "descope:8080") == 200, "as other containers call it"
            assert status(url, "evil.example") == 403
            waited = run("sandbox", "wait", url, "--json")
            assert settings["DESCOPE_PROJECT_ID"] in waited.stdout
            open_to_all = tmp_path / "open.yaml"
            open_to_all.write_text("mine")
            refused = run("sandbox", "export", url, "--secrets", "--output", str(open_to_all))
            done = run("sandbox", "export", url, "--output", str(exported))
        finally:
            process.kill()
    assert done.stdout == f"Written to {exported}.\n"
    assert (refused.returncode, open_to_all.read_text()) == (1, "mine")
    assert "name a file that does not exist" in refused.stderr
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    text = exported.read_text()
    assert "id: globex" in text
    assert settings["DESCOPE_MANAGEMENT_KEY"] not in text


def test_what_is_wrong_with_a_seed_is_one_message(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("seed: 1\nrecords:\n  tenant: []\n")
    done = run("sandbox", "--seed", str(seed))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"descope-mcp: {seed}:3: there are no records called tenant; did you mean tenants?\n"
    )


def test_what_a_recording_leaves_out_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def recorded(
        recorder: Recorder, base_url: str, port: int, write: Callable[[], None]
    ) -> None:
        users = [{"userId": "U1", "loginIds": [["x"]]}, {"userId": "U2", "loginIds": ["y"]}]
        recorder.hear("SearchUsers", {}, {"users": users})
        write()

    monkeypatch.setattr(sandbox_record, "_recorded", recorded)
    seed = tmp_path / "seed.yaml"
    command = ["--from", "http://127.0.0.1:9", "--output", str(seed)]
    done = CliRunner().invoke(sandbox_record.record, command)
    assert (done.exit_code, done.stdout.splitlines()[1:]) == (
        0,
        ["Left out, since they contradict what else was heard: users U1."],
    )
    assert "Writing what 1 answers say" in done.stderr
    assert "userId: U2" in seed.read_text()
    again = CliRunner().invoke(sandbox_record.record, command)
    assert (again.exit_code, "name a file that does not exist" in again.output) == (1, True)


def test_a_second_signal_does_not_end_the_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Recorder.state

    def interrupted(recorder: Recorder) -> State:
        os.kill(os.getpid(), signal.SIGINT)
        return made(recorder)

    monkeypatch.setattr(Recorder, "state", interrupted)
    # The first comes as soon as the address is told.
    monkeypatch.setattr(
        sandbox_record.output,
        "said",
        lambda text, **more: os.kill(os.getpid(), signal.SIGINT) if "URL" in text else None,
    )
    seed = tmp_path / "seed.yaml"
    command = ["--from", "http://127.0.0.1:9", "--output", str(seed)]
    done = CliRunner().invoke(sandbox_record.record, command)
    assert done.exit_code == 0
    assert "\nseed: 1\n" in seed.read_text()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"status":"ok"}'),
        ("application/json", b'["projectId"]'),
        ("text/html", b"<html>welcome</html>"),
        ("application/json", b"[" * 100_000),
    ],
)
def test_what_answers_otherwise_is_no_sandbox(tmp_path: Path, kind: str, body: bytes) -> None:
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *said: Any) -> None:
            pass

    file = tmp_path / "seed.yaml"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        waited = CliRunner().invoke(sandbox_files.wait, [url, "--timeout", "0.1"])
        exported = CliRunner().invoke(sandbox_files.export, [url, "--output", str(file)])
        server.shutdown()
        thread.join()
    for done in (waited, exported):
        assert done.exit_code == 1
        assert "something else answers there" in done.output
    assert not file.exists()


def test_nobody_is_waited_for_longer_than_asked() -> None:
    done = run("sandbox", "wait", "http://127.0.0.1:9", "--timeout", "0.1", "--json")
    assert done.returncode == 1
    assert "within 0.1 seconds" in done.stdout

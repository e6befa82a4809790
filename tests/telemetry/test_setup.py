"""What the environment turns on, in real processes, with a collector on a socket."""

from __future__ import annotations

import http.server
import json
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from opentelemetry.trace import NoOpTracer

from descope_mcp.telemetry.providers import begun
from descope_mcp.telemetry.setup import wanted
from tests.cli.processes import BASE, COMMAND, run

READ = ("call", "LoadAllTenants", "--sandbox")


@pytest.mark.parametrize(
    ("environment", "traces", "metrics"),
    [
        ({}, [], []),
        ({"OTEL_SERVICE_NAME": "x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, [], []),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "x"}, ["otlp_proto_http"], ["otlp_proto_http"]),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "x"}, ["otlp_proto_http"], []),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            ["otlp_proto_grpc"],
            ["otlp_proto_grpc"],
        ),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ["console", "otlp_proto_http"], []),
        (
            {"OTEL_TRACES_EXPORTER": "None", "OTEL_METRICS_EXPORTER": "prometheus"},
            [],
            ["prometheus"],
        ),
        ({"OTEL_SDK_DISABLED": "TRUE", "OTEL_TRACES_EXPORTER": "console"}, [], []),
    ],
)
def test_what_the_variables_ask_for(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    traces: list[str],
    metrics: list[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (wanted("TRACES"), wanted("METRICS")) == (traces, metrics)


def test_nothing_is_loaded_where_nothing_is_asked_for() -> None:
    code = (
        "import sys, anyio\n"
        "from descope_mcp import settings\n"
        "from descope_mcp.cli import wiring\n"
        "async def main():\n"
        "    async with wiring.services(settings.load()) as services:\n"
        "        from descope_mcp.call.outcome import Call\n"
        "        from descope_mcp.call.invoke import invoke\n"
        "        await invoke(Call('LoadUser', {}, 'x'), services)\n"
        "anyio.run(main)\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=BASE, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_stdout_belongs_to_the_answer() -> None:
    env = {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "console"}
    done = run(*READ, env=env)
    assert done.returncode == 0
    json.loads(done.stdout)
    assert '"name": "call LoadAllTenants"' in done.stderr
    assert "descope_mcp.calls" in done.stderr


@contextmanager
def collecting() -> Iterator[tuple[str, dict[str, bytes]]]:
    """A collector that keeps what it gets, by path."""
    got: dict[str, bytes] = {}

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got[self.path] = got.get(self.path, b"") + body
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", got
        server.shutdown()


def test_a_collector_gets_both() -> None:
    with collecting() as (url, got):
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
        done = run(*READ, env={**env, "OTEL_SERVICE_NAME": "mine"})
    assert done.returncode == 0
    assert set(got) == {"/v1/traces", "/v1/metrics"}
    assert b"call LoadAllTenants" in got["/v1/traces"]
    assert b"descope_mcp.calls" in got["/v1/metrics"]
    assert all(b"mine" in body for body in got.values())


def test_a_collector_that_never_answers_keeps_nobody_waiting() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        # The exporter's own patience is longer than that of the test.
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_TIMEOUT": "600"}
        assert run(*READ, env=env).returncode == 0


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"OTEL_TRACES_EXPORTER": "jaeger"}, "OTEL_TRACES_EXPORTER: no exporter 'jaeger'"),
        (
            {"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": "none"},
            "OTEL_METRICS_EXPORTER: prometheus cannot begin (ValueError)",
        ),
    ],
)
def test_what_cannot_be_had_is_warned_about(env: dict[str, str], said: str) -> None:
    done = run(*READ, env=env)
    assert done.returncode == 0
    assert said in done.stderr


@pytest.mark.parametrize(
    ("environment", "signal"),
    [
        ({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "5000"}, "traces"),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "0"}, "traces"),
        ({"OTEL_BSP_SCHEDULE_DELAY": "-1"}, "traces"),
        ({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "abc"}, "traces"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "0"}, "metrics"),
        ({"OTEL_METRICS_EXEMPLAR_FILTER": "bogus"}, "metrics"),
    ],
)
def test_a_number_that_the_sdk_refuses_keeps_nothing_from_starting(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], signal: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    warnings: list[str] = []
    recorder, end = begun(["console"], ["console"], warnings.append)
    end()
    assert isinstance(recorder.tracer, NoOpTracer) is (signal == "traces")
    (said,) = warnings
    assert said.startswith(f"{signal} cannot begin (")
    assert next(iter(environment.values())) not in said


def test_without_the_extra_the_server_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['opentelemetry.sdk'] = None\n"
        "from descope_mcp.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *READ],
        env={**BASE, "OTEL_TRACES_EXPORTER": "otlp"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert 'install "descope-mcp[telemetry]"' in done.stderr


def test_prometheus_has_a_port_of_its_own() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {
        **BASE,
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
    }
    with subprocess.Popen(
        [COMMAND, "serve", "--sandbox"],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin
        assert server.stdout
        ask(
            server,
            1,
            "initialize",
            protocolVersion="2025-11-25",
            capabilities={},
            clientInfo=CLIENT,
        )
        ask(server, 2, "tools/call", name="descope_read", arguments={"operation": "LoadAllTenants"})
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            page = answer.read().decode()
        server.stdin.close()
        assert server.wait(30) == 0
    assert re.search(r"^descope_mcp_calls_\w*total\{.*LoadAllTenants.*\} 1", page, re.MULTILINE)
    assert re.search(
        r"^mcp_server_operation_duration_seconds_count\{.*descope_read", page, re.MULTILINE
    )


CLIENT = {"name": "tests", "version": "1"}


def ask(server: subprocess.Popen[str], number: int, method: str, **params: object) -> None:
    """Send a request, and wait for the answer to it."""
    assert server.stdin
    assert server.stdout
    request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    server.stdin.write(json.dumps(request) + "\n")
    server.stdin.flush()
    while json.loads(server.stdout.readline()).get("id") != number:
        pass

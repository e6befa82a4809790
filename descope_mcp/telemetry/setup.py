"""Telling an OpenTelemetry SDK, as the standard environment variables say.

Only where they ask for it: an exporter by name, or an OTLP endpoint. Nothing of this keeps a
server from starting, and none of it makes one end late.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from descope_mcp.telemetry import stages

Signal = Literal["TRACES", "METRICS"]


@contextmanager
def telling(warn: Callable[[str], None]) -> Iterator[None]:
    """Tell what the environment asks for while the context lasts.

    `warn` gets a sentence for all that cannot be had.
    """
    traces, metrics = wanted("TRACES"), wanted("METRICS")
    if not traces and not metrics:
        yield
        return
    try:
        from descope_mcp.telemetry import providers
    except ImportError:
        warn('OTEL_* asks for traces or metrics; install "descope-mcp[telemetry]" to have them')
        yield
        return
    recorder, end = providers.begun(traces, metrics, warn)
    stages.tell(recorder)
    try:
        yield
    finally:
        stages.tell(None)
        end()


def wanted(signal: Signal) -> list[str]:
    """The names of the exporters that the environment asks for, as entry points call them.

    OTLP is the default of the specification; here it takes an endpoint, since a server that runs
    beside an editor is not to look for a collector by itself.
    """
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    default = "otlp" if any(os.environ.get(name) for name in endpoints) else "none"
    named = os.environ.get(f"OTEL_{signal}_EXPORTER") or default
    names = [name.strip().lower() for name in named.split(",")]
    return [_otlp(signal) if n == "otlp" else n for n in names if n not in ("", "none")]


def _otlp(signal: Signal) -> str:
    """The name of the exporter of OTLP by the protocol that the environment names."""
    variables = (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    given = next((os.environ[name] for name in variables if os.environ.get(name)), "")
    return "otlp_proto_grpc" if given.strip().lower() == "grpc" else "otlp_proto_http"

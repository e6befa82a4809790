"""The SDK's providers: this program's own, and never those of the process.

So no library tells anything through them: what others would say of a request (its URL, its
headers, the arguments of a tool) is not theirs to let out.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import entry_points
from typing import Any, TypeVar

from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.trace import NoOpTracer, Tracer

from descope_mcp import __version__
from descope_mcp.telemetry.recorder import Recorder

#: For so many seconds what is left is sent when the program ends.
_LAST_WORDS = 3.0
_NAME = "descope-mcp"
#: The variables that the SDK reads for each signal beside those of its exporters.
_NUMBERS = {
    "traces": "OTEL_BSP_* and OTEL_*_LIMIT",
    "metrics": "OTEL_METRIC_EXPORT_* and OTEL_METRICS_EXEMPLAR_FILTER",
}

_Provider = TypeVar("_Provider", TracerProvider, MeterProvider)


def begun(
    traces: Sequence[str], metrics: Sequence[str], warn: Callable[[str], None]
) -> tuple[Recorder, Callable[[], None]]:
    """A recorder on the exporters of these names, and what ends it.

    Args:
        traces: names of exporters of spans.
        metrics: names of exporters and readers of metrics.
        warn: gets a sentence for every one of them that cannot be had; the others go on.
    """
    tracer: Tracer = NoOpTracer()
    meter: Meter = NoOpMeter(_NAME)
    ends: list[Callable[[], None]] = []
    if spans := _provider("traces", traces, _spans, warn):
        tracer = spans.get_tracer(_NAME, __version__)
        ends.append(spans.shutdown)
    if meters := _provider("metrics", metrics, _meters, warn):
        meter = meters.get_meter(_NAME, __version__)
        ends.append(meters.shutdown)

    def end() -> None:
        # A collector that does not answer keeps nobody waiting.
        threads = [threading.Thread(target=one, daemon=True) for one in ends]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_LAST_WORDS)

    return Recorder(tracer, meter), end


def _provider(
    signal: str,
    names: Sequence[str],
    provide: Callable[[list[Any]], _Provider],
    warn: Callable[[str], None],
) -> _Provider | None:
    """What `provide` makes of the exporters of these names; None if there are none, or it fails.

    The SDK reads its limits, queues and intervals from the environment while it is made.
    """
    exporters = _made(signal, names, warn)
    if not exporters:
        return None
    try:
        return provide(exporters)
    except Exception as error:  # noqa: BLE001 - whatever it is, calls go on without it
        # What it says may hold the value of a variable.
        kind = type(error).__name__
        warn(f"{signal} cannot begin ({kind}); look at the numbers in {_NUMBERS[signal]}")
    for exporter in exporters:
        with suppress(Exception):
            exporter.shutdown()
    return None


def _spans(exporters: list[Any]) -> TracerProvider:
    processors = [BatchSpanProcessor(exporter) for exporter in exporters]
    spans = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    for processor in processors:
        spans.add_span_processor(processor)
    return spans


def _meters(exporters: list[Any]) -> MeterProvider:
    readers = [_reader(one) for one in exporters]
    return MeterProvider(readers, _resource(), shutdown_on_exit=False)


def _made(signal: str, names: Sequence[str], warn: Callable[[str], None]) -> list[Any]:
    """What the names stand for, made; each reads its own settings from the environment."""
    made = []
    for name in names:
        try:
            made.append(_exporter(signal, name))
        except LookupError:
            warn(f"OTEL_{signal.upper()}_EXPORTER: no exporter {name!r} is installed")
        except Exception as error:  # noqa: BLE001 - whatever it is, calls go on without it
            # Of its text only what the system says: the rest may hold the value of a variable.
            why = error.strerror if isinstance(error, OSError) else ""
            said = f"{type(error).__name__}: {why}" if why else type(error).__name__
            warn(f"OTEL_{signal.upper()}_EXPORTER: {name} cannot begin ({said})")
    return made


def _exporter(signal: str, name: str) -> Any:
    if name == "console":
        # Its default is stdout, which belongs to the protocol.
        kind = ConsoleSpanExporter if signal == "traces" else ConsoleMetricExporter
        return kind(out=sys.stderr)
    found = list(entry_points(group=f"opentelemetry_{signal}_exporter", name=name))
    if not found:
        raise LookupError(name)
    return found[0].load()()


def _reader(made: Any) -> MetricReader:
    return made if isinstance(made, MetricReader) else PeriodicExportingMetricReader(made)


def _resource() -> Resource:
    """What the environment says of this service, and else its name and version."""
    own = {"service.name": _NAME, "service.version": __version__}
    given = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    if os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in given:
        del own["service.name"]
    return Resource.create(own)

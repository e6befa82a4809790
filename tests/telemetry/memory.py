"""What is told, kept in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from descope_mcp.telemetry import stages
from descope_mcp.telemetry.recorder import Recorder


@dataclass(frozen=True)
class Told:
    """Spans and metrics as an exporter would get them."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """All that have ended, in that order."""
        return self.exporter.get_finished_spans()

    def span(self, name: str) -> ReadableSpan:
        """The one with this name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def inside(self, parent: ReadableSpan) -> list[str]:
        """The names of the spans right below `parent`, in the order in which they began."""
        below = [s for s in self.spans if s.parent and s.parent.span_id == parent.context.span_id]
        return [span.name for span in sorted(below, key=lambda span: span.start_time or 0)]

    def metrics(self) -> dict[str, list[tuple[Mapping[str, Any], Any]]]:
        """Every metric with its attributes, and its value or how often it was measured."""
        data = self.reader.get_metrics_data()
        found: dict[str, list[tuple[Mapping[str, Any], Any]]] = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    found[metric.name] = [
                        (dict(p.attributes or {}), getattr(p, "count", getattr(p, "value", None)))
                        for p in metric.data.data_points
                    ]
        return found

    def everything(self) -> str:
        """All of it as text."""
        data = self.reader.get_metrics_data()
        spans = "\n".join(
            f"{span.to_json()} {span.context!r} {span.links!r}" for span in self.spans
        )
        return f"{spans}\n{data.to_json() if data else ''}"


@contextmanager
def remembered() -> Iterator[Told]:
    """Tell a memory while the context lasts."""
    told = Told(InMemorySpanExporter(), InMemoryMetricReader())
    spans = TracerProvider(shutdown_on_exit=False)
    spans.add_span_processor(SimpleSpanProcessor(told.exporter))
    meters = MeterProvider([told.reader], shutdown_on_exit=False)
    stages.tell(Recorder(spans.get_tracer("tests"), meters.get_meter("tests")))
    try:
        yield told
    finally:
        stages.tell(None)
        spans.shutdown()
        meters.shutdown()

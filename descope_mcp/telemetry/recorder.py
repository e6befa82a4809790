"""Spans and metrics of OpenTelemetry, made of what `stages` is told.

Whatever fails in telling is passed over: a change that was sent is recorded all the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.metrics import Meter
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    Tracer,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from descope_mcp.telemetry.stages import TraceIds
from descope_mcp.telemetry.vocabulary import INSTRUMENTS, STAGES, Kind, Value, know, told

#: The bounds of durations that the semantic conventions give, and longer ones for people.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)
_W3C = TraceContextTextMapPropagator()
_KINDS: dict[Kind, SpanKind] = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
}


class Recorder:
    """Where stages are told of."""

    def __init__(self, tracer: Tracer, meter: Meter) -> None:
        self.tracer = tracer
        make: dict[str, Any] = {
            "counter": meter.create_counter,
            "level": meter.create_up_down_counter,
            "gauge": meter.create_gauge,
        }
        self._instruments: dict[str, Any] = {}
        for word, one in INSTRUMENTS.items():
            if one.kind == "histogram":
                made = meter.create_histogram(
                    one.name, one.unit, one.about, explicit_bucket_boundaries_advisory=_SECONDS
                )
            else:
                made = make[one.kind](one.name, one.unit, one.about)
            self._instruments[word] = made

    def stage(
        self,
        name: str,
        facts: Mapping[str, object],
        parents: tuple[Mapping[str, object] | None, ...] = (),
    ) -> _Running:
        """A span that begins and ends with the context; the first of `parents` goes before it."""
        return _Running(self, name, dict(facts), _remote(parents))

    def passed(self, name: str, seconds: float, facts: Mapping[str, object]) -> None:
        """A span that ends now."""
        now = time.time_ns()
        with suppress(Exception):
            self.begun(name, facts, None, now - int(seconds * 1e9)).end(now)
            self.ended(name, seconds, facts)

    def begun(
        self,
        name: str,
        facts: Mapping[str, object],
        parent: Context | None,
        start: int | None = None,
    ) -> Span:
        """A span that has begun, which its maker ends."""
        kind, attributes = _KINDS[STAGES[name].kind], told(facts)
        return self.tracer.start_span(_title(name, facts), parent, kind, attributes, (), start)

    def ended(self, name: str, seconds: float, facts: Mapping[str, object]) -> None:
        """Tell the instrument of a stage how long it took."""
        word = STAGES[name].instrument
        self._instruments[word].record(seconds, _of(word, {**facts, "stage": name}))

    def add(self, instrument: str, amount: int, facts: Mapping[str, object]) -> None:
        """Count so many."""
        with suppress(Exception):
            self._instruments[instrument].add(amount, _of(instrument, facts))

    def set(self, instrument: str, value: float) -> None:
        """Set a gauge."""
        with suppress(Exception):
            self._instruments[instrument].set(value)

    @contextmanager
    def level(self, instrument: str, facts: Mapping[str, object]) -> Iterator[None]:
        """One more while the context lasts."""
        self.add(instrument, 1, facts)
        try:
            yield
        finally:
            self.add(instrument, -1, facts)

    def trace_ids(self) -> TraceIds | None:
        """Where in a trace this is."""
        here = trace.get_current_span().get_span_context()
        if not here.is_valid:
            return None
        return TraceIds(trace.format_trace_id(here.trace_id), trace.format_span_id(here.span_id))


class _Running:
    """A stage under way."""

    __slots__ = ("_facts", "_name", "_parent", "_recorder", "_span", "_started", "_token")

    def __init__(
        self, recorder: Recorder, name: str, facts: dict[str, object], parent: Context | None
    ) -> None:
        self._recorder, self._name, self._facts, self._parent = recorder, name, facts, parent
        self._span: Span = INVALID_SPAN

    def __enter__(self) -> _Running:
        self._started = time.perf_counter()
        with suppress(Exception):
            self._span = self._recorder.begun(self._name, self._facts, self._parent)
        self._token = contexts.attach(trace.set_span_in_context(self._span, self._parent))
        return self

    def note(self, **facts: object) -> None:
        """Add facts to the span, and to what its instrument is told."""
        self._facts.update(facts)
        with suppress(Exception):
            self._span.set_attributes(told(facts))
            if "error" in facts:
                self._span.set_status(StatusCode.ERROR)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        contexts.detach(self._token)
        planned = kind is None or getattr(kind, "ends_as_planned", False)
        if kind is not None and not planned and "error" not in self._facts:
            # Of what kind it was, which the code says, and nothing of its text.
            know("error", (kind.__name__,))
            self.note(error=kind.__name__)
        with suppress(Exception):
            self._recorder.ended(self._name, time.perf_counter() - self._started, self._facts)
            self._span.update_name(_title(self._name, self._facts))
            self._span.end()


def _title(name: str, facts: Mapping[str, object]) -> str:
    """The name of a span, made of what may be told."""
    stage = STAGES[name]
    parts = told({word: facts[word] for word in stage.named_by if facts.get(word)}).values()
    return " ".join(map(str, (*stage.named, *parts))) or name


def _of(instrument: str, facts: Mapping[str, object]) -> dict[str, Value]:
    """The facts that an instrument is told apart by."""
    return told({word: facts[word] for word in INSTRUMENTS[instrument].facts if word in facts})


def _remote(carriers: tuple[Mapping[str, object] | None, ...]) -> Context | None:
    """The span that the first of `carriers` with one names (W3C trace context, `traceparent`).

    Its `tracestate` is left behind: whoever calls could write anything into it.
    """
    for carrier in filter(None, carriers):
        try:
            found = _W3C.extract(carrier, Context())
        except (TypeError, ValueError):
            continue
        named = trace.get_current_span(found).get_span_context()
        if named.is_valid:
            bare = SpanContext(named.trace_id, named.span_id, True, named.trace_flags)
            return trace.set_span_in_context(NonRecordingSpan(bare), Context())
    return None

"""What the path of a call tells of itself: its stages, and what is counted on the way.

Nothing is told, and next to nothing done, as long as nobody has set a recorder (`setup`). Facts
are given by the words of `vocabulary`; what may be told of them is decided there.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from descope_mcp.telemetry.recorder import Recorder


class Noted(Protocol):
    """A stage that is under way."""

    def note(self, **facts: object) -> None:
        """Add facts to it."""


class TraceIds(NamedTuple):
    """Where in a trace something happens, in hexadecimal digits."""

    trace: str
    span: str


class _Untold:
    """A stage that nobody is told about."""

    def __enter__(self) -> _Untold:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    def note(self, **facts: object) -> None:
        """Tell nobody."""


_UNTOLD = _Untold()
_recorder: Recorder | None = None


def tell(recorder: Recorder | None) -> None:
    """Tell `recorder` from now on; nobody if it is None."""
    # Like a log, it is the process that has one.
    global _recorder
    _recorder = recorder


def are_told() -> bool:
    """Whether anybody is told."""
    return _recorder is not None


def stage(name: str, **facts: object) -> AbstractContextManager[Noted]:
    """A stage of STAGES: a span while the context lasts, and a duration at its end."""
    return _UNTOLD if _recorder is None else _recorder.stage(name, facts)


def message(
    carriers: tuple[Mapping[str, object] | None, ...], **facts: object
) -> AbstractContextManager[Noted]:
    """The stage of one MCP message; the trace goes on that the first of `carriers` names."""
    if _recorder is None:
        return _UNTOLD
    return _recorder.stage("message", facts, parents=carriers)


def passed(name: str, seconds: float, **facts: object) -> None:
    """Tell of a stage that has ended just now, after so many seconds."""
    if _recorder is not None:
        _recorder.passed(name, seconds, facts)


def count(instrument: str, **facts: object) -> None:
    """Count one on a counter of INSTRUMENTS."""
    if _recorder is not None:
        _recorder.add(instrument, 1, facts)


def measured(instrument: str, value: float) -> None:
    """Tell a gauge of INSTRUMENTS its newest value."""
    if _recorder is not None:
        _recorder.set(instrument, value)


def level(instrument: str, **facts: object) -> AbstractContextManager[object]:
    """One more on a level of INSTRUMENTS while the context lasts."""
    return _UNTOLD if _recorder is None else _recorder.level(instrument, facts)


def trace_ids() -> TraceIds | None:
    """Where in a trace this is, None if it is in none."""
    return None if _recorder is None else _recorder.trace_ids()

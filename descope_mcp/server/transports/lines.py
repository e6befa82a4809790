"""Bytes into lines, of which none is held that is larger than one may be."""

from __future__ import annotations

from dataclasses import dataclass

#: In bytes. Nothing that the API takes comes near it but a snapshot of a project.
LARGEST_LINE = 4 * 1024 * 1024
#: So much is kept of the beginning and of the end of a larger one: its id is in either.
_ENDS = 4096


@dataclass(frozen=True, slots=True)
class Oversized:
    """What is known of a line that is too large: its two ends, and how many bytes it had."""

    head: bytes
    tail: bytes
    size: int


class Splitter:
    """Takes bytes as they come and gives lines, without their ends."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._dropped = 0

    def feed(self, data: bytes) -> list[bytes | Oversized]:
        """The lines that `data` completes."""
        *ends, begun = data.split(b"\n")
        lines = []
        for part in ends:
            self._hold(part)
            lines.append(self._take())
        self._hold(begun)
        return lines

    def finish(self) -> list[bytes | Oversized]:
        """The last line, if it had no end."""
        return [self._take()] if self._held else []

    def _hold(self, part: bytes) -> None:
        self._held += part
        if len(self._held) > LARGEST_LINE:
            keep = len(self._held) - _ENDS
            self._dropped += keep - _ENDS
            del self._held[_ENDS:keep]

    def _take(self) -> bytes | Oversized:
        held, dropped = bytes(self._held), self._dropped
        self._held, self._dropped = bytearray(), 0
        if dropped:
            return Oversized(held[:_ENDS], held[-_ENDS:], len(held) + dropped)
        return held

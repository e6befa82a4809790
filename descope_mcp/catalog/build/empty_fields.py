"""What it means that fields of answers are empty or 0: ``tool_specs/answers.yaml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from descope_mcp.catalog.build.yaml_source import line_of


class EmptyFields:
    """What the file says; collects what it says of nothing."""

    def __init__(self, path: Path, answers: Mapping[str, Any]) -> None:
        """Args: `path` of the file, `answers` what it says."""
        self._path = path
        self._everywhere: Mapping[str, str] = answers["empty_means"]
        self._of: Mapping[str, Mapping[str, str]] = answers["empty_means_in"]
        self._met: set[tuple[str, ...]] = set()

    def of(self, name: str, compiled: Mapping[str, Any]) -> dict[str, str]:
        """By the fields that a read answers, what it means that one says nothing."""
        inside = [field for fields in compiled.get("elements", {}).values() for field in fields]
        said = {}
        for field in (*compiled.get("answer_fields", ()), *inside):
            if field in self._of.get(name, ()):
                said[field] = self._of[name][field]
                self._met.add((name, field))
            elif field in self._everywhere:
                said[field] = self._everywhere[field]
                self._met.add((field,))
        return said

    def surplus(self) -> Iterator[str]:
        """What is said of fields that no read answers."""
        places = [(name, field) for name, fields in self._of.items() for field in fields]
        for keys in [*((field,) for field in self._everywhere), *places]:
            if keys not in self._met:
                part = "empty_means" if len(keys) == 1 else "empty_means_in"
                yield f"{line_of(self._path, (part, *keys))}: no read answers {'.'.join(keys)}"

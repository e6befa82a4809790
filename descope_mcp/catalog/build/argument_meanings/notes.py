"""What arguments mean, wherever they stand: the files of ``tool_specs/arguments``.

``shared.yaml`` holds for all operations, a file named after a toolset for its operations, before
what is shared; what a file says in ``operations`` holds for the one operation. ``notes`` are for
arguments of which the record says nothing, ``details`` are added to its words. Every argument at
every depth has one of these, is called ``plain`` because its name says it all, or is ``unknown``
with the reason. A boolean is never plain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from pydantic import Field

from descope_mcp.catalog.arguments.argument_paths import Argument, ends, every
from descope_mcp.catalog.build.yaml_source import line_of, read_model
from descope_mcp.catalog.errors import SpecError
from descope_mcp.catalog.frozen_model import Frozen

_SHARED = "shared"
Sort = Literal["notes", "details", "plain", "unknown"]
_SORTS: tuple[Sort, ...] = get_args(Sort)


class _File(Frozen):
    """One file; the keys are the ends of paths."""

    notes: dict[str, str] = Field(default_factory=dict)
    details: dict[str, str] = Field(default_factory=dict)
    plain: tuple[str, ...] = ()
    unknown: dict[str, str] = Field(default_factory=dict)
    operations: dict[str, dict[str, str]] = Field(default_factory=dict)
    required: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()


class _Found(NamedTuple):
    """An entry: the keys that lead to it, what sort it is, its text."""

    keys: tuple[str, ...]
    sort: Sort
    text: str


class ArgumentNotes:
    """What the files say; collects what they say of nothing."""

    def __init__(self, folder: Path) -> None:
        """Read the files.

        Raises:
            SpecError: a key is unknown, or an end is called by two sorts in one file.
        """
        self._folder = folder
        self._files = {path.stem: _read(path) for path in sorted(folder.glob("*.yaml"))}
        self._met: set[tuple[str, ...]] = set()

    def of(
        self, operation: str, toolset: str, schema: Mapping[str, Any], named: Container[str]
    ) -> tuple[dict[str, str], list[str], list[str]]:
        """The notes of an operation's arguments by path, those that nobody knows, and problems.

        Args:
            operation: its name.
            toolset: that it belongs to.
            schema: of its arguments; those with a description are explained by the record.
            named: the paths of those that name an object, which says what they mean.
        """
        notes: dict[str, str] = {}
        unknown: list[str] = []
        problems: list[str] = []
        for argument in every(schema["properties"]):
            recorded = "description" in schema["properties"].get(argument.path, {})
            found = self._find(operation, toolset, argument)
            if found and (found.sort == "details" or not recorded):
                self._met.add(found.keys)
            if found and (found.sort == "details" or (found.sort == "notes" and not recorded)):
                notes[argument.path] = found.text
            elif recorded or argument.fields or argument.path in named:
                continue
            elif found is None:
                problems.append(f"say in tool_specs/arguments what {argument.path} means")
            elif found.sort == "unknown":
                unknown.append(argument.path)
            elif argument.schema.get("type") == "boolean":
                problems.append(f"{argument.path} decides something: its name does not say it all")
        return notes, unknown, problems

    def marked(
        self, sort: Literal["required", "folded"], toolset: str, schema: Mapping[str, Any]
    ) -> list[str]:
        """The paths of the arguments that the files list as `sort`."""
        found = []
        for argument in every(schema["properties"]):
            for stem in (toolset, _SHARED):
                listed = getattr(self._files.get(stem), sort, ())
                end = next((end for end in ends(argument.names) if end in listed), None)
                if end is not None:
                    self._met.add((stem, sort, end))
                    found.append(argument.path)
                    break
        return found

    def surplus(self) -> Iterator[str]:
        """What the files say of arguments that do not exist."""
        for stem, file in self._files.items():
            keys: list[tuple[str, ...]] = [
                (sort, end)
                for sort in (*_SORTS, "required", "folded")
                for end in getattr(file, sort)
            ]
            keys += [
                ("operations", name, end) for name, own in file.operations.items() for end in own
            ]
            path = self._folder / f"{stem}.yaml"
            for key in keys:
                if (stem, *key) not in self._met:
                    yield f"{line_of(path, key)}: {stem}: there is no argument {key[-1]}"

    def _find(self, operation: str, toolset: str, argument: Argument) -> _Found | None:
        """What counts for an argument: what is said of the operation, the toolset, or of all."""
        files = [(stem, self._files[stem]) for stem in (toolset, _SHARED) if stem in self._files]
        for stem, file in files:
            own = file.operations.get(operation, {})
            for end in ends(argument.names):
                if end in own:
                    return _Found((stem, "operations", operation, end), "details", own[end])
        for stem, file in files:
            for end in ends(argument.names):
                for sort in _SORTS:
                    said = getattr(file, sort)
                    if end in said:
                        text = said[end] if isinstance(said, dict) else ""
                        return _Found((stem, sort, end), sort, text)
        return None


def _read(path: Path) -> _File:
    file = read_model(path, _File)
    ends_of = Counter(end for sort in _SORTS for end in getattr(file, sort))
    if twice := [end for end, count in ends_of.items() if count > 1]:
        raise SpecError(f"{path.name}: {', '.join(twice)}: listed twice")
    return file

"""The catalog at run time: 458 operations and the reports made of them, from one compiled file.

In an installed package the file lies beside this one. In a checkout it is compiled from
``tool_specs`` when it is first needed and cached under the content it was made from, so that an
edited record counts at the next start.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pydantic_core

from descope_mcp.catalog.arguments.explanation import Explanation
from descope_mcp.catalog.errors import SpecError
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.prompt import Prompt
from descope_mcp.catalog.reports.report import Report
from descope_mcp.catalog.search import words

_HERE = Path(__file__).parent
_PACKAGED = _HERE / "catalog.json"
_ROOT = _HERE.parents[1]
#: How alike the first words of two names are that may be the same.
_ALIKE = 0.7


class ToolsetInfo(NamedTuple):
    """A toolset and the names of its operations and reports."""

    name: str
    title: str
    about: str
    operations: tuple[str, ...]
    reports: tuple[str, ...]
    #: The read that shows whether a key may read its objects: operation, arguments. Or nothing.
    probe: Mapping[str, Any]


class Route(NamedTuple):
    """What a service needs to know of an operation that it answers."""

    name: str
    method: str
    path: str
    schemes: tuple[str, ...]
    secret_fields: frozenset[str]


class Catalog(Mapping[str, Operation]):
    """The operations by name, in the contract's order. An `Operation` is made when first used.

    A report is found by its name like an operation; it is no operation of the contract, and so not
    among those that the catalog goes over. `data` is what `compile.compile_catalog` returns.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._raw: dict[str, str] = data["operations"]
        self._explanations: dict[str, str] = data["explanations"]
        self._reports: dict[str, str] = data["reports"]
        self._made: dict[str, Operation] = {}
        #: Names that operations had, with those that they have.
        self.old_names: Mapping[str, str] = data["aliases"]
        #: Descope's error codes: ``{code: {"meaning": ..., "remedy": ...}}``.
        self.errors: Mapping[str, Mapping[str, str]] = data["errors"]
        #: Words that mean the same, for `search`: ``{group: {concept: words}}``.
        self.synonyms: Mapping[str, Mapping[str, str]] = data["synonyms"]
        #: Fields of answers that hold a point in time, each with its unit (see `moments.shown`).
        self.times: Mapping[str, str] = data["times"]
        #: Fields that come last in their object.
        self.last: frozenset[str] = frozenset(data["last"])
        self._prompts: str = data["prompts"]
        self._index: str = data["index"]
        self.toolsets = tuple(
            ToolsetInfo(
                t["toolset"],
                t["title"],
                t["about"],
                tuple(t["operations"]),
                tuple(t["reports"]),
                t["probe"],
            )
            for t in data["toolsets"]
        )

    def __getitem__(self, name: str) -> Operation:
        made = self._made.get(name)
        if made is None and name in self._reports:
            return self.report(name)
        if made is None:
            made = self._made[name] = Operation.model_validate_json(self._raw[name])
        return made

    def routes(self) -> list[Route]:
        """Every operation as far as a service needs it, in a tenth of the time of all of it."""
        return [_route(pydantic_core.from_json(text)) for text in self._raw.values()]

    def explanation(self, name: str) -> Explanation:
        """What there is to say of the arguments of the operation called `name`.

        A report says all of it in its schema.
        """
        if name in self._reports:
            return Explanation()
        return Explanation.model_validate_json(self._explanations[name])

    @property
    def reports(self) -> tuple[str, ...]:
        """The names of the reports."""
        return tuple(self._reports)

    def report(self, name: str) -> Report:
        """The report of that name.

        Raises:
            KeyError: there is none.
        """
        made = self._made.get(name)
        if not isinstance(made, Report):
            made = self._made[name] = Report.model_validate_json(self._reports[name])
        return made

    @property
    def index(self) -> Mapping[str, Any]:
        """The inverted index of `search`."""
        index: Mapping[str, Any] = json.loads(self._index)
        return index

    @property
    def phrasings(self) -> Mapping[str, Any]:
        """The model of how people ask, for `search`."""
        packaged = _HERE.parent / "tool_specs"
        specs = packaged if packaged.is_dir() else _ROOT / "tool_specs"
        model = (specs / "search" / "phrasing_model.json").read_bytes()
        data: Mapping[str, Any] = pydantic_core.from_json(model)
        return data

    @cached_property
    def prompts(self) -> Mapping[str, Prompt]:
        """The prompts for real work by name."""
        written = json.loads(self._prompts).items()
        return {name: Prompt.model_validate(data) for name, data in written}

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def find(self, name: str) -> Operation | None:
        """The operation called `name`, or that had this name; None if there is none."""
        name = self.old_names.get(name, name)
        return self[name] if name in self._raw or name in self._reports else None

    def nearest(self, name: str, count: int = 3) -> list[str]:
        """The names that look most like `name`, for a message about a wrong one.

        No deletion is among them, unless `name` begins like one.
        """
        lowered = {known.lower(): known for known in (*self._raw, *self._reports)}
        close = difflib.get_close_matches(name.lower(), lowered, n=3 * count, cutoff=0.5)
        return [lowered[found] for found in close if not self.strays(name, lowered[found])][:count]

    def strays(self, asked: str, name: str) -> bool:
        """Whether `name` is a deletion, and `asked`, the name of nothing, is not like one."""
        (first, *_), (verb, *_) = words.split(asked) or [""], words.split(name)
        if verb not in self._deleting or first in self._deleting:
            return False
        return difflib.SequenceMatcher(None, first, verb).ratio() < _ALIKE

    @cached_property
    def _deleting(self) -> frozenset[str]:
        """The words for a deletion."""
        said = (self.synonyms["actions"][action] for action in ("delete", "clear"))
        return frozenset(word.strip() for text in said for word in text.split(","))


def load() -> Catalog:
    """The compiled catalog.

    Raises:
        SpecError: there is neither a compiled catalog nor a checkout to compile, or the
            checkout's records are wrong.
    """
    if _PACKAGED.exists():
        return Catalog(pydantic_core.from_json(_PACKAGED.read_bytes()))
    specs = _ROOT / "tool_specs"
    if not specs.is_dir():
        raise SpecError("the catalog is missing from this installation; install it again")
    cached = _ROOT / ".cache" / f"catalog-{digest(specs)}.json"
    try:
        return Catalog(pydantic_core.from_json(cached.read_bytes()))
    except (OSError, ValueError):
        pass  # not there, taken away by another start, or damaged
    # The compiler and its YAML parser are loaded only when a record has changed.
    from descope_mcp.catalog.build.compile import compile_catalog

    data = compile_catalog(specs)
    _store(cached, data)
    return Catalog(data)


def sources() -> Path:
    """The directory of contract and records that the catalog is compiled from.

    Raises:
        SpecError: this is no checkout.
    """
    specs = _ROOT / "tool_specs"
    if not specs.is_dir():
        raise SpecError("the records are only in a checkout of the project; run this there")
    return specs


def digest(specs: Path) -> str:
    """A digest of everything that a compiled catalog is made from: records and compiler."""
    total = hashlib.blake2b(digest_size=12)
    for path in sorted([*specs.rglob("*.yaml"), *specs.glob("*.json"), *_HERE.rglob("*.py")]):
        total.update(path.name.encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def _store(path: Path, data: Mapping[str, Any]) -> None:
    """Write the cache in one step; a checkout that cannot be written to goes without."""
    try:
        path.parent.mkdir(exist_ok=True)
        for old in path.parent.glob("catalog-*.json"):
            old.unlink(missing_ok=True)
        new = path.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(data, separators=(",", ":")), encoding="utf-8")
        new.replace(path)
    except OSError:
        return


def _route(raw: Mapping[str, Any]) -> Route:
    paths = (*raw.get("secrets", ()), *raw.get("secret_arguments", ()))
    fields = frozenset(path.rpartition(".")[2].removesuffix("[]") for path in paths)
    schemes = tuple(raw.get("schemes", ()))
    return Route(raw["name"], raw["method"], raw["path"], schemes, fields)

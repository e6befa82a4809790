"""Which secret of an answer fits which argument, from ``tool_specs/handles.yaml``.

Used when the catalog is compiled. A kind is what a secret opens; its entry lists where it comes
from and where it may go. What is listed nowhere goes nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from descope_mcp.catalog.build.openapi import Endpoint
from descope_mcp.catalog.build.yaml_source import line_of, read_yaml
from descope_mcp.catalog.errors import SpecError
from descope_mcp.catalog.frozen_model import Frozen
from descope_mcp.catalog.operation_record.record import Record

_CREDENTIAL = "credential:"


class Kind(Frozen):
    """One kind: the paths it comes ``from`` and goes ``to``, and the part of a link to pass on.

    ``outlasts`` says that it counts until it expires, whatever is taken back.
    """

    query: str = ""
    outlasts: bool = False
    origins: tuple[str, ...]
    to: tuple[str, ...]


@dataclass(slots=True)
class Kinds:
    """The kind of every secret, and for every argument the kinds it takes, by operation.

    ``accepts[operation][path]`` maps a kind to the query parameter that is taken of it, "" for
    the whole value. ``outlasting`` are the kinds that no undo ends.
    """

    of: dict[str, dict[str, str]] = field(default_factory=dict)
    accepts: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    outlasting: set[str] = field(default_factory=set)

    def untold(self, name: str, record: Record) -> Iterator[str]:
        """What a record does not say is lost, although no undo of the operation ends it."""
        undone = record.restore or record.update
        handed = self.outlasting & set(self.of.get(name, {}).values())
        if undone and handed and not record.lost:
            yield f"hands out what outlasts an undo ({', '.join(sorted(handed))}); lost is missing"


def read_kinds(
    path: Path, records: Mapping[str, Record], endpoints: Mapping[str, Endpoint]
) -> tuple[Kinds, list[str]]:
    """The kinds of all secrets, and every entry that leads nowhere or twice to one place."""
    kinds, problems = Kinds(), []
    for name, entry in read_yaml(path).items():
        kind = _entry(path, name, entry)
        kinds.outlasting |= {name} if kind.outlasts else set()
        for key, texts in (("from", kind.origins), ("to", kind.to)):
            for index, text in enumerate(texts):
                places = list(_places(text, key, records, endpoints))
                where = line_of(path, (name, key, index))
                if not places:
                    problems.append(f"{where}: {name}: no record has {text}")
                for operation, place in places:
                    if key == "to":
                        known = kinds.accepts.setdefault(operation, {}).setdefault(place, {})
                        known[name] = kind.query
                    elif kinds.of.setdefault(operation, {}).setdefault(place, name) != name:
                        problems.append(f"{where}: {operation}.{place} has two kinds")
    return kinds, problems


def _entry(path: Path, name: str, entry: Any) -> Kind:
    try:
        return Kind.model_validate({"origins" if k == "from" else k: v for k, v in entry.items()})
    except (ValidationError, AttributeError):
        raise SpecError(
            f"{line_of(path, (name,))}: {name}: needs from, to; query and outlasts may be"
        ) from None


def _places(
    text: str, key: str, records: Mapping[str, Record], endpoints: Mapping[str, Endpoint]
) -> Iterator[tuple[str, str]]:
    """The operations and paths that an entry means."""
    if key == "to" and text.startswith(_CREDENTIAL):
        scheme = text.removeprefix(_CREDENTIAL)
        yield from ((name, "credential") for name, e in endpoints.items() if scheme in e.schemes)
        return
    operation, _, rest = text.partition(".")
    named = operation in records
    wanted = rest if named else text
    for name in [operation] if named else records:
        record = records[name]
        if wanted in (record.secrets if key == "from" else record.secret_arguments):
            yield name, wanted

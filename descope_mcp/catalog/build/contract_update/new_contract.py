"""A version of the contract that the records have not seen yet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from yaml import YAMLError

from descope_mcp.catalog.build import openapi
from descope_mcp.catalog.build.contract_update.difference import Difference
from descope_mcp.catalog.build.contract_update.openapi_document import DOCUMENT
from descope_mcp.catalog.build.openapi import Contract
from descope_mcp.catalog.build.yaml_source import UniqueKeys
from descope_mcp.catalog.errors import SpecError
from descope_mcp.configuration import text_files
from descope_mcp.configuration.documents import from_json, from_yaml


def read_document(path: Path) -> dict[str, Any]:
    """An OpenAPI document, of JSON or YAML.

    Raises:
        SpecError: it cannot be read, or is something else.
    """
    try:
        text = text_files.read(path)
        # JSON is read much faster so than as YAML, which it is too.
        is_json = text.lstrip().startswith("{")
        found: Any = from_json(text) if is_json else from_yaml(text, UniqueKeys)
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, YAMLError, SpecError) as error:
        raise SpecError(f"{path} is neither JSON nor YAML: {error}") from None
    try:
        DOCUMENT.validate_python(found)
    except ValidationError as error:
        first, *more = error.errors()
        problem = f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg'].lower()}"
        others = f", and {len(more)} more" if more else ""
        raise SpecError(f"{path} is no OpenAPI document: {problem}{others}") from None
    document: dict[str, Any] = found
    return document


def write_document(written: Mapping[str, Any], path: Path) -> None:
    """Put a contract in the place of another, in the form in which it is kept: JSON, indented."""
    beside = path.with_name(f".{path.name}")
    beside.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8", newline="\n")
    beside.replace(path)


def repaired(
    written: Mapping[str, Any], repairs: list[dict[str, Any]]
) -> tuple[Contract, list[str]]:
    """The contract with those parts of the repairs that fit it, and what is wrong with the others.

    A repair that fits no longer may have lost its defect, or the place that it was for.

    Raises:
        SpecError: it has a defect for which there is no repair.
    """
    unfit: list[str] = []
    parts = [part for repair in repairs for part in _parts(repair)]
    return openapi.load(written, parts, unfit), unfit


def _parts(repair: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A repair of several places as one for each."""
    said: dict[str, Any] = {key: repair[key] for key in ("name", "reason") if key in repair}
    for kind, places in repair.items():
        if kind in said:
            continue
        for place in places:
            yield {**said, kind: {place: places[place]} if isinstance(places, dict) else [place]}


def mentions(difference: Difference, specs: Path) -> dict[str, list[str]]:
    """Where the records speak of operations that were changed or removed: ``file:line`` by name.

    The first is the operation's own record.
    """
    names = [*difference.removed, *difference.changed]
    if not names:
        return {}
    one_of_them = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, names))})(?!\w)")
    found: dict[str, list[str]] = {name: [] for name in names}
    own: dict[str, str] = {}
    for path in sorted(specs.rglob("*.yaml")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            place = f"{path.relative_to(specs)}:{number}"
            for name in dict.fromkeys(one_of_them.findall(line)):
                if path.parent.name == "operations" and line.strip() == f"{name}:":
                    own[name] = place
                else:
                    found[name].append(place)
    return {name: [*([own[name]] if name in own else []), *found[name]] for name in names}

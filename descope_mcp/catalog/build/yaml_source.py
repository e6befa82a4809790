"""Reading ``tool_specs``: YAML with the line of every entry, for messages that point at it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from descope_mcp.catalog.errors import SpecError
from descope_mcp.catalog.operation_record.record import Toolset

M = TypeVar("M", bound=BaseModel)

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UniqueKeys(_Loader):  # type: ignore[misc]
    """YAML lets a later key replace an earlier one silently; a record must not vanish so."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping whose names occur once each."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:merge" and key.value in seen:
                line = key.start_mark.line + 1
                raise SpecError(f"{key.start_mark.name}:{line}: {key.value} occurs twice")
            seen.add(key.value)
        return dict(super().construct_mapping(node, deep=deep))


def read_yaml(path: Path) -> Any:
    """The content of a YAML file.

    Raises:
        SpecError: the file is not YAML, or a mapping has a key twice.
    """
    with path.open(encoding="utf-8") as stream:
        try:
            return yaml.load(stream, Loader=UniqueKeys)  # noqa: S506 - a safe loader
        except yaml.YAMLError as error:
            raise SpecError(f"{path}: {error}") from None


def line_of(path: Path, keys: Sequence[Any]) -> str:
    """``file:line`` of the entry that `keys` leads to, or of the last one that exists."""
    node = _tree(path.read_text(encoding="utf-8"))
    line = node.start_mark.line
    for key in keys:
        found = None
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(key)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            found = (node.value[key], node.value[key])
        if found is None:
            break
        line, node = found[0].start_mark.line, found[1]
    return f"{path.name}:{line + 1}"


@lru_cache(maxsize=1)
def _tree(text: str) -> Any:
    """The nodes of a YAML or JSON text; problems come in runs from one file."""
    return yaml.compose(text, Loader=_Loader)


def read_toolset(path: Path) -> Toolset:
    """One file of ``tool_specs/operations``.

    Raises:
        SpecError: as `read_model`.
    """
    return read_model(path, Toolset)


def read_model(path: Path, model: type[M]) -> M:
    """The content of a YAML file as a model.

    Raises:
        SpecError: a key is unknown, missing or of the wrong type; names file and line.
    """
    try:
        return model.model_validate(read_yaml(path) or {})
    except ValidationError as error:
        problems = [
            f"{line_of(path, e['loc'])}: {'.'.join(map(str, e['loc']))}: {e['msg']}"
            for e in error.errors()
        ]
        raise SpecError("\n".join(problems)) from None

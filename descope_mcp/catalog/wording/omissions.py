"""What a search leaves out, said where it could matter: above all when it has found nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from descope_mcp.catalog.json_path import is_empty
from descope_mcp.catalog.operation import Operation


def told(operation: Operation, arguments: Mapping[str, Any], data: Any) -> tuple[str, ...]:
    """What there is to say of a read's answer, by the record (see `Omission`)."""
    rows = data.get(operation.rows) if isinstance(data, Mapping) else data
    found_nothing = is_empty(rows)
    return tuple(
        one.say
        for one in operation.leaves_out
        if (found_nothing or one.always)
        and (not one.given or _any(one.given, arguments))
        and not _any(one.unless, arguments)
    )


def _any(names: Iterable[str], arguments: Mapping[str, Any]) -> bool:
    return any(arguments.get(name) not in (None, "", [], {}, False) for name in names)

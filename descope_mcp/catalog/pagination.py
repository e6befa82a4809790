"""How a read pages: which arguments ask for the next part of its list, and where its total is.

The names in the contract say it; what they cannot say, sizes, is in ``tool_specs/answers.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from descope_mcp.catalog.frozen_model import Frozen

_SIZES = ("limit", "size", "count")
_TOTALS = ("total", "totalResults")


class Paging(Frozen):
    """The arguments that page, each "" where there is none.

    ``page`` counts pages from 0, ``start`` elements from 1, ``offset`` elements from 0. ``size`` is
    how many to answer, ``default`` and ``maximum`` what the service makes of it (0: not known).
    ``total`` is the field of the answer that says how many there are in all.
    """

    size: str
    total: str = ""
    page: str = ""
    start: str = ""
    offset: str = ""
    default: int = 0
    maximum: int = 0


def rows(answer: Mapping[str, Any]) -> str:
    """The field of an answer's schema that is its list, "" if it has none or that is unclear.

    It is the only list of objects there, and if nothing says its total, the only list at all.
    """
    properties = answer.get("properties", {})
    lists = [name for name, value in properties.items() if value.get("type") == "array"]
    if not _total(answer) and len(lists) > 1:
        return ""
    objects = [name for name in lists if properties[name]["items"].get("type") == "object"]
    return objects[0] if len(objects) == 1 else ""


def paging(
    arguments: Mapping[str, Any], answer: Mapping[str, Any], sizes: Mapping[str, int]
) -> dict[str, Any] | None:
    """The paging that an operation's arguments are named for, None if it has none."""
    ways = {"page": "page", "start": "startIndex", "offset": "offset"}
    found = {key: name for key, name in ways.items() if name in arguments}
    size = next((name for name in _SIZES if name in arguments), "")
    if not (found and size and rows(answer)):
        return None
    return {"size": size, "total": _total(answer), **found, **sizes}


def _total(answer: Mapping[str, Any]) -> str:
    return next((name for name in _TOTALS if name in answer.get("properties", {})), "")

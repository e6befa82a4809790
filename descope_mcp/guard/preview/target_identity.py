"""What tells one target from another: whatever name a call has for it, once it has been read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.recipe_values import resolve

if TYPE_CHECKING:
    from descope_mcp.guard.preview.preview import Preview

#: The fields that hold ids of objects in answers. Permissions or lists of older projects have names
#: only.
IDS = ("userId", "id", "name")
#: What only a user has, whose `id` is of SCIM alone. A `userId` of anything else says whose it is.
_OF_USERS = "loginIds"


def identities(operation: Operation, preview: Preview) -> frozenset[str]:
    """The ids of everything that a call would change, as the preview found it.

    What has no id (settings, a schema) is known by the read that finds it; what was not found is
    not there to be changed twice.
    """
    target = preview.target
    if target is None:
        return frozenset()
    if ids := own_ids(target):
        return ids
    step = operation.preview[0]
    read = [step.operation, resolve(step.arguments, preview.scope)]
    return frozenset((json.dumps(read, sort_keys=True, default=str),))


def own_ids(target: Any) -> frozenset[str]:
    """The ids that a target has itself, or that several of them have."""
    found = (identity(item) for item in (target if isinstance(target, list) else [target]))
    return frozenset(filter(None, found))


def identity(item: Any) -> str:
    """What tells one object of an answer from others, "" if nothing does."""
    field = id_field(item)
    return item[field] if field else ""


def id_field(item: Any) -> str:
    """The field that holds what tells one object from others, "" if none does."""
    if not isinstance(item, dict):
        return ""
    fields = IDS if _OF_USERS in item else ("id", "userId", "name")
    held = (field for field in fields if isinstance(item.get(field), str) and item[field])
    return next(held, "")

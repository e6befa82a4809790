"""What roles bring once calls have run that are planned: those that they create or change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from descope_mcp.catalog.operation import Operation
from descope_mcp.guard.preview.read_budget import Reader
from descope_mcp.guard.preview.rights.named_roles import Definition
from descope_mcp.guard.preview.rights.role_permissions import ROLES

#: What tells a role that is only planned from one that is there.
_PLANNED = "planned"


def is_planned(found: Any) -> bool:
    """Whether what a preview found is a role that is only planned."""
    return isinstance(found, dict) and found.get(_PLANNED) is True


def with_planned_roles(read: Reader, planned: Sequence[Definition]) -> Reader:
    """A reader to whose roles those are added, or in place of which those stand, that are planned.

    Args:
        read: of what is there now.
        planned: in the order in which they will come to be.
    """

    async def foreseeing(operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = await read(operation, arguments)
        asked = arguments.get("roleNames")
        if operation.name != ROLES or not planned or not isinstance(asked, list):
            return answer
        roles = {(r.get("tenantId") or "", r.get("name")): r for r in answer.get("roles") or ()}
        for one in planned:
            if one.name in asked:
                role = {"name": one.name, "permissionNames": list(one.permissions)}
                known = roles.get((one.tenant, one.name), {_PLANNED: True})
                roles[one.tenant, one.name] = {**known, **role, "tenantId": one.tenant}
        return {**answer, "roles": list(roles.values())}

    return foreseeing

"""A plan comes to the same as its calls run singly with a yes to each: in state, and in journal."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from descope_mcp.call.outcome import Completed
from descope_mcp.call.plan.outcome import PlanEnded
from descope_mcp.catalog.catalog import Catalog
from tests.call.plan.world import ADA, BEN, DANIEL, Steps, World, world

pytestmark = pytest.mark.anyio

#: Whom the calls hit, and what they give.
PEOPLE = [ADA, BEN, DANIEL, "grace.kim@globex.example", "new@acme.example"]
ROLES, TENANTS = ["Tenant Admin", "Editor", "Fresh"], ["globex", "initech", "fresh"]
#: What differs between two runs of the same calls: times, and ids that are drawn.
_DRAWN = re.compile(r'"(?:\w*[tT]ime|\w*ID|id|userId|\w+Ids?|created\w*|modified\w*)": ?"?[\w-]*"?')
#: What the calls can change.
_TABLES = ("users", "roles", "tenants", "permissions")


def call(dice: random.Random) -> dict[str, Any]:
    """Any one call, sensible or not."""
    person, role, tenant = dice.choice(PEOPLE), dice.choice(ROLES), dice.choice(TENANTS)
    status = dice.choice(["enabled", "disabled"])
    choices: list[tuple[str, dict[str, Any]]] = [
        ("CreateUser", {"loginId": person, "name": "N", "email": "n@acme.example"}),
        ("PatchUser", {"loginId": person, "name": dice.choice("XYZ")}),
        ("PatchUser", {"loginId": person, "customAttributes": {"department": dice.choice("AB")}}),
        ("UpdateUserStatus", {"loginId": person, "status": status}),
        ("UpdateUserAddRoles", {"loginId": person, "roleNames": [role]}),
        ("UpdateUserRemoveRoles", {"loginId": person, "roleNames": [role]}),
        ("UpdateUserAddTenant", {"loginId": person, "tenantId": tenant}),
        ("UpdateUserRemoveTenant", {"loginId": person, "tenantId": tenant}),
        ("DeleteUser", {"loginId": person}),
        ("CreateRole", {"name": role, "description": dice.choice("ab")}),
        ("UpdateRole", {"name": role, "newName": role, "description": dice.choice("cd")}),
        ("DeleteRole", {"name": role}),
        ("CreateTenant", {"id": tenant, "name": tenant}),
        ("UpdateTenant", {"id": tenant, "name": dice.choice("ST")}),
        ("LoadUser", {"loginId": person}),
    ]
    operation, arguments = dice.choice(choices)
    return {"operation": operation, "arguments": arguments}


def state(here: World) -> dict[str, str]:
    """What is there, without what is drawn by lot."""
    whole = here.state.export()
    found = {}
    for name in _TABLES:
        texts = (_DRAWN.sub("", json.dumps(row, sort_keys=True)) for row in whole[name])
        found[name] = "\n".join(sorted(texts))
    return found


def written(here: World) -> list[tuple[str, str, str, str]]:
    """What the journal says, but for the plan itself."""
    return [
        (entry.operation, entry.result, entry.target, entry.effect)
        for entry in here.journal()
        if entry.operation != "plan"
    ]


async def sensible(catalog: Catalog, place: Path, dice: random.Random, length: int) -> Steps:
    """Calls that all run, one after the other."""
    steps: Steps = []
    async with world(catalog, place) as here:
        while len(steps) < length:
            one = call(dice)
            if isinstance(await here.call(one["operation"], one["arguments"]), Completed):
                steps.append(one)
    return steps


async def compare(catalog: Catalog, place: Path, seed: int) -> None:
    """One plan, and the same calls singly."""
    dice = random.Random(seed)
    steps = await sensible(catalog, place / "found", dice, dice.randint(2, 8))
    async with world(catalog, place / "singly") as singly:
        for one in steps:
            outcome = await singly.call(one["operation"], one["arguments"])
            assert isinstance(outcome, Completed), (seed, one, outcome)
        expected, said = state(singly), written(singly)
    async with world(catalog, place / "plan") as together:
        outcome = await together.plan(steps)
        if not isinstance(outcome, PlanEnded):
            # What builds on a change that cannot be foreseen is refused, and nothing has run.
            assert not together.journal(), (seed, outcome)
            return
        told = [(r.operation, r.became, r.why) for r in outcome.calls if r.became != "done"]
        assert not told, f"{seed}: {told} of {steps}"
        assert state(together) == expected, (seed, steps)
        assert written(together) == said, (seed, steps)


@pytest.mark.parametrize("seed", range(6))
async def test_a_plan_comes_to_the_same_as_its_calls(
    catalog: Catalog, tmp_path: Path, seed: int
) -> None:
    await compare(catalog, tmp_path, seed)


@pytest.mark.campaign
@pytest.mark.timeout(3000)
async def test_two_hundred_plans_come_to_the_same(catalog: Catalog, tmp_path: Path) -> None:
    for seed in range(100, 300):
        await compare(catalog, tmp_path / str(seed), seed)

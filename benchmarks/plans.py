"""What whole tasks cost an agent with plans: calls, characters that it reads and writes, questions.

Each task is a conversation with a real server on a sandbox, and its person says yes to everything.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import mcp_types as types
from mcp import Client

from tests.e2e.agent import YES, Person, connected, store_of_its_own

GLOBEX = {"tenantIds": ["globex"]}


@dataclass
class Conversation:
    """An agent that counts what it costs."""

    client: Client
    person: Person
    calls: int = 0
    characters: int = 0
    notes: list[str] = field(default_factory=list)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """One call of a tool; what it answers, structured."""
        result = await self.client.call_tool(tool, arguments)
        assert isinstance(result, types.CallToolResult)
        text = "".join(c.text for c in result.content if isinstance(c, types.TextContent))
        self.calls += 1
        self.characters += len(text) + len(json.dumps(arguments))
        assert not result.is_error, text
        return dict(result.structured_content or {})

    async def state(self) -> list[Any]:
        """What is there that a plan can change, read beside the count."""
        found = []
        for operation, fields in (
            ("SearchUsers", "users[].[userId, status, givenName, name]"),
            ("SearchRoles", "roles[].name"),
            ("LoadAllPermissions", "permissions[].name"),
        ):
            arguments = {"operation": operation, "fields": fields}
            result = await self.client.call_tool("descope_read", arguments)
            assert isinstance(result, types.CallToolResult)
            found.append((result.structured_content or {})["answer"])
        return found

    def begin(self) -> None:
        """Forget what the preparation has cost."""
        self.calls = self.characters = 0
        self.person.asked.clear()


@dataclass(frozen=True)
class Task:
    """A task, how it is done, and what it may cost at most."""

    title: str
    perform: Callable[[Conversation], Awaitable[None]]
    calls: int
    characters: int
    questions: int = 1


def each(operation: str, path: str, source: str = "find", **arguments: Any) -> dict[str, Any]:
    """A step for every element that the step `source` has at a path."""
    return {
        "operation": operation,
        "for_each": {"$from": source, "path": path},
        "arguments": arguments,
    }


async def disable_by_attribute(agent: Conversation) -> None:
    """Block 120 of 250 users, picked by an attribute."""
    for start in range(0, 225, 75):
        users = [
            {
                "loginId": f"u{n:03}@field.example",
                "customAttributes": {"department": "Field" if n < 120 else "Desk"},
            }
            for n in range(start, start + 75)
        ]
        arguments = {"users": users}
        await agent.call("descope_destructive", operation="CreateUsers", arguments=arguments)
    agent.begin()
    await agent.call("descope_search", query="find users by attribute and block them", limit=3)
    await agent.call("descope_describe", names=["UpdateUserStatus"])
    find = {
        "id": "find",
        "operation": "SearchUsers",
        "arguments": {"customAttributes": {"department": "Field"}},
    }
    block = each("UpdateUserStatus", "users", loginId={"$each": "loginIds[0]"}, status="disabled")
    done = await agent.call("descope_plan", title="Block the field team", steps=[find, block])
    assert done["answer"]["done"] == 120, done
    await agent.call(
        "descope_read",
        operation="SearchUsers",
        arguments={"customAttributes": {"department": "Field"}},
        fields="total",
    )


async def copy_flow(agent: Conversation) -> None:
    """Copy a flow under a new name, without reading it."""
    await agent.call("descope_search", query="export and import a flow", limit=2)
    renamed = "merge(flow, {flowId: 'sign-up-copy'})"
    steps = [
        {"id": "old", "operation": "ExportFlow", "arguments": {"flowId": "sign-up-or-in"}},
        {"operation": "ImportFlow", "arguments": {"flow": {"$from": "old", "path": renamed}}},
    ]
    await agent.call("descope_plan", title="Copy the sign-up flow", steps=steps)
    await agent.call("descope_read", operation="ListFlows", fields="flows[].id")


async def move_people(agent: Conversation) -> None:
    """Move six people between tenants, with the roles that they have."""
    await agent.call("descope_search", query="move users to another tenant with roles", limit=3)
    login = {"$each": "loginIds[0]"}
    roles = {"$each": "userTenants[?tenantId=='globex'].roleNames | [0]"}
    steps = [
        {"id": "find", "operation": "SearchUsers", "arguments": GLOBEX},
        # The tenant has roles of its own, which its people would lose.
        {"id": "own", "operation": "SearchRoles", "arguments": GLOBEX},
        each(
            "CreateRole",
            "roles",
            "own",
            name={"$each": "name"},
            description={"$each": "description"},
            permissionNames={"$each": "permissionNames"},
            tenantId="umbra",
        ),
        each("UpdateUserAddTenant", "users", loginId=login, tenantId="umbra"),
        each("UpdateUserAddRoles", "users", loginId=login, tenantId="umbra", roleNames=roles),
        each("UpdateUserRemoveTenant", "users", loginId=login, tenantId="globex"),
    ]
    done = await agent.call("descope_plan", title="Globex joins Umbra", steps=steps)
    assert done["answer"]["done"] == 19, done
    fields = "users[].{login: loginIds[0], tenants: userTenants[].{id: tenantId, roles: roleNames}}"
    arguments = {"tenantIds": ["umbra"]}
    await agent.call("descope_read", operation="SearchUsers", arguments=arguments, fields=fields)


async def offboard(agent: Conversation) -> None:
    """Take all access of one person away: status, sessions, memberships, keys, consents."""
    login = "grace.kim@globex.example"
    await agent.call(
        "descope_search", query="offboard a user, end sessions, remove access", limit=3
    )
    who = {"$from": "who", "path": "user.userId"}
    memberships = {"$from": "who", "path": "user.userTenants[].tenantId"}
    steps = [
        {"id": "who", "operation": "LoadUser", "arguments": {"loginId": login}},
        {"id": "keys", "operation": "SearchAccessKeys", "arguments": {"boundUserId": who}},
        {
            "operation": "UpdateUserStatus",
            "arguments": {"loginId": login, "status": "disabled"},
        },
        {"operation": "LogoutAllUserDevices", "arguments": {"loginId": login}},
        {
            "operation": "UpdateUserRemoveTenant",
            "for_each": memberships,
            "arguments": {"loginId": login, "tenantId": "$each"},
        },
        {
            "operation": "DeactivateAccessKey",
            "for_each": {"$from": "keys", "path": "keys[].id"},
            "arguments": {"id": "$each"},
        },
        {
            "operation": "DeleteThirdPartyApplicationConsents",
            "arguments": {"userIds": [who]},
        },
    ]
    await agent.call("descope_plan", title="Grace has left", steps=steps)
    await agent.call("descope_read", operation="LoadUser", arguments={"loginId": login})


async def hundred(agent: Conversation) -> None:
    """A plan of 100 mixed calls: asked about, run, taken back."""
    found = await agent.call(
        "descope_read", operation="SearchUsers", fields="users[?status=='enabled'].loginIds[0]"
    )
    # Nobody is blocked twice, so that every call changes something.
    logins = found["answer"]
    before = await agent.state()
    new = (100 - 2 * len(logins)) // 2
    steps = [
        *(
            {"operation": "CreateRole", "arguments": {"name": f"R{n}", "permissionNames": []}}
            for n in range(new)
        ),
        *({"operation": "CreatePermission", "arguments": {"name": f"p{n}"}} for n in range(new)),
        *(
            {"operation": "UpdateUserStatus", "arguments": {"loginId": o, "status": "disabled"}}
            for o in logins
        ),
        *(
            {"operation": "PatchUser", "arguments": {"loginId": o, "givenName": "X"}}
            for o in logins
        ),
    ]
    began, asked = time.perf_counter(), len(agent.person.asked)
    answered: list[float] = []
    usual = agent.person.answer

    def answer(form: types.ElicitRequestFormParams) -> types.ElicitResult:
        answered.append(time.perf_counter())
        return usual(form)

    agent.person.answer = answer
    done = await agent.call("descope_plan", title="A hundred", steps=steps)
    ran = time.perf_counter()
    undone = await agent.call("descope_undo", call=done["callId"])
    ended = time.perf_counter()
    assert done["answer"]["done"] == len(steps) == 100
    assert undone["answer"]["done"] == len(steps)
    assert len(agent.person.asked) == asked + 2
    assert await agent.state() == before
    agent.notes.append(
        f"{len(steps)} calls: question after {answered[0] - began:.1f} s, run in "
        f"{ran - answered[0]:.1f} s, undo asked about after {answered[1] - ran:.1f} s and done in "
        f"{ended - answered[1]:.1f} s"
    )


TASKS = (
    Task("disable 120 of 250 users by an attribute", disable_by_attribute, 5, 8_000),
    # A flow decides who gets in, so that a new one is asked about like one that is replaced.
    Task("copy a flow under a new name", copy_flow, 4, 3_000),
    Task("move six people between tenants, roles kept", move_people, 5, 8_000),
    Task("offboard one person whole", offboard, 3, 8_000),
    Task("100 mixed calls, and their undo", hundred, 3, 30_000, 2),
)


async def performed(task: Task, mode: str = "auto") -> Conversation:
    """A conversation in which the task was done."""
    person = Person(lambda _: YES)
    with TemporaryDirectory() as place, store_of_its_own(Path(place)):
        async with connected(mode, elicitation_callback=person) as client:
            agent = Conversation(client, person)
            await task.perform(agent)
            return agent


def main() -> None:
    """Print the table."""
    print(
        f"{'task':46} {'calls':>5} {'aim':>4} {'characters':>11} {'aim':>7} {'asked':>6} {'aim':>4}"
    )
    for task in TASKS:
        agent = anyio.run(performed, task)
        print(
            f"{task.title:46} {agent.calls:5} {task.calls:4} {agent.characters:11,} "
            f"{task.characters:7,} {len(agent.person.asked):6} {task.questions:4}"
        )
        for note in agent.notes:
            print(f"  {note}")


if __name__ == "__main__":
    main()

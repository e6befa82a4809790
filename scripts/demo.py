"""Two conversations between an agent and the server, over stdio, against the sandbox.

First an agent wants to delete a user: the person says no, is not asked the same again, and agrees
to less. Then a user, a role with twelve holders and a tenant are deleted, seen in the journal, and
brought back. The part of the person is played here. What is kept goes to a directory that ends with
the demo.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import mcp_types as types
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

_COMMAND = [sys.executable, "-m", "descope_mcp"]
#: Of a long question the demo shows what hangs on the target and what comes back.
_LONG = 30
_READING = 4.0


def say(who: str, text: str) -> None:
    """Print one turn of the conversation, indented under the name of who speaks."""
    head, *rest = text.splitlines() or [""]
    print(f"{who:>7} | {head}")
    for line in rest:
        print(f"{'':>7} | {line}")


@dataclass
class Person:
    """Says no to so many questions, then yes."""

    refusals: int
    asked: list[str] = field(default_factory=list)

    async def answer(self, context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        """The answer to one question."""
        self.asked.append(params.message)
        say("server", f"asks the person:\n{_shortened(params.message)}")
        yes = len(self.asked) > self.refusals
        say("person", "yes" if yes else "no")
        if not yes:
            # So long it takes to read it; a no that comes sooner is not believed to be a person's.
            await anyio.sleep(_READING)
            return types.ElicitResult(action="decline")
        return types.ElicitResult(action="accept", content={"confirm": True})


@dataclass
class Agent:
    """Calls tools, and shows what it sends and gets."""

    client: Client

    async def call(self, tool: str, **arguments: Any) -> types.CallToolResult:
        """One call of a tool, shown."""
        say("agent", f"{tool} {arguments}")
        result = await self.quietly(tool, **arguments)
        text = result.content[0].text if result.content else ""  # type: ignore[union-attr]
        say("server", text if len(text) <= 700 else f"{text[:700]}…")
        return result

    async def quietly(self, tool: str, **arguments: Any) -> types.CallToolResult:
        """One call of a tool."""
        return await self.client.call_tool(tool, arguments)

    async def run(self, effect: str, operation: str, **arguments: Any) -> Any:
        """The answer of an operation, not shown."""
        result = await self.quietly(f"descope_{effect}", operation=operation, arguments=arguments)
        assert result.structured_content, result
        return result.structured_content.get("answer")


async def asked_first(agent: Agent) -> bool:
    """Search, read, be declined, not get to ask again, and be approved for what is softer."""
    listed = (await agent.client.list_tools()).tools
    say("server", f"offers {len(listed)} tools: {', '.join(tool.name for tool in listed)}")
    await agent.call("descope_search", query="remove a person who has left", limit=3)
    users = await agent.call("descope_read", operation="SearchUsers", arguments={"limit": 1})
    login = users.structured_content["answer"]["users"][0]["loginIds"][0]
    delete = {"operation": "DeleteUser", "arguments": {"loginId": login}}
    load = {"operation": "LoadUser", "arguments": {"loginId": login}}
    await agent.call("descope_write", **delete)
    declined = await agent.call("descope_destructive", **delete)
    repeated = await agent.call("descope_destructive", **delete)
    still = await agent.call("descope_read", **load)
    block = {"loginId": login, "status": "disabled"}
    softer = await agent.call("descope_destructive", operation="UpdateUserStatus", arguments=block)
    after = await agent.call("descope_read", **load, fields="user.status")
    print()
    for what, went in (
        ("a person's no is told", declined.is_error),
        ("the same is not put to them at once again", "callId" not in repeated.structured_content),
        ("the user is still there", not still.is_error),
        ("what is softer ran with their word", "callId" in softer.structured_content),
        ("the user is disabled", "disabled" in str(after.structured_content)),
    ):
        say("", f"{what}: {'yes' if went else 'NO'}")
        if not went:
            return False
    return True


async def and_back(agent: Agent) -> bool:
    """Delete a user, a role with twelve holders and a tenant, and bring each back."""
    users = (await agent.run("read", "SearchUsers", limit=12))["users"]
    logins = [user["loginIds"][0] for user in users]
    await agent.run("write", "CreateRole", name="Helper", description="Helps out")
    for login in logins:
        await agent.run("write", "UpdateUserAddRoles", loginId=login, roleNames=["Helper"])
    tenant = (await agent.run("read", "LoadAllTenants"))["tenants"][0]["id"]

    async def holders() -> Any:
        return (await agent.run("read", "SearchUsers", roleNames=["Helper"], limit=1))["total"]

    async def members() -> Any:
        return (await agent.run("read", "SearchUsers", tenantIds=[tenant], limit=1))["total"]

    async def name() -> Any:
        return (await agent.run("read", "LoadUser", loginId=logins[1]))["user"]["name"]

    cases: list[tuple[str, dict[str, Any], str, Callable[[], Any]]] = [
        ("DeleteRole", {"name": "Helper"}, "users who hold the role", holders),
        ("DeleteTenant", {"id": tenant}, "users in the tenant", members),
        ("DeleteUser", {"loginId": logins[1]}, "name of the user", name),
    ]
    whole = True
    for operation, arguments, what, look in cases:
        before = await look()
        done = await agent.call("descope_destructive", operation=operation, arguments=arguments)
        call = done.structured_content["callId"]
        undone = await agent.call("descope_undo", call=call)
        after = await look()
        say("", f"{what}: {before} before, {after} after the undo")
        whole = whole and not undone.is_error and before == after
    return whole


async def main() -> int:
    """Run the demo; the exit code is 0 if it went as it should."""
    with tempfile.TemporaryDirectory() as directory:
        env = {
            **os.environ,
            "DESCOPE_MCP_STATE": f"{directory}/state",
            "DESCOPE_MCP_KEY_FILE": f"{directory}/config/key",
        }
        first = await _act("Asked first", asked_first, Person(refusals=1), env)
        second = await _act("And back again", and_back, Person(refusals=0), env)
        print("\n--- The journal, newest first\n")
        whole = True
        for command in (["list", "--limit", "8"], ["verify"]):
            ended = await anyio.run_process(
                [*_COMMAND, "journal", *command], env=env, check=False, stdout=None
            )
            whole = whole and ended.returncode == 0
    went_well = first and second and whole
    print("\nDeclined: nothing. Approved: done. Undone: back." if went_well else "\nIT WENT WRONG")
    return 0 if went_well else 1


async def _act(
    title: str, act: Callable[[Agent], Any], person: Person, env: dict[str, str]
) -> bool:
    print(f"\n--- {title}\n")
    server = StdioServerParameters(
        command=_COMMAND[0], args=[*_COMMAND[1:], "serve", "--sandbox"], env=env
    )
    async with Client(stdio_client(server), elicitation_callback=person.answer) as client:
        return bool(await act(Agent(client)))


def _shortened(question: str) -> str:
    lines = question.splitlines()
    if len(lines) <= _LONG:
        return question
    return "\n".join([*lines[:8], f"  ... {len(lines) - 16} lines ...", *lines[-8:]])


if __name__ == "__main__":
    sys.exit(anyio.run(main))

"""A conversation between an agent and the server, over stdio, against the sandbox.

The part of the person is played here: no the first time, yes the second.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import anyio
import mcp_types as types
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

_SERVER = StdioServerParameters(
    command=sys.executable, args=["-m", "descope_mcp", "serve", "--sandbox"]
)


def say(who: str, text: str) -> None:
    """Print one turn of the conversation, indented under the name of who speaks."""
    head, *rest = text.splitlines() or [""]
    print(f"{who:>7} | {head}")
    for line in rest:
        print(f"{'':>7} | {line}")


def answers() -> Iterator[bool]:
    """What the person says, in order."""
    yield from (False, True)


async def main() -> int:
    """Run the conversation; the exit code is 0 if it went as it should."""
    person = answers()

    async def asked(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        say("server", f"asks the person:\n{params.message}")
        yes = next(person)
        say("person", "yes" if yes else "no")
        if not yes:
            return types.ElicitResult(action="decline")
        return types.ElicitResult(action="accept", content={"confirm": True})

    async with Client(stdio_client(_SERVER), elicitation_callback=asked) as client:

        async def call(tool: str, **arguments: Any) -> types.CallToolResult:
            say("agent", f"{tool} {arguments}")
            result = await client.call_tool(tool, arguments)
            text = result.content[0].text if result.content else ""  # type: ignore[union-attr]
            say("server", text if len(text) <= 700 else f"{text[:700]}…")
            return result

        listed = (await client.list_tools()).tools
        say("server", f"offers {len(listed)} tools: {', '.join(tool.name for tool in listed)}")
        await call("descope_search", query="remove a person who has left", limit=3)
        users = await call("descope_read", operation="SearchUsers", arguments={"limit": 1})
        login = users.structured_content["answer"]["users"][0]["loginIds"][0]
        delete = {"operation": "DeleteUser", "arguments": {"loginId": login}}
        await call("descope_write", **delete)
        declined = await call("descope_destructive", **delete)
        still = await call("descope_read", operation="LoadUser", arguments={"loginId": login})
        approved = await call("descope_destructive", **delete)
        gone = await call("descope_read", operation="LoadUser", arguments={"loginId": login})
    went_well = (
        bool(declined.is_error)
        and not still.is_error
        and not approved.is_error
        and bool(gone.is_error)
    )
    print("\nDeclined: nothing happened. Approved: done." if went_well else "\nIT WENT WRONG")
    return 0 if went_well else 1


if __name__ == "__main__":
    sys.exit(anyio.run(main))

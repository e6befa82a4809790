"""An agent: the protocol's own client on a server process, and the person before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.e2e.wire import environment
from tests.preloaded import PRELOADED
from tests.recorder import STORE_SETTINGS

DECLINE = types.ElicitResult(action="decline")
#: What a no comes to that was given at once; on a busy machine not even that is always fast.
AT_ONCE = ("declined-unread", "declined")
#: Longer than anybody needs to read a question and say no.
READING = 4.1
YES = types.ElicitResult(action="accept", content={"confirm": True})


@dataclass
class Person:
    """Whoever sits before the client: what they were asked, how and after how long they answer."""

    answer: Callable[[types.ElicitRequestFormParams], types.ElicitResult] = lambda _: DECLINE
    asked: list[types.ElicitRequestFormParams] = field(default_factory=list)
    seconds: float = 0

    async def __call__(self, context: Any, params: Any) -> types.ElicitResult:
        self.asked.append(params)
        await anyio.sleep(self.seconds)
        return self.answer(params)


@dataclass
class Agent:
    """A connected client and its person."""

    client: Client
    person: Person
    mode: str

    async def call(
        self, tool: str, arguments: dict[str, Any] | None = None, **more: Any
    ) -> types.CallToolResult:
        result = await self.client.call_tool(tool, arguments or {}, **more)
        assert isinstance(result, types.CallToolResult)
        return result

    async def run(self, effect: str, operation: str, arguments: Any = None) -> Any:
        """Run an operation through the hub; the structured result."""
        given = {"operation": operation, "arguments": arguments or {}}
        return (await self.call(f"descope_{effect}", given)).structured_content


@contextmanager
def store_of_its_own(place: Path) -> Iterator[None]:
    """What starts now keeps its state in `place`: a no of another test is not there."""
    with pytest.MonkeyPatch.context() as patch:
        for name, below in zip(STORE_SETTINGS, ("state", "config/key"), strict=True):
            patch.setenv(name, str(place / below))
        yield


def connected(mode: str, **callbacks: Any) -> Client:
    """A client of one era, still to be entered, on a sandbox of its own."""
    server = StdioServerParameters(
        command=PRELOADED, args=["serve", "--sandbox"], env=environment()
    )
    return Client(stdio_client(server), mode=mode, **callbacks)

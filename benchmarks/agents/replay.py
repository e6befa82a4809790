"""Replaying conversations over a real client and a real server process, and counting."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any

import jmespath
import mcp_types as types
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from benchmarks.agents.conversation import Budget, Conversation, Step
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.http.serve import Sandbox, running
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.server.surface.token_cost import tokens
from tests.e2e.wire import environment
from tests.preloaded import PRELOADED

_KEPT = re.compile(r"\$\{(\w+)\}")


class Unexpected(AssertionError):
    """A step did not go as it was recorded."""


@dataclass
class Person:
    """Whoever is asked: says what the step at hand has them say, and nothing that it has not."""

    answer: str | None = None
    asked: int = 0

    async def __call__(self, context: Any, params: Any) -> types.ElicitResult:
        """The answer to a question."""
        self.asked += 1
        if self.answer != "yes":
            return types.ElicitResult(action="decline")
        wanted = params.requested_schema["properties"].get("name")
        if wanted:
            return types.ElicitResult(
                action="accept", content={"name": wanted["title"].partition(": ")[2]}
            )
        return types.ElicitResult(action="accept", content={"confirm": True})


@dataclass
class Stage:
    """A connected agent on an organisation that begins anew with every conversation."""

    client: Client
    person: Person
    state: State
    records: dict[str, Any] = field(repr=False)


@asynccontextmanager
async def stage(catalog: Catalog) -> AsyncIterator[Stage]:
    """One server process and one sandbox for all conversations."""
    state, person = organisations.acme(), Person()
    with TemporaryDirectory() as place:
        async with (
            running(catalog.values(), state) as sandbox,
            _serving(sandbox, person, place) as client,
        ):
            yield Stage(client, person, state, state.export())


@asynccontextmanager
async def _serving(sandbox: Sandbox, person: Person, place: str) -> AsyncIterator[Client]:
    """A client of a server process that works on the sandbox and keeps its state in `place`."""
    settings = environment(
        DESCOPE_MCP_STATE=f"{place}/state",
        DESCOPE_MCP_KEY_FILE=f"{place}/config/key",
        DESCOPE_BASE_URL=sandbox.url,
        DESCOPE_PROJECT_ID=sandbox.project_id,
        DESCOPE_MANAGEMENT_KEY=sandbox.management_key,
    )
    server = StdioServerParameters(command=PRELOADED, args=["serve"], env=settings)
    async with Client(stdio_client(server), elicitation_callback=person) as client:
        yield client


async def replay(conversation: Conversation, stage: Stage) -> Budget:
    """What a conversation costs.

    Raises:
        Unexpected: a step did not go as it was recorded.
    """
    stage.state.replace(stage.records)
    kept: dict[str, Any] = {}
    texts: list[str] = []
    for number, step in enumerate(conversation.steps, 1):
        where = f"{conversation.task}: step {number}, {step.call}"
        texts.append(await _take(step, stage, kept, where))
    return Budget(
        calls=len(texts),
        characters=sum(map(len, texts)),
        tokens=sum(map(tokens, texts)),
    )


async def _take(step: Step, stage: Stage, kept: dict[str, Any], where: str) -> str:
    """One step; the text that a model reads of it."""
    stage.person.answer, stage.person.asked = step.person, 0
    result = await stage.client.call_tool(f"descope_{step.call}", _filled(step.given, kept))
    if not isinstance(result, types.CallToolResult) or result.structured_content is None:
        raise Unexpected(f"{where}: no result")
    told: Mapping[str, Any] = result.structured_content
    (content,) = result.content
    if not isinstance(content, types.TextContent):
        raise Unexpected(f"{where}: no text")
    failed = told.get("rule") or told.get("error") or ""
    if (result.is_error or "waitsFor" in told) and failed != step.error:
        raise Unexpected(f"{where}: {content.text[:500]}")
    if step.error and failed != step.error:
        raise Unexpected(f"{where}: should end with {step.error}")
    if bool(stage.person.asked) is not (step.person is not None):
        raise Unexpected(f"{where}: a person was asked {stage.person.asked} times")
    for name, path in step.keep.items():
        kept[name] = jmespath.search(path, told)
        if kept[name] is None:
            raise Unexpected(f"{where}: there is no {path} in {content.text[:500]}")
    for path, wanted in step.expect.items():
        found = jmespath.search(path, told)
        if found != wanted:
            raise Unexpected(f"{where}: {path} is {found!r}, not {wanted!r}")
    return content.text


def _filled(value: Any, kept: Mapping[str, Any]) -> Any:
    """A value with what was kept in place of ``${name}``."""
    if isinstance(value, dict):
        return {key: _filled(item, kept) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, kept) for item in value]
    if not isinstance(value, str):
        return value
    if whole := _KEPT.fullmatch(value):
        return kept[whole[1]]
    return _KEPT.sub(lambda match: str(kept[match[1]]), value)

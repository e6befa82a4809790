"""What a model reads until it knows which operation it wants, and whether that is the right one."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.peers.client import Message, Session
from benchmarks.peers.servers import Server
from benchmarks.retrieval import Query, ranks, score
from descope_mcp.server.surface.token_cost import tokens

#: What a client hands on to its model; titles, annotations and output schemas it keeps for itself.
_READ = ("name", "description", "inputSchema")


class Found(NamedTuple):
    """Shares of queries with a right operation first and in the first five, tokens of an answer."""

    first: float
    five: float
    answer_tokens: float


def list_tokens(session: Session) -> tuple[int, int, int]:
    """Tools of the list, its tokens as a model reads it, and those of all that is sent."""
    tools = session.request("tools/list", {})["result"]["tools"]
    read = [{key: tool[key] for key in _READ if key in tool} for tool in tools]
    return len(tools), tokens(_compact(read)), tokens(_compact(tools))


def found(server: Server, session: Session, queries: Sequence[Query]) -> Found | None:
    """How the server's own search does on the queries; None if it has none."""
    if not server.search:
        return None
    costs: list[int] = []

    def search(text: str) -> list[str]:
        params = {"name": server.search, "arguments": {"query": text}}
        answer = session.request("tools/call", params)["result"]
        costs.append(tokens(_shown(answer)))
        return server.found(answer)

    scored = score(ranks(queries, search))
    return Found(scored.first, scored.five, statistics.median(costs))


def _shown(answer: Message) -> str:
    """The text of an answer, which is what most clients show a model."""
    return "".join(part.get("text", "") for part in answer["content"])


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

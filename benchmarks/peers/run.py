"""One run over all servers: the figures of every row, with the project's sandbox as the API."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.peers import conduct, finding, servers, speed
from benchmarks.peers.client import LEGACY, Answer, Stdio, agree, decline
from benchmarks.peers.contract import repaired
from benchmarks.peers.relay import relaying
from benchmarks.peers.results import Column, Results
from benchmarks.peers.servers import Server
from benchmarks.retrieval import Query, own_queries
from descope_mcp.catalog.catalog import Catalog, load

Figures = dict[str, float | list[int] | None]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: starts of each, calls of each, queries, examples; None is all."""

    starts: int = 3
    turns: int = 20
    queries: int | None = None
    examples: int | None = 40


@dataclass(frozen=True, slots=True)
class Ground:
    """What all servers of a run have in common."""

    catalog: Catalog
    address: str
    project: str
    key: str
    document: Path
    home: Path

    def settings(self, address: str = "") -> dict[str, str]:
        """The environment of a server whose API is the sandbox, or a relay to it."""
        return servers.environment(
            address or self.address, self.project, self.key, self.document, self.home
        )

    def reset(self) -> None:
        """Let the sandbox begin anew."""
        request = urllib.request.Request(f"{self.address}/sandbox/reset", data=b"{}", method="POST")
        urllib.request.urlopen(request).close()


@contextmanager
def ground(contract: Path) -> Iterator[Ground]:
    """A sandbox, and the document that the peers convert."""
    command = [sys.executable, "-m", "descope_mcp", "sandbox", "--json"]
    with (
        TemporaryDirectory() as place,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox,
    ):
        try:
            assert sandbox.stdout is not None
            said = json.loads(sandbox.stdout.readline())
            document = Path(place) / "openapi.json"
            document.write_text(json.dumps(repaired(contract)), encoding="utf-8")
            yield Ground(
                load(),
                said["DESCOPE_BASE_URL"],
                said["DESCOPE_PROJECT_ID"],
                said["DESCOPE_MANAGEMENT_KEY"],
                document,
                Path(place),
            )
        finally:
            sandbox.terminate()


def run(contract: Path, size: Size, part: str, *, make: bool = True) -> Results:
    """Measure one of `PARTS`.

    Raises:
        Missing: a peer cannot be had here.
    """
    with ground(contract) as common:
        compared = servers.all_servers(common.catalog, common.document, make=make)
        figures = [*PARTS[part](common, compared, size)]
    columns = [
        Column(server.title, server.version, server.own, own)
        for server, own in zip(compared, figures, strict=True)
    ]
    today = datetime.now(UTC).date().isoformat()
    return Results(today, _machine(), _title(contract), len(_queries(size)), columns)


def _queries(size: Size) -> list[Query]:
    """Queries that nothing was tuned on, from all toolsets."""
    unknown = [query for query in own_queries() if query.held_out]
    step = max(1, len(unknown) // (size.queries or len(unknown)))
    return unknown[::step]


def _speed(common: Ground, compared: Sequence[Server], size: Size) -> list[Figures]:
    settings = common.settings()
    read = (common.catalog["LoadTenant"], {"id": "globex"})
    started = speed.starts(compared, settings, size.starts)
    measured = speed.conversations(compared, settings, read, size.turns)
    return [{"start": start, **taken} for start, taken in zip(started, measured, strict=True)]


def _finding(common: Ground, compared: Sequence[Server], size: Size) -> Iterator[Figures]:
    queries = _queries(size)
    for server in compared:
        session = Stdio(server.stdio, common.settings())
        own: Figures = dict(
            zip(("tools", "list tokens", "sent tokens"), finding.list_tokens(session), strict=True)
        )
        found = finding.found(server, session, queries) or (None, None, None)
        own["first"], own["five"], own["answer tokens"] = found
        session.close()
        yield own


def _conduct(common: Ground, compared: Sequence[Server], size: Size) -> Iterator[Figures]:
    """What servers let through; every part begins with a fresh organisation."""
    examples = conduct.exemplary(common.catalog)
    step = max(1, len(examples) // (size.examples or len(examples)))
    trials: Sequence[tuple[str, conduct.Part, Answer, conduct.Calls]] = (
        ("undeclared", conduct.undeclared, decline, examples[::step]),
        ("mistyped", conduct.mistyped, decline, examples[::step]),
        ("unasked", conduct.unasked, decline, conduct.losing(examples)[::step]),
        ("secrets", conduct.secrets_shown, agree, examples),
    )
    for server in compared:
        own: Figures = {}
        with relaying(common.address) as relay:
            for name, part, answer, calls in trials:
                common.reset()
                settings = common.settings(relay.address)
                session = Stdio(server.stdio, settings, LEGACY, answer)
                own[name] = list(part(conduct.Trial(server, session, relay), calls))
                session.close()
        yield own


#: What can be measured alone. `speed` wants a machine with nothing else to do.
PARTS: dict[str, Callable[[Ground, Sequence[Server], Size], Iterable[Figures]]] = {
    "speed": _speed,
    "finding": _finding,
    "conduct": _conduct,
}


def _machine() -> str:
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {platform.system()}, Python {platform.python_version()}"


def _title(contract: Path) -> str:
    document = json.loads(contract.read_text(encoding="utf-8"))
    texts = any(
        operation.get("description")
        for item in document["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict)
    )
    return f"{document['info']['version']}, {'with' if texts else 'without'} its descriptions"

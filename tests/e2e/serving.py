"""`descope-mcp serve --http` as a process, and what clients of it need beside it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.preloaded import PRELOADED


@asynccontextmanager
async def saying(
    command: Sequence[str], mark: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> AsyncIterator[str]:
    """A process, and what follows `mark` in the first line of its output or errors that has it.

    The process ends with the context.
    """
    async with (
        await anyio.open_process(command, env=env, cwd=cwd, stderr=-2) as process,
        anyio.create_task_group() as tasks,
    ):
        assert process.stdout is not None
        lines = BufferedByteReceiveStream(process.stdout)
        said: list[str] = []
        with anyio.fail_after(60):
            while not said or mark not in said[-1]:
                try:
                    said.append((await lines.receive_until(b"\n", 1_000_000)).decode())
                except anyio.IncompleteRead:
                    raise AssertionError("\n".join(said)) from None

        async def unblock() -> None:
            async for _ in lines:
                pass

        tasks.start_soon(unblock)
        try:
            yield said[-1].partition(mark)[2].strip()
        finally:
            process.terminate()
            with anyio.CancelScope(shield=True), anyio.move_on_after(10):
                await process.wait()
            tasks.cancel_scope.cancel()


def served(*options: str, env: Mapping[str, str], port: int = 0) -> AsyncIterator[str]:
    """The server on loopback; its address."""
    address = f"127.0.0.1:{port}"
    return saying([PRELOADED, "serve", "--http", address, *options], "serving ", env)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port

"""Descriptors of every kind, read and written from an event loop."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from descope_mcp.server.transports import byte_streams
from descope_mcp.server.transports.byte_streams import Sink, Source

pytestmark = pytest.mark.anyio

_MUCH = os.urandom(3_000_000)


def _thread_source(fd: int) -> Source:
    return byte_streams._ThreadSource(fd)


def _thread_sink(fd: int) -> Sink:
    return byte_streams._ThreadSink(fd)


#: Windows has threads for pipes too; here they stand for it.
KINDS = pytest.mark.parametrize(
    ("source", "sink"),
    [(byte_streams.source, byte_streams.sink), (_thread_source, _thread_sink)],
    ids=["polled", "threads"],
)
Opens = Callable[[int], Source]
OpensSink = Callable[[int], Sink]


async def _all(source: Source) -> bytes:
    found = b""
    while data := await source.read():
        found += data
    return found


@KINDS
@pytest.mark.parametrize("sockets", [False, True])
async def test_all_of_it_arrives_in_order(source: Opens, sink: OpensSink, sockets: bool) -> None:
    if sockets:
        ends = socket.socketpair()
        reading, writing = (end.detach() for end in ends)
    else:
        reading, writing = os.pipe()
    into, out = sink(writing), source(reading)
    found = b""

    async def read() -> None:
        nonlocal found
        found = await _all(out)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            for start in range(0, len(_MUCH), 500_000):
                tasks.start_soon(into.write, _MUCH[start : start + 500_000])
            await anyio.sleep(0.05)
            await into.flush()
            into.stop()
            os.close(writing)
    os.close(reading)
    assert found == _MUCH


@KINDS
async def test_what_a_cancelled_writer_began_is_written_whole(
    source: Opens, sink: OpensSink
) -> None:
    reading, writing = os.pipe()
    into = sink(writing)
    with anyio.move_on_after(0.1) as gone:
        await into.write(_MUCH)
    assert gone.cancelled_caught
    out, found = source(reading), b""
    with anyio.fail_after(20):
        while len(found) < len(_MUCH):
            found += await out.read()
        await into.flush()
        await into.write(b"after")
        assert await out.read() == b"after"
    assert found == _MUCH
    out.stop()
    into.stop()
    os.close(writing)
    os.close(reading)


@KINDS
async def test_nobody_who_reads_is_an_error_and_nobody_who_writes_the_end(
    source: Opens, sink: OpensSink
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    into = sink(writing)
    with anyio.fail_after(10):
        for _ in range(2):
            with pytest.raises(BrokenPipeError):
                await into.write(b"x")
        await into.flush()
    into.stop()
    os.close(writing)
    reading, writing = os.pipe()
    out = source(reading)
    os.close(writing)
    with anyio.fail_after(10):
        assert await out.read() == b""
        assert await out.read() == b""


@KINDS
async def test_a_reader_that_waits_can_be_stopped(source: Opens, sink: OpensSink) -> None:
    reading, writing = os.pipe()
    out = source(reading)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep, 0.05)
            tasks.start_soon(_stop_soon, out)
            assert await out.read() == b""
    os.close(writing)


async def _stop_soon(source: Source) -> None:
    await anyio.sleep(0.05)
    source.stop()


async def test_files_terminals_and_nothing_at_all(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes(_MUCH)
    with anyio.fail_after(20):
        with file.open("rb") as opened:
            assert await _all(byte_streams.source(opened.fileno())) == _MUCH
        with (tmp_path / "out").open("wb") as opened:
            await byte_streams.sink(opened.fileno()).write(_MUCH)
        assert (tmp_path / "out").read_bytes() == _MUCH
        with open(os.devnull, "r+b") as nothing:  # noqa: ASYNC230
            assert await byte_streams.source(nothing.fileno()).read() == b""
            await byte_streams.sink(nothing.fileno()).write(b"x")
        primary, secondary = os.openpty()
        await byte_streams.sink(secondary).write(b"shown\n")
        assert os.read(primary, 100) == b"shown\r\n"
        os.write(primary, b"typed\n")
        assert await byte_streams.source(secondary).read() == b"typed\n"

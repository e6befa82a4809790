"""Reading and writing descriptors without keeping the event loop waiting.

Pipes and sockets are read and written when they are ready, without threads: that costs a tenth of
what two thread hops a message do. Files, terminals and everything on Windows have a thread each,
which nobody has to wait for at the end.
"""

from __future__ import annotations

import asyncio
import os
import queue
import stat
import sys
import threading
from contextlib import suppress
from typing import Protocol

_CHUNK = 256 * 1024


class Source(Protocol):
    """Where bytes come from."""

    async def read(self) -> bytes:
        """The next bytes, none at the end or after `stop`."""

    def stop(self) -> None:
        """Read no more."""


class Sink(Protocol):
    """Where bytes go."""

    async def write(self, data: bytes) -> None:
        """Write all of `data`, in one piece where there is room; also if the caller is cancelled.

        Raises:
            OSError: nobody reads any more.
        """

    async def flush(self) -> None:
        """Wait until everything is written, or cannot be."""

    def stop(self) -> None:
        """Write no more; what is left is lost."""


def source(fd: int) -> Source:
    """The bytes of a descriptor that is open for reading."""
    return _PolledSource(fd) if _can_be_polled(fd) else _ThreadSource(fd)


def sink(fd: int) -> Sink:
    """The way into a descriptor that is open for writing."""
    return _PolledSink(fd) if _can_be_polled(fd) else _ThreadSink(fd)


def _can_be_polled(fd: int) -> bool:
    mode = os.fstat(fd).st_mode
    return sys.platform != "win32" and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))


class _PolledSource:
    def __init__(self, fd: int) -> None:
        self._fd, self._loop = fd, asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._came = b""
        self._ended = self._paused = False
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._ready)

    async def read(self) -> bytes:
        while not self._came and not self._ended:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        came, self._came = self._came, b""
        if self._paused and not self._ended:
            self._paused = False
            self._loop.add_reader(self._fd, self._ready)
        return came

    def stop(self) -> None:
        if not self._ended:
            self._ended = True
            self._loop.remove_reader(self._fd)
        _wake(self._waiter)

    def _ready(self) -> None:
        try:
            data = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            # A connection that was reset has as little to say as one that was closed.
            data = b""
        if not data:
            self.stop()
            return
        self._came += data
        if self._waiter is None:
            # Nobody wants it yet: the pipe holds the rest.
            self._paused = True
            self._loop.remove_reader(self._fd)
        _wake(self._waiter)


class _PolledSink:
    def __init__(self, fd: int) -> None:
        self._fd, self._loop = fd, asyncio.get_running_loop()
        self._left = bytearray()
        self._emptied = asyncio.Event()
        self._broken: OSError | None = None
        os.set_blocking(fd, False)

    async def write(self, data: bytes) -> None:
        if not self._left:
            data = data[self._put(data) :]
            if data:
                self._emptied.clear()
                self._loop.add_writer(self._fd, self._ready)
        if data:
            self._left += data
            await self._emptied.wait()
        if self._broken:
            raise self._broken

    async def flush(self) -> None:
        if self._left:
            await self._emptied.wait()

    def stop(self) -> None:
        self._done()

    def _ready(self) -> None:
        del self._left[: self._put(self._left)]
        if not self._left:
            self._done()

    def _put(self, data: bytes | bytearray) -> int:
        """Write what there is room for; how much that is. If nobody reads, that is all of it."""
        if self._broken is None:
            try:
                return os.write(self._fd, data)
            except BlockingIOError:
                return 0
            except OSError as error:
                self._broken = error
        return len(data)

    def _done(self) -> None:
        self._left.clear()
        self._loop.remove_writer(self._fd)
        self._emptied.set()


class _ThreadSource:
    def __init__(self, fd: int) -> None:
        self._fd, self._loop = fd, asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._came = b""
        self._ended = self._reading = False
        self._wanted = threading.Semaphore(0)
        threading.Thread(target=self._run, name="stdin", daemon=True).start()

    async def read(self) -> bytes:
        while not self._came and not self._ended:
            if not self._reading:
                self._reading = True
                self._wanted.release()
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        came, self._came = self._came, b""
        return came

    def stop(self) -> None:
        self._ended = True
        _wake(self._waiter)

    def _arrived(self, data: bytes) -> None:
        self._came, self._reading = data, False
        self._ended = self._ended or not data
        _wake(self._waiter)

    def _run(self) -> None:
        data = b"."
        # The loop may be closed by the time that the read returns.
        with suppress(RuntimeError):
            while data:
                self._wanted.acquire()
                try:
                    data = os.read(self._fd, _CHUNK)
                except OSError:
                    data = b""
                self._loop.call_soon_threadsafe(self._arrived, data)


class _ThreadSink:
    def __init__(self, fd: int) -> None:
        self._fd, self._loop = fd, asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[tuple[bytes, asyncio.Future[None]]] = queue.SimpleQueue()
        self._broken: OSError | None = None
        threading.Thread(target=self._run, name="stdout", daemon=True).start()

    async def write(self, data: bytes) -> None:
        if self._broken is None:
            await self._written(data)
        if self._broken:
            raise self._broken

    async def flush(self) -> None:
        if self._broken is None:
            await self._written(b"")

    def stop(self) -> None:
        pass

    async def _written(self, data: bytes) -> None:
        written = self._loop.create_future()
        self._queue.put((data, written))
        await written

    def _run(self) -> None:
        with suppress(RuntimeError):
            while True:
                data, written = self._queue.get()
                left = memoryview(data)
                try:
                    while left:
                        left = left[os.write(self._fd, left) :]
                except OSError as error:
                    self._broken = error
                self._loop.call_soon_threadsafe(_wake, written)


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)

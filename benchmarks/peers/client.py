"""A client that does no more than JSON, over stdio and HTTP, in both eras of the protocol.

What a server asks meanwhile (an older server's ``elicitation/create``) is counted, and answered as
`answer` says.
"""

from __future__ import annotations

import http.client
import json
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Protocol

LEGACY, MODERN = "2025-11-25", "2026-07-28"
Message = dict[str, Any]
#: Answers a form: its parameters to the result of the elicitation.
Answer = Callable[[Message], Message]
_CAPABILITIES: Message = {"elicitation": {}}


def decline(form: Message) -> Message:
    """A person who says no."""
    return {"action": "decline"}


def agree(form: Message) -> Message:
    """A person who says yes, and types what the form wants to see typed."""
    fields: Mapping[str, Message] = form.get("requestedSchema", {}).get("properties", {})
    content = {
        name: field.get("title", "").removeprefix("Type this to confirm: ")
        if field.get("type") == "string"
        else True
        for name, field in fields.items()
    }
    return {"action": "accept", "content": content}


class Session(Protocol):
    """A conversation with one server."""

    #: How often somebody was asked.
    questions: int

    def request(self, method: str, params: Message) -> Message:
        """The answer to one request: ``result`` or ``error``."""

    def close(self) -> None:
        """End it."""


class Stdio:
    """A server process, spoken to by lines."""

    def __init__(
        self,
        command: list[str],
        environment: Mapping[str, str],
        era: str = LEGACY,
        answer: Answer = decline,
    ) -> None:
        self._log = TemporaryFile()  # noqa: SIM115 - closed with the session
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
        )
        self._era, self._answer, self._number, self.questions = era, answer, 0, 0
        if era == LEGACY:
            self.request("initialize", _hello())
            self._send({"method": "notifications/initialized"})

    @property
    def memory(self) -> float:
        """The resident memory of the process in MiB."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def request(self, method: str, params: Message) -> Message:
        """The answer to one request.

        Raises:
            EOFError: the server ended; with the end of what it said on stderr.
        """
        self._number += 1
        number = self._number
        self._send({"id": number, "method": method, "params": _with_era(params, self._era)})
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            message: Message = json.loads(line)
            if message.get("id") == number and "method" not in message:
                return message
            if message.get("method") == "elicitation/create":
                self.questions += 1
                self._send({"id": message["id"], "result": self._answer(message["params"])})
        self._log.seek(0)
        raise EOFError(self._log.read()[-2000:].decode(errors="replace"))

    def close(self) -> None:
        """Hang up, and wait for the process or end it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def _send(self, message: Message) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self._process.stdin.flush()


class Http:
    """One kept-alive connection to a server that runs already."""

    questions = 0

    def __init__(self, host: str, port: int, era: str) -> None:
        self._address = host, port
        self._connection = http.client.HTTPConnection(host, port, timeout=120)
        self._stream: http.client.HTTPResponse | None = None
        self._era, self._number = era, 0
        self._headers = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
        }
        if era == LEGACY:
            self.request("initialize", _hello())
            self._headers["mcp-protocol-version"] = LEGACY
            self._post({"method": "notifications/initialized"}, {})
        else:
            self._headers["mcp-protocol-version"] = MODERN

    def request(self, method: str, params: Message) -> Message:
        """The answer to one request, also one that comes as a stream of events."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": _with_era(params, self._era)}
        own = {"mcp-method": method} if self._era == MODERN else {}
        if self._era == MODERN and "name" in params:
            own["mcp-name"] = params["name"]
        text = self._post(message, own)
        if not text:
            # Some answer on a stream of their own only, which has to be there before the request.
            if self._stream is None:
                connection = self._listening()
                self._post(message, own)
                self._stream = connection.getresponse()
            return _of(self._number, (line.decode() for line in self._stream))
        return json.loads(text) if text[0] == "{" else _of(self._number, text.splitlines())

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
        if self._stream:
            self._stream.close()

    def _listening(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(*self._address, timeout=120)
        headers = {**self._headers, "accept": "text/event-stream"}
        connection.request("GET", "/mcp", headers=headers)
        # What it answers begins with the first event: nobody waits for that here.
        return connection

    def _post(self, message: Message, own: dict[str, str]) -> str:
        body = json.dumps({"jsonrpc": "2.0", **message})
        headers = {**self._headers, **own}
        try:
            self._connection.request("POST", "/mcp", body, headers)
            response = self._connection.getresponse()
        except ConnectionError:
            # Servers hang up on whoever is silent for seconds, as while others have their turn.
            self._connection.close()
            self._connection.request("POST", "/mcp", body, headers)
            response = self._connection.getresponse()
        if session := response.getheader("mcp-session-id"):
            self._headers["mcp-session-id"] = session
        return response.read().decode()


def speaks(session: Session) -> bool:
    """Whether the server knows the present revision: it answers ``server/discover``."""
    versions = session.request("server/discover", {}).get("result", {}).get("supportedVersions", [])
    return MODERN in versions


def _of(number: int, lines: Iterable[str]) -> Message:
    """The answer to a request among the events of a stream."""
    for line in lines:
        if line.startswith("data:"):
            message: Message = json.loads(line[5:])
            if message.get("id") == number and "method" not in message:
                return message
    return {"error": {"message": "the stream ended without an answer"}}


def _hello() -> Message:
    return {
        "protocolVersion": LEGACY,
        "capabilities": _CAPABILITIES,
        "clientInfo": {"name": "benchmark", "version": "1"},
    }


def _with_era(params: Message, era: str) -> Message:
    if era == LEGACY:
        return params
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": _CAPABILITIES,
        "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
    }
    return {**params, "_meta": meta}

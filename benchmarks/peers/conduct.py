"""What a server lets through: wrong arguments, deletions without a question, secrets in answers.

The client can be asked (elicitation). A fresh sandbox stands behind a relay, so that what counts is
what was sent and what was answered, whatever a server says of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.peers.client import Message, Session
from benchmarks.peers.relay import Exchange, Relay
from benchmarks.peers.servers import Server
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation

#: Shorter values may stand in a text by accident.
_SECRET = 8


Calls = Sequence[tuple[Operation, Message]]


class Trial:
    """One server at its relay."""

    def __init__(self, server: Server, session: Session, relay: Relay) -> None:
        self._server, self._session, self._relay = server, session, relay

    def call(self, operation: Operation, arguments: Message) -> tuple[list[Exchange], str, int]:
        """The requests of this operation that a call led to, its answer, and the questions."""
        seen, asked = len(self._relay.exchanges), self._session.questions
        name, given = self._server.call(operation, arguments)
        answer = self._session.request("tools/call", {"name": name, "arguments": given})
        path = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", operation.path))
        sent = [
            exchange
            for exchange in self._relay.exchanges[seen:]
            if exchange.method == operation.method and path.fullmatch(exchange.path)
        ]
        return sent, json.dumps(answer, ensure_ascii=False), self._session.questions - asked


#: A part: how often it came to that, of how many.
Part = Callable[[Trial, Calls], tuple[int, int]]


def exemplary(catalog: Catalog) -> list[tuple[Operation, Message]]:
    """Every management operation that has an example, with the first of its examples."""
    return [
        (operation, dict(operation.examples[0].arguments))
        for operation in catalog.values()
        if operation.examples and operation.plane == "management"
    ]


def losing(examples: Calls) -> list[tuple[Operation, Message]]:
    """Deletions, revocations, rotations, ended sessions: whatever the arguments, something goes.

    An update may lose something or may not, so its example says nothing.
    """
    return [call for call in examples if call[0].effect == "destructive" and not call[0].update]


def undeclared(trial: Trial, examples: Calls) -> tuple[int, int]:
    """Calls with one argument that the operation does not have: caught before sending, of all."""
    wrong = [(operation, {**given, "unknownArgument": "x"}) for operation, given in examples]
    return sum(not trial.call(*call)[0] for call in wrong), len(wrong)


def mistyped(trial: Trial, examples: Calls) -> tuple[int, int]:
    """Calls with an object where the contract has something else."""
    wrong = list(_mistyped(examples))
    return sum(not trial.call(*call)[0] for call in wrong), len(wrong)


def unasked(trial: Trial, examples: Calls) -> tuple[int, int]:
    """Calls (see `losing`) that were sent although nobody had been asked, of all."""
    through = 0
    for call in examples:
        sent, _, questions = trial.call(*call)
        through += bool(sent) and not questions
    return through, len(examples)


def secrets_shown(trial: Trial, examples: Calls) -> tuple[int, int]:
    """Secrets that stood in the answer a model reads, of those that the API answered with."""
    shown = held = 0
    for operation, given in examples:
        if operation.secrets:
            sent, text, _ = trial.call(operation, given)
            values = {
                value
                for one in sent
                if one.status < 400
                for value in _values(operation, one.answer)
            }
            held += len(values)
            shown += sum(json.dumps(value, ensure_ascii=False)[1:-1] in text for value in values)
    return shown, held


def _mistyped(examples: Calls) -> Iterator[tuple[Operation, Message]]:
    for operation, given in examples:
        fields: Mapping[str, Message] = operation.input_schema["properties"]
        for name in given:
            if fields.get(name, {}).get("type") in ("string", "boolean", "array", "integer"):
                yield operation, {**given, name: {"unexpected": "object"}}
                break


def _values(operation: Operation, answer: bytes) -> Iterator[str]:
    try:
        document: Any = json.loads(answer)
    except ValueError:
        return
    for path in operation.secrets:
        for value in _at(document, path.split(".")):
            if len(value) >= _SECRET:
                yield value


def _at(node: Any, keys: Sequence[str]) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _at(one, keys)
    elif isinstance(node, str) and not keys:
        yield node
    elif isinstance(node, dict) and keys and keys[0].removesuffix("[]") in node:
        yield from _at(node[keys[0].removesuffix("[]")], keys[1:])

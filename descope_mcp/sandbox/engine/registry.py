"""Handlers by operation name, and what each insists on.

Fields are declared by name; ``userIds[]`` is one that must be a list, any other a string.

A handler is a plain function ``(state, arguments) -> answer``. Its arguments are those of query,
path and body together under their names on the wire; a body that is a bare array arrives as the
argument ``body``. It runs in a transaction: if it raises, nothing of what it wrote stays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from descope_mcp.sandbox.engine.errors import INVALID, MALFORMED, DescopeError, Kind, missing
from descope_mcp.sandbox.engine.state import State

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is more than JSON under HTTP 200.

    Attributes:
        body: the JSON; text is sent as it is.
        status: the HTTP status.
        headers: beside those that every answer has.
        cookies: values of ``Set-Cookie``.
    """

    body: Any
    status: int = 200
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    cookies: tuple[str, ...] = ()


Answer = Reply | dict[str, Any] | list[Any] | None
Function = Callable[[State, Arguments], Answer]


@dataclass(frozen=True, slots=True)
class Handler:
    """A function and the fields that the service requires before it looks at anything else."""

    function: Function
    required: Sequence[str] = ()
    any_of: Sequence[str] = ()
    exactly_one: Sequence[str] = ()
    shape_only: str = ""
    company: bool = False

    def __call__(self, state: State, arguments: Arguments) -> Answer:
        """Check the fields, then answer."""
        require(arguments, *self.required)
        choices = self.any_of or self.exactly_one
        given = [name for name in choices if arguments.get(name.removesuffix("[]"))]
        require(arguments, *(given or choices[:1]))
        if self.exactly_one and len(given) > 1:
            raise DescopeError(INVALID, f"Give either {' or '.join(given)}, not both")
        return self.function(state, arguments)


def failed(kind: Kind) -> Reply:
    """A failure whose handler keeps what it wrote, such as one more wrong attempt."""
    return Reply(DescopeError(kind).body(), kind.status)


HANDLERS: dict[str, Handler] = {}


def handles(
    *names: str,
    required: Sequence[str] = (),
    any_of: Sequence[str] = (),
    exactly_one: Sequence[str] = (),
    shape_only: str = "",
    company: bool = False,
) -> Callable[[Function], Function]:
    """Register the function as a handler.

    Args:
        *names: the operations that it answers.
        required: fields that must be there and not empty.
        any_of: fields of which at least one must be.
        exactly_one: fields of which one and only one may be.
        shape_only: why the answer has the right form but nothing behind it, where a program
            alone cannot do what the operation does (a foreign provider, a ceremony in a browser).
        company: whether it is about the company, so that a management key for some projects does
            not open it.
    """

    def register(function: Function) -> Function:
        for name in names:
            if name in HANDLERS:
                raise ValueError(f"{name} has a handler already")
            HANDLERS[name] = Handler(function, required, any_of, exactly_one, shape_only, company)
        return function

    return register


def require(arguments: Arguments, *fields: str) -> None:
    """Raise E011003 for the first of `fields` that is absent or empty, as the service does.

    One that is of the wrong type is E011001.
    """
    for field in fields:
        name = field.removesuffix("[]")
        value = arguments.get(name)
        if value in (None, "", [], {}):
            raise missing(name)
        if not isinstance(value, str if name == field else list):
            raise DescopeError(MALFORMED, f"The {name} field has a wrong type")

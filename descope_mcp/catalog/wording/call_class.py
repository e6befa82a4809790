"""The class of an operation's calls, and the arguments that make it a worse one.

A call goes through the tool of its class. That is what the record says, or what a rule of the
record raises it to: the arguments alone decide, never what they are compared with.
"""

from __future__ import annotations

from collections.abc import Callable

from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.operation_record.effect import EFFECTS
from descope_mcp.catalog.wording.rule_terms import terms, told_with


def call_class(
    operation: Operation, most: int = 1_000, about: Callable[[str], int] | None = None
) -> str:
    """``write; destructive with roleNames or status: disabled``.

    Args:
        operation: whose calls.
        most: so many arguments are named.
        about: which of them come first.
    """
    said: list[str] = [operation.effect]
    for effect in EFFECTS[EFFECTS.index(operation.effect) + 1 :]:
        raising = [term for r in operation.when if r.effect == effect for term in terms(r)]
        if raising:
            said.append(f"{effect} {told_with(raising, most, about)}")
    return "; ".join(said)

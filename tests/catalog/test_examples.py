"""Worked examples: every operation of the management plane has one that could be called so."""

from __future__ import annotations

import re

from descope_mcp.catalog.arguments import validation
from descope_mcp.catalog.catalog import Catalog

#: What real secrets of Descope and of others look like.
SECRET = re.compile(r"\b(?:K2\w{27,}|eyJ[\w-]{10,}|sk[-_]\w{16,}|[A-Za-z0-9+/]{40,})\b")


def test_every_management_operation_has_an_example(catalog: Catalog) -> None:
    without = [
        o.name
        for o in catalog.values()
        if o.plane == "management" and "blocked" not in o.worst_hazards and not o.examples
    ]
    assert not without


def test_examples_are_calls_that_would_be_sent(catalog: Catalog) -> None:
    for operation in catalog.values():
        for example in operation.examples:
            sent = validation.check(operation, example.arguments)
            # A moment is sent as a number.
            assert sent == example.arguments or operation.moments, operation.name
            assert sent.keys() == example.arguments.keys()
            assert not SECRET.search(str(example.arguments)), operation.name

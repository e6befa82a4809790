"""Where the console is, as questions and notices link to it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.cli import http_server
from tests.recorder import Recorder

HERE: Any = SimpleNamespace(origin="https://mcp.example.com", console=object())
NONE: Any = SimpleNamespace(origin="https://mcp.example.com", console=None)


@pytest.mark.parametrize(
    ("given", "said", "known"),
    [
        ("", HERE, "https://mcp.example.com/console"),
        ("https://other.example/console", HERE, "https://other.example/console"),
        ("", NONE, ""),
        ("", None, ""),
    ],
)
def test_it_is_where_the_setting_says_or_at_this_server(
    catalog: Catalog, given: str, said: Any, known: str
) -> None:
    services = Recorder("http://127.0.0.1:9").services(catalog, console=given)
    assert http_server.with_console(services, said).console == known

"""A pytest plugin for the suite of Descope's Python SDK: notes the requests that its mocks answer.

It is loaded by the interpreter of that suite (``-p sdk_capture``) and imports nothing of this
project. A mock that stands in for a method of httpx answers as the test wants; the request that
httpx would have sent is written down as a line of JSON in the file that ``SDK_CAPTURE`` names.
"""

from __future__ import annotations

import json
import os
from types import ModuleType
from typing import Any
from unittest import mock

import httpx

_METHODS = frozenset({"get", "post", "put", "patch", "delete"})
_FILE = os.environ["SDK_CAPTURE"]
#: The mocks in the place of a method of httpx by identity, kept alive so that it stays theirs.
_standing_in: dict[int, tuple[str, Any]] = {}


def _install() -> None:
    """Let every patch say what it replaces, and every mock among them what it was asked."""
    patching: Any = mock._patch
    calling: Any = mock.CallableMixin
    enter, call = patching.__enter__, calling.__call__

    def entered(patch: Any) -> Any:
        new = enter(patch)
        if patch.attribute in _METHODS and _is_httpx(patch.target):
            standing_in = getattr(patch.target, patch.attribute)
            _standing_in[id(standing_in)] = (patch.attribute, standing_in)
        return new

    def called(this: Any, *arguments: Any, **named: Any) -> Any:
        if id(this) in _standing_in:
            _note(_standing_in[id(this)][0], *arguments, **named)
        return call(this, *arguments, **named)

    patching.__enter__ = entered
    calling.__call__ = called


def _is_httpx(target: Any) -> bool:
    if isinstance(target, ModuleType):
        return target is httpx
    return isinstance(target, (httpx.Client, httpx.AsyncClient)) or target in (
        httpx.Client,
        httpx.AsyncClient,
    )


def _note(method: str, url: Any = "", **named: Any) -> None:
    kept = {name: named[name] for name in ("params", "headers", "json") if named.get(name)}
    try:
        request = httpx.Request(method.upper(), url, **kept)
    except (TypeError, ValueError, httpx.InvalidURL):
        return  # called with stand-ins for url or body: no request could come of it
    line = {
        "test": os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0],
        "method": request.method,
        "target": request.url.raw_path.decode(),
        "authorization": request.headers.get("authorization", ""),
        "body": request.content.decode(),
    }
    with open(_FILE, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


_install()

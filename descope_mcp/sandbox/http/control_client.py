"""Using the control interface of a sandbox that runs in another process or thread."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from descope_mcp.sandbox.http.own_paths import CONTROL


class NoSandbox(Exception):
    """Nobody answers there, or not as a sandbox does; the text says why."""


def project_of(url: str, timeout: float = 10.0) -> str:
    """The id of the project that the sandbox at `url` has, by which it is known as one.

    Raises:
        ValueError: `url` is none.
        NoSandbox: there is no answer, or it is that of something else.
    """
    text = ask(url, "GET", "", timeout=timeout)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    project = found.get("projectId") if isinstance(found, dict) else None
    if not isinstance(project, str) or not project:
        raise NoSandbox("something else answers there")
    return project


def ask(url: str, method: str, path: str, body: Any = None, timeout: float = 10.0) -> str:
    """What the sandbox at `url` answers. No proxy is asked: it is on this machine.

    Args:
        url: where it listens.
        method: of HTTP.
        path: of the interface, with a query if it takes one.
        body: JSON to send.
        timeout: seconds to wait.

    Raises:
        ValueError: `url` is none.
        NoSandbox: there is no answer, or it is an error.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(
            f"{url!r} is not the URL of a sandbox; it looks like `http://127.0.0.1:8080`"
        )
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout)
    try:
        connection.request(method, CONTROL + path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise NoSandbox(why) from None
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise NoSandbox(_said(text) or f"status {answer.status}")
    return text


def _said(text: str) -> str:
    try:
        return str(json.loads(text)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return ""

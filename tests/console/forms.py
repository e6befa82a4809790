"""The console without a browser: what is sent is what the test says, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import httpx2

from tests.console.served import Served


class Visitor:
    """Somebody who is signed in, and sends forms by hand."""

    def __init__(self, console: Served) -> None:
        self.console = console
        self.http = httpx2.Client(timeout=30)
        secret = console.link.partition("?s=")[2]
        entered = self.post("link", {"s": secret}, token=False)
        assert entered.status_code == 303
        self.token = self._token()

    def post(
        self,
        path: str,
        form: dict[str, str],
        *,
        token: bool = True,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        """Send a form, as a page of the console would unless the test says otherwise."""
        given = {"Origin": self.console.origin} if headers is None else headers
        fields: dict[str, Any] = {"csrf": self.token, **form} if token else form
        return self.http.post(self.console.path(path), data=fields, headers=given)

    def get(self, path: str, **headers: str) -> httpx2.Response:
        """A page."""
        return self.http.get(self.console.path(path), headers=headers)

    def answer(self, number: int, act: str, **form: str) -> httpx2.Response:
        """Answer a request."""
        return self.post(f"requests/{number}/answer", {"act": act, **form})

    def _token(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("").text)
        assert found
        return found[1]

"""The console without a browser: people who are signed in, and send what the test says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2

from descope_mcp.console.sign_in import sessions
from descope_mcp.console.sign_in.people import Person, Role
from descope_mcp.console.sign_in.sessions import Session
from tests.console.served import Served


class Somebody:
    """Somebody with the roles that a test gives them, in a session of their own or in `session`."""

    def __init__(
        self,
        console: Served,
        *roles: Role,
        name: str = "bea",
        subject: str = "",
        emails: tuple[str, ...] = (),
        session: Session | None = None,
    ) -> None:
        self.console = console
        person = Person(name, name, roles, subject, emails)
        self.session = session or sessions.begin(console.store, person, {})
        port = console.origin.rpartition(":")[2]
        cookies = {f"descope-mcp-session-{port}": self.session.secret}
        self.http = console.opened.enter_context(httpx2.Client(timeout=60, cookies=cookies))

    def at(self, replica: Served) -> Somebody:
        """The same person in the same session, elsewhere."""
        return Somebody(replica, session=self.session)

    def get(self, path: str, **headers: str) -> httpx2.Response:
        """A page."""
        return self.http.get(self.console.path(path), headers=headers)

    def post(
        self,
        path: str,
        form: Mapping[str, str] | None = None,
        *,
        token: bool = True,
        headers: Mapping[str, str] | None = None,
        **more: str,
    ) -> httpx2.Response:
        """Send a form, as a page of the console would unless the test says otherwise."""
        given = {"Origin": self.console.origin} if headers is None else dict(headers)
        fields: dict[str, Any] = {"csrf": self.session.csrf} if token else {}
        fields |= {**(form or {}), **more}
        return self.http.post(self.console.path(path), data=fields, headers=given)

    def answer(self, number: int, act: str, **form: str) -> httpx2.Response:
        """Answer a request."""
        return self.post(f"requests/{number}/answer", {"act": act, **form})

"""People with the roles that a test gives them, who send forms by hand."""

from __future__ import annotations

import httpx2

from descope_mcp.console.sign_in import sessions
from descope_mcp.console.sign_in.people import Person, Role
from tests.console.served import Served


class Somebody:
    """Somebody who is signed in."""

    def __init__(self, console: Served, *roles: Role, name: str = "bea", subject: str = "") -> None:
        person = Person(name, name, roles, subject)
        self.console = console
        self.session = sessions.begin(console.store, person, {})
        port = console.origin.rpartition(":")[2]
        self._cookies = {f"descope-mcp-session-{port}": self.session.secret}

    def get(self, path: str) -> httpx2.Response:
        """A page."""
        with httpx2.Client(timeout=30, cookies=self._cookies) as http:
            return http.get(self.console.path(path))

    def post(self, path: str, **form: str) -> httpx2.Response:
        """Send a form of a page."""
        origin = {"Origin": self.console.origin}
        with httpx2.Client(timeout=30, cookies=self._cookies, headers=origin) as http:
            fields = {"csrf": self.session.csrf, **form}
            return http.post(self.console.path(path), data=fields)

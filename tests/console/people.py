"""An OpenID provider for people, as a process, and a browser that signs in with it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from playwright.sync_api import Page

from descope_mcp.server.auth.console_provider import ConsoleProvider
from tests import foreign_packages

PACKAGES = Path(__file__).parents[1] / "e2e" / "node"
SECRET = "a-secret-of-the-console"
ROLES = {name: (name,) for name in ("approver", "auditor", "administrator")}


@dataclass
class People:
    """The provider: who has which roles by now."""

    issuer: str

    @property
    def settings(self) -> ConsoleProvider:
        """What the console knows of it."""
        scopes = ("profile", "email", "offline_access")
        return ConsoleProvider(self.issuer, "console", SECRET, "roles", ROLES, scopes)

    def give(self, subject: str, *roles: str) -> None:
        """Give somebody these roles, and no others."""
        self._tell("/set", {"sub": subject, "roles": ",".join(roles)})

    def forget(self, subject: str) -> None:
        """Know nobody by this name any more."""
        self._tell("/set", {"sub": subject})

    def answers(self, yes: bool) -> None:
        """Answer, or not."""
        self._tell("/up" if yes else "/down", {})

    def _tell(self, path: str, query: dict[str, str]) -> None:
        assert httpx2.get(f"{self.issuer}{path}", params=query).status_code == 200


@contextmanager
def knowing(callbacks: Sequence[str]) -> Iterator[People]:
    """A provider that sends people back to these addresses."""
    node = foreign_packages.node(PACKAGES, oldest=22)
    command = [node, "people.mjs", SECRET, *callbacks]
    with subprocess.Popen(command, cwd=PACKAGES, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert "listening at " in said, said
            yield People(said.partition("listening at ")[2].strip())
        finally:
            process.terminate()


def sign_in(page: Page, name: str) -> None:
    """Fill in the provider's forms, until it sends the person back."""
    page.fill("[name=login]", name)
    page.fill("[name=password]", "x")
    page.click("[type=submit]")
    if page.locator("text=Authorize").count():
        page.click("[type=submit]")
    page.wait_for_url("**/console/**")

"""One request of somebody who is signed in, and what it is answered with."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from descope_mcp.console import rendering, static_files
from descope_mcp.console.navigation import ENTRIES
from descope_mcp.console.sign_in.people import Person
from descope_mcp.console.sign_in.sessions import Session
from descope_mcp.console.texts import Texts

if TYPE_CHECKING:
    from descope_mcp.console.console import Console

#: The name of the field that shows that a form is from a page of this session.
CSRF = "csrf"


@dataclass(frozen=True, slots=True)
class Visit:
    """A request, and who sent it; ``form`` are the fields of a form, empty without one."""

    console: Console
    request: Request
    texts: Texts
    session: Session
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def person(self) -> Person:
        """Who is signed in."""
        return self.session.person

    async def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page of a template."""
        return await run_sync(lambda: self.rendered(template, status, **values))

    def rendered(self, template: str, status: int = 200, **values: Any) -> Response:
        """The same, for who is in a thread already."""
        said = page_values(self.console, self.texts, self.session)
        return HTMLResponse(rendering.rendered(template, **said, **values), status)

    async def refused(self, why: str, status: int = 403, **values: Any) -> Response:
        """A page that says why something was not done; `why` is the name of a text."""
        return await self.render("message.html", status, message=self.texts(why, **values))

    def go(self, path: str) -> Response:
        """On to another page of ours, after a form."""
        return see_other(f"{PREFIX}/{path}")

    def has_token(self) -> bool:
        """Whether the form is from a page of this session."""
        given = self.form.get(CSRF, "").encode()
        return hmac.compare_digest(given, self.session.csrf.encode())


#: Where the pages are.
PREFIX = "/console"


def see_other(path: str) -> Response:
    """On to another page of ours."""
    return RedirectResponse(path, status_code=303)


def page_values(console: Console, texts: Texts, session: Session | None) -> dict[str, Any]:
    """What every template can use."""
    person = session.person if session else None
    return {
        "t": texts,
        "language": texts.language,
        "prefix": PREFIX,
        "file": lambda name: f"{PREFIX}/{static_files.address(name)}",
        "person": person,
        "csrf": session.csrf if session else "",
        "entries": [entry for entry in ENTRIES if person and person.may(entry.right)],
        "state": console.store.name,
    }

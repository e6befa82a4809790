"""All pages in a browser, each as somebody sees it who follows its link or sends its form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from playwright.sync_api import BrowserContext, Page

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.console.sign_in import sessions
from descope_mcp.console.sign_in.people import Person
from descope_mcp.guard.policy import file
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.store.store import Store
from tests.console import stocked
from tests.console.served import Served, served, services

#: Fills in a form of its own and sends it, as the button of a page would.
_SEND = """([path, fields]) => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = path;
  const token = document.querySelector("[name=csrf]").value;
  for (const [name, value] of Object.entries({ csrf: token, ...fields })) {
    const input = document.createElement("input");
    input.name = name;
    input.value = value;
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}"""


@contextmanager
def with_policy(catalog: Catalog, store: Store) -> Iterator[Served]:
    """The console under a ready-made policy, with another that watches."""
    policy = file.applied("unattended-support", catalog, Policy())
    given = services(catalog, store)
    with served(replace(given, policy=policy, shadow=policy)) as running:
        yield running


def enter(console: Served, context: BrowserContext, name: str = "ada") -> Page:
    """A window in which an administrator is signed in."""
    person = Person(name, name, ("approver", "administrator"))
    session = sessions.begin(console.store, person, {})
    port = console.origin.rpartition(":")[2]
    cookie = {"name": f"descope-mcp-session-{port}", "value": session.secret}
    context.add_cookies([{**cookie, "url": console.path()}])  # type: ignore[list-item]
    return context.new_page()


def visit(console: Served, page: Page, one: stocked.Page) -> None:
    """Go to a page."""
    if one.form is None:
        page.goto(console.path(one.path))
        return
    page.goto(console.path("nothing"))
    with page.expect_navigation():
        page.evaluate(_SEND, [console.path(one.path), one.form])

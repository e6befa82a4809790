"""All pages in a browser, each as somebody sees it who follows its link or sends its form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import BrowserContext, Page
from sqlalchemy import update

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.console.sign_in import sessions
from descope_mcp.console.sign_in.people import Person
from descope_mcp.guard.policy import file
from descope_mcp.guard.policy.decision import Policy
from descope_mcp.store.tables import journal
from tests.console.served import Served
from tests.console.stocked import Names, stocked
from tests.console.stocked import Page as Stocked
from tests.console.world import DANIEL, World

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


def policy(
    catalog: Catalog, words: str = "Ask the owners first.", name: str = "support", times: int = 3
) -> Policy:
    """Rules with `words` and `name` wherever their author chooses them, again and again."""
    rule = """[[rule]]
operation = ["DeleteTenant", "DeleteRole"]
caller = [CALLER]
decision = "confirm"
approvals = 2
four_eyes = true
calls = 3
per = "1h"
reason = WORDS

"""
    # Of two for the same callers, the second would never decide.
    callers = (json.dumps(f"{name}-{number}") for number in range(times))
    rules_of = (rule.replace("CALLER", one).replace("WORDS", json.dumps(words)) for one in callers)
    source, text = f"{name.replace('/', '')}.toml", "".join(rules_of)
    rules, _ = file.parse(source, text, catalog)
    return Policy(rules=rules, source=source, text=text)


def enter(console: Served, context: BrowserContext, name: str = "ada") -> Page:
    """A window in which an administrator is signed in."""
    person = Person(name, name, ("approver", "administrator"))
    session = sessions.begin(console.store, person, {})
    port = console.origin.rpartition(":")[2]
    cookie = {"name": f"descope-mcp-session-{port}", "value": session.secret}
    context.add_cookies([{**cookie, "url": console.path()}])  # type: ignore[list-item]
    return context.new_page()


def visit(console: Served, page: Page, one: Stocked) -> None:
    """Go to a page."""
    if one.form is None:
        page.goto(console.path(one.path))
        return
    page.goto(console.path("nothing"))
    with page.expect_navigation():
        page.evaluate(_SEND, [console.path(one.path), one.form])


def steps(names: Names, many: int = 2) -> list[dict[str, Any]]:
    """Of a plan that makes tenants and users; what takes it back deletes them."""
    tenants = [
        {
            "id": f"t-{n}",
            "operation": "CreateTenant",
            "arguments": {"id": f"plan-{n}", "name": f"{names.person} {n}"},
        }
        for n in range(many)
    ]
    users = [
        {
            "id": f"u-{n}",
            "operation": "CreateUser",
            "arguments": {"loginId": f"plan-{n}@acme.example", "name": names.person},
        }
        for n in range(many)
    ]
    return [*tenants, *users]


def tour(world: World, page: Page, names: Names | None = None) -> Iterator[str]:
    """Go to every page there is; what each is called, while it is there."""
    console, store, names = world.console, world.console.store, names or Names()
    for one in stocked(store, names):
        visit(console, page, one)
        yield one.name
    world.call("PatchUser", {**DANIEL, "name": names.person, "givenName": names.person})
    call = world.call("DeleteUser", DANIEL)
    visit(console, page, Stocked("undo", f"journal/{call}/undo", {}))
    yield "undo"
    with page.expect_navigation():
        page.locator("button.yes").click()
    yield "undone"
    visit(console, page, Stocked("not-undone", f"journal/{call}/undo", {}))
    yield "not-undone"
    visit(console, page, Stocked("undo-plan", f"journal/{world.plan(steps(names))}/undo", {}))
    yield "undo-plan"
    with page.expect_navigation():
        page.locator("button.yes").click()
    yield "undone-plan"
    with store.begin() as connection:
        connection.execute(update(journal).where(journal.c.seq == 1).values(caller="another"))
    visit(console, page, Stocked("chain-broken", "journal/chain"))
    yield "chain-broken"

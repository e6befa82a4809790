"""The panel in a conversation, drawn by the host of its makers: it shows, and decides nothing."""

from __future__ import annotations

import functools
import json
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame, Page, Route

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.store.consent import approvals
from descope_mcp.store.store import Store
from tests import foreign_packages
from tests.attacks.directory import Directory, changes
from tests.console.conftest import Opened
from tests.recorder import Recorder, recording
from tests.server.http.served import headers, message, served

HOST = Path(__file__).parent / "panel_host"
CONSOLE = "https://mcp.example.com/console"
EXTENSION, URI = "io.modelcontextprotocol/ui", "ui://descope/request"
DRAWS = {"extensions": {EXTENSION: {"mimeTypes": ["text/html;profile=mcp-app"]}}}
#: Somebody who has given themselves a name for the person who reads it.
EVIL = "</pre><img src=x onerror='top.hit=1'><script>parent.hit=1</script>"
DELETE = {"operation": "DeleteUser", "arguments": {"loginId": "ada"}}
CALL = {"name": "descope_destructive", "arguments": DELETE}


@dataclass
class Server:
    """The server over HTTP, and what came of it."""

    portal: BlockingPortal
    http: httpx2.AsyncClient
    recorder: Recorder
    store: Store

    def ask(
        self, method: str, params: dict[str, Any], capabilities: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The result of a request of a client with these capabilities."""
        given = message(
            method, params, capabilities=DRAWS if capabilities is None else capabilities
        )
        sent = headers(method, params.get("name") or params.get("uri") or "")
        send = functools.partial(self.http.post, "/mcp", json=given, headers=sent)
        answer: dict[str, Any] = self.portal.call(send).json()
        return answer["result"]  # type: ignore[no-any-return]


@pytest.fixture
def server(catalog: Catalog, own: Store, request: pytest.FixtureRequest) -> Iterator[Server]:
    console = getattr(request, "param", CONSOLE)
    with start_blocking_portal() as portal:
        directory = Directory()
        directory.user = EVIL
        with portal.wrap_async_context_manager(recording(directory.answer)) as recorder:
            services = recorder.services(catalog, store=own, patience=0.0, console=console)
            with (
                portal.wrap_async_context_manager(served(services, json=True)) as running,
                portal.wrap_async_context_manager(running.http()) as http,
            ):
                yield Server(portal, http, recorder, own)
            portal.call(services.client.close)


def panel_of(tool: dict[str, Any]) -> Any:
    return tool.get("_meta", {}).get("ui")


def test_tools_that_change_name_the_panel_where_there_is_a_console(server: Server) -> None:
    tools = server.ask("tools/list", {})["tools"]
    assert {tool["name"] for tool in tools if panel_of(tool)} == {
        "descope_write", "descope_destructive", "descope_plan", "descope_undo",
    }  # fmt: skip
    # Its own page may call none of them.
    assert {json.dumps(panel_of(tool)) for tool in tools if panel_of(tool)} == {
        json.dumps({"resourceUri": URI, "visibility": ["model"]})
    }
    (page,) = server.ask("resources/read", {"uri": URI})["contents"]
    assert page["mimeType"] == "text/html;profile=mcp-app"
    assert page["_meta"]["ui"]["csp"] == {"connectDomains": [], "resourceDomains": []}
    assert len(page["text"]) < 5_000
    found = server.ask("server/discover", {})["capabilities"]
    assert EXTENSION in found["extensions"]


@pytest.mark.parametrize("server", [""], indirect=True)
def test_without_a_console_there_is_nothing_to_lead_to(server: Server) -> None:
    assert not any(map(panel_of, server.ask("tools/list", {})["tools"]))
    assert "_meta" not in waits(server)


def waits(server: Server, capabilities: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a call is answered that waits for a person, less what every answer carries."""
    result = server.ask("tools/call", CALL, capabilities)
    assert result["structuredContent"]["waitsFor"] == "person"
    result["_meta"] = {
        name: value for name, value in result.get("_meta", {}).items() if "/serverInfo" not in name
    }
    return {name: value for name, value in result.items() if value != {}}


def test_what_the_panel_shows_is_not_in_what_a_model_reads(server: Server) -> None:
    shown = waits(server)
    ((key, told),) = shown.pop("_meta").items()
    assert key == "descope-mcp/request"
    assert "onerror" in told["text"]
    assert told["link"] == f"{CONSOLE}/requests/{told['number']}"
    assert "onerror" not in json.dumps(shown)
    # Those that draw none are told nothing of it.
    for capabilities in ({}, {"extensions": {EXTENSION: {"mimeTypes": ["text/html"]}}}):
        assert waits(server, capabilities) == shown


@pytest.fixture
def host(opened: Opened) -> Page:
    """A page with the bridge in it, from the files of its package."""
    foreign_packages.node(HOST)

    def file(route: Route) -> None:
        path = HOST / route.request.url.partition("//")[2].partition("/")[2]
        kind = "text/javascript" if path.suffix == ".mjs" else mimetypes.guess_type(path)[0]
        route.fulfill(path=path, content_type=kind or "text/plain")

    page = opened().new_page()
    page.route("http://host.example/**", file)
    page.goto("http://host.example/host.html")
    page.wait_for_function("window.ready")
    return page


def drawn(server: Server, host: Page, *, refuses: bool = False) -> Frame:
    """The panel, as the host has drawn it and before there is a result."""
    (page,) = server.ask("resources/read", {"uri": URI})["contents"]
    can = host.evaluate("([html, refuses]) => window.panel(html, refuses)", [page["text"], refuses])
    assert can == {}
    return host.frames[1]


def result_is(host: Page, result: dict[str, Any]) -> None:
    host.evaluate("(result) => window.bridge.sendToolResult(result)", result)


def test_a_host_draws_it_and_it_only_leads_to_the_console(server: Server, host: Page) -> None:
    panel = drawn(server, host)
    assert not panel.locator("main").is_visible()
    result = server.ask("tools/call", CALL)
    result_is(host, result)
    panel.get_by_role("heading", name="Request 1 waits for a person").wait_for()
    assert "onerror" in panel.inner_text("pre")
    found = Axe().run(panel)  # type: ignore[arg-type]
    assert found.violations_count == 0, found.generate_report()
    assert panel.get_by_role("button").count() == 1
    panel.get_by_role("button", name="Open its page to decide").click()
    panel.get_by_text("Nothing runs before somebody decides there").wait_for()
    heard = host.evaluate("window.heard")
    assert heard["opened"] == [f"{CONSOLE}/requests/1"]
    assert heard["called"] == heard["messages"] == heard["context"] == []
    assert heard["sizes"][-1]["height"] > 100
    assert host.evaluate("window.hit") is None
    assert panel.evaluate("window.hit") is None
    assert [one.status for one in approvals.requests(server.store)] == ["pending"]
    assert changes(server.recorder) == []
    # What has run waits for nobody, and takes no room.
    approvals.answer(server.store, 1, approved=True)
    result_is(host, server.ask("tools/call", CALL))
    panel.locator("main").wait_for(state="hidden")
    assert host.evaluate("window.heard.sizes.at(-1).height") == 0


def test_where_the_host_opens_no_links_the_address_is_there(server: Server, host: Page) -> None:
    panel = drawn(server, host, refuses=True)
    result_is(host, server.ask("tools/call", CALL))
    panel.get_by_role("button", name="Open its page to decide").click()
    panel.get_by_text(f"Open {CONSOLE}/requests/1").wait_for()

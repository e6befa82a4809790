"""The inspector: what is in the sandbox, what it was asked, what it would have sent.

Pages change nothing; what a person does is a form (`forms`), taken from these pages alone.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from descope_mcp.sandbox.engine.errors import DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import OUTBOX
from descope_mcp.sandbox.engine.tables import TABLES, Table
from descope_mcp.sandbox.http.control import first_problem
from descope_mcp.sandbox.http.controls import Controls
from descope_mcp.sandbox.http.inspector import forms
from descope_mcp.sandbox.http.masking import masked_record
from descope_mcp.sandbox.http.own_paths import INSPECTOR

PAGE = 50
_STATIC = Path(__file__).parent / "static"
#: Nothing comes from elsewhere, nothing runs, nobody frames it.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    # With no-referrer, browsers would send forms without their origin.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

View = Callable[[Request], tuple[str, Mapping[str, Any]] | None]


class Inspector:
    """The pages over `controls`."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        #: In every form; no page of another origin can read it.
        self._token = secrets.token_urlsafe(32)

    def routes(self) -> list[Route]:
        """The paths of the pages."""
        views: dict[str, View] = {
            "": self._overview,
            "/records": self._records,
            "/record": self._record,
            "/requests": self._requests,
            "/request": self._request,
            "/outbox": self._outbox,
        }
        return [
            *(Route(INSPECTOR + path, self._page(view)) for path, view in views.items()),
            Route(f"{INSPECTOR}/inspector.css", _stylesheet),
            *(Route(f"{INSPECTOR}/{name}", self._act, methods=["POST"]) for name in forms.ACTIONS),
        ]

    def _page(self, view: View) -> Callable[[Request], Any]:
        async def page(request: Request) -> Response:
            shown = view(request)
            if shown is None:
                return self._rendered("missing.html", {}, 404)
            return self._rendered(*shown)

        return page

    def _rendered(self, template: str, values: Mapping[str, Any], status: int = 200) -> Response:
        from descope_mcp.sandbox.http.inspector.rendering import rendered

        own = {"prefix": INSPECTOR, "csrf": self._token, "seeds": [n for n in self._seeds if n]}
        text = rendered(template, overview=self._controls.overview(), **own, **values)
        return HTMLResponse(text, status, _HEADERS)

    @property
    def _seeds(self) -> Mapping[str, Any]:
        return self._controls.seeds

    def _overview(self, request: Request) -> tuple[str, Mapping[str, Any]]:
        done = forms.DONE.get(request.query_params.get("done", ""), "")
        return "overview.html", {"done": done, "problem": ""}

    def _records(self, request: Request) -> tuple[str, Mapping[str, Any]] | None:
        table = TABLES.get(request.query_params.get("of", ""))
        if table is None:
            return None
        wanted = request.query_params.get("q", "")
        rows = self._controls.state.rows_of(table)
        found = list(rows.records.items())
        if wanted:
            # Only what may be seen may be found.
            found = [
                (key, record)
                for key, record in found
                if wanted.lower() in _text(masked_record(table, record)).lower()
            ]
        start = _number(request, "from")
        page = [
            (rows.serials[key], masked_record(table, record))
            for key, record in found[start : start + PAGE]
        ]
        shown = [
            {"serial": serial, "name": _name(table, record), "text": _text(record)[:300]}
            for serial, record in page
        ]
        following = start + PAGE if start + PAGE < len(found) else 0
        values = {"table": table.name, "q": wanted, "rows": shown, "total": len(found)}
        return "records.html", {**values, "start": start, "following": following}

    def _record(self, request: Request) -> tuple[str, Mapping[str, Any]] | None:
        table = TABLES.get(request.query_params.get("of", ""))
        if table is None:
            return None
        rows, serial = self._controls.state.rows_of(table), _number(request, "n")
        key = next((key for key, one in rows.serials.items() if one == serial), None)
        if key is None:
            return None
        record = masked_record(table, rows.records[key])
        values = {"table": table.name, "name": _name(table, record)}
        return "record.html", {**values, "text": json.dumps(record, indent=2, ensure_ascii=False)}

    def _requests(self, request: Request) -> tuple[str, Mapping[str, Any]]:
        wanted = request.query_params.get("q", "").lower()
        found = [
            one
            for one in reversed(self._controls.requests.kept)
            if wanted in f"{one.operation} {one.method} {one.path} {one.status}".lower()
        ]
        return "requests.html", {"requests": found, "q": request.query_params.get("q", "")}

    def _request(self, request: Request) -> tuple[str, Mapping[str, Any]] | None:
        found = self._controls.requests.find(_number(request, "n"))
        if found is None:
            return None
        shown = found.shown()
        bodies = {
            name: json.dumps(shown.pop(name), indent=2, ensure_ascii=False)
            for name in ("request", "answer")
        }
        return "request.html", {"one": shown, **bodies}

    def _outbox(self, request: Request) -> tuple[str, Mapping[str, Any]]:
        return "outbox.html", {"messages": self._controls.state.all(OUTBOX)[::-1]}

    async def _act(self, request: Request) -> Response:
        """Do what a form of these pages asks for."""
        body = await request.body()
        fields = {n: v[-1] for n, v in parse_qs(body.decode(errors="replace")).items()}
        given = fields.pop("csrf", "")
        if not forms.is_own(request) or not secrets.compare_digest(
            given.encode(), self._token.encode()
        ):
            return self._rendered("refused.html", {}, 403)
        name = request.url.path.rpartition("/")[2]
        try:
            back = forms.ACTIONS[name](self._controls, fields)
        except ValidationError as error:
            problem = first_problem(error)
        except (DescopeError, ValueError) as error:
            problem = str(error)
        else:
            return RedirectResponse(f"{INSPECTOR}{back}?done={name}", 303, _HEADERS)
        return self._rendered("overview.html", {"problem": problem, "done": ""}, 400)


async def _stylesheet(request: Request) -> Response:
    return FileResponse(_STATIC / "inspector.css", headers=_HEADERS)


def _name(table: Table, record: Record) -> str:
    """What a person knows a record by."""
    names = ("name", "display", "action", "loginIds", table.key)
    return next((str(record[n]) for n in names if record.get(n)), "")


def _text(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False)


def _number(request: Request, name: str) -> int:
    value = request.query_params.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0

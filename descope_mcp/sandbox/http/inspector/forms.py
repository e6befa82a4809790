"""What a person can do on the pages, and how a form is known to come from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request

from descope_mcp.sandbox.http.control import Advance
from descope_mcp.sandbox.http.controls import Conditions, Controls
from descope_mcp.sandbox.http.faults import Fault

Fields = Mapping[str, str]


def is_own(request: Request) -> bool:
    """Whether a browser says that a page of this very sandbox sent it.

    Host names are checked for all requests (`local_only`); a page of another port is another
    origin (RFC 6454).
    """
    own = f"http://{request.headers.get('host', '')}"
    site = request.headers.get("sec-fetch-site", "same-origin")
    return request.headers.get("origin") == own and site == "same-origin"


def _advance(controls: Controls, fields: Fields) -> str:
    amount = float(fields.get("amount", ""))
    seconds = amount * {"minutes": 60, "hours": 3600, "days": 86400}.get(fields.get("unit", ""), 1)
    controls.state.advance(Advance(advance=seconds).advance)
    return ""


def _add_fault(controls: Controls, fields: Fields) -> str:
    filled: dict[str, Any] = {name: value for name, value in fields.items() if value}
    controls.add_fault(Fault.model_validate(filled))
    return ""


def _clear_faults(controls: Controls, fields: Fields) -> str:
    controls.clear_faults()
    return ""


def _set_conditions(controls: Controls, fields: Fields) -> str:
    switches = {name: fields.get(name) == "on" for name in ("rateLimits", "cookies")}
    delay = {"searchDelay": fields.get("searchDelay") or "0"}
    controls.set_conditions(Conditions.model_validate(switches | delay))
    return ""


def _empty_outbox(controls: Controls, fields: Fields) -> str:
    controls.empty_outbox()
    return "/outbox"


def _forget_requests(controls: Controls, fields: Fields) -> str:
    controls.requests.forget()
    return "/requests"


def _reset(controls: Controls, fields: Fields) -> str:
    controls.reset(fields.get("seed", ""))
    return ""


#: By the last part of the path; each says to which page it leads.
ACTIONS: dict[str, Callable[[Controls, Fields], str]] = {
    "advance": _advance,
    "add-fault": _add_fault,
    "clear-faults": _clear_faults,
    "set-conditions": _set_conditions,
    "empty-outbox": _empty_outbox,
    "forget-requests": _forget_requests,
    "reset": _reset,
}
#: What is said afterwards.
DONE = {
    "advance": "The clock goes on from there.",
    "add-fault": "The fault is set.",
    "clear-faults": "No calls meet a fault any more.",
    "set-conditions": "The conditions are set.",
    "reset": "The sandbox has started over.",
}

"""Flows of the sample project, a sign-in page and a management flow, and its theme."""

from __future__ import annotations

from typing import Any

from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.flows.handlers import import_flow
from descope_mcp.sandbox.flows.themes import import_theme


def _screen(screen_id: str, title: str, *interactions: tuple[str, str]) -> Record:
    return {
        "screenId": screen_id,
        "interactions": [
            {"id": name, "type": "button", "label": label, "icon": "", "subType": ""}
            for name, label in interactions
        ],
        "contents": {"title": title, "components": [{"type": "logo"}, {"type": "form"}]},
    }


def _task(kind: str, following: str, **settings: Any) -> Record:
    return {"type": kind, "next": following, "settings": settings}


SIGN_IN: Record = {
    "flowId": "sign-up-or-in",
    "metadata": {
        "name": "Sign up or in",
        "description": "Sign in with a code by email, or with a passkey",
        "componentsVersion": "2.1.4",
        "translation": {"enabled": True, "sourceLanguage": "en", "targetLanguages": ["de", "pt"]},
    },
    "contents": {
        "startTask": "welcome",
        "tasks": {
            "welcome": _task("screen", "send-code", screenId="welcome"),
            "send-code": _task("action", "enter-code", action="otp.email.signUpOrIn"),
            "enter-code": _task("screen", "verify", screenId="enter-code"),
            "verify": _task("action", "end", action="otp.email.verify"),
            "end": _task("end", ""),
        },
    },
    "screens": [
        _screen("welcome", "Welcome to Acme", ("continue", "Continue"), ("passkey", "Use passkey")),
        _screen("enter-code", "Enter the code", ("verify", "Verify"), ("resend", "Send again")),
    ],
    "references": {"roles": {"Viewer": "Viewer"}, "userAttributes": ["department"]},
}

OFFBOARD: Record = {
    "flowId": "offboard-user",
    "metadata": {
        "name": "Offboard a user",
        "description": "Ends the sessions of somebody who leaves, and disables them",
        "componentsVersion": "2.1.4",
        "management": True,
        "managementConfig": {"triggers": {"enabled": True, "triggerType": "api"}},
    },
    "contents": {
        "startTask": "logout",
        "tasks": {
            "logout": _task("action", "disable", action="user.logoutAll"),
            "disable": _task("action", "end", action="user.updateStatus", status="disabled"),
            "end": _task("end", ""),
        },
    },
}

THEME: Record = {
    "styles": {
        "light": {"colors": {"primary": "#1f6feb", "surface": "#ffffff"}, "radius": "8px"},
        "dark": {"colors": {"primary": "#58a6ff", "surface": "#0d1117"}, "radius": "8px"},
    },
    "componentsVersion": "2.1.4",
}


def add_flows(state: State) -> None:
    """Add the flows and the theme."""
    for flow in (SIGN_IN, OFFBOARD):
        import_flow(state, {"flow": flow})
    import_theme(state, {"theme": THEME})

"""Flow templates and widgets: what the service offers every project, the same for all."""

from __future__ import annotations

from descope_mcp.sandbox.engine.fields import Record


def _input(name: str, label: str, kind: str) -> Record:
    return {
        "type": kind,
        "name": name,
        "required": True,
        "visible": True,
        "displayName": label,
        "displayType": kind,
        "dependsOn": [],
        "nameValueMap": {},
        "contextAware": False,
        "options": [],
        "defaultValue": "",
        "helperText": "",
    }


def _template(template_id: str, name: str, method: str, *inputs: Record) -> Record:
    submit = {"id": "submit", "type": "button", "label": "Continue", "icon": "", "subType": ""}
    screen = {
        "id": "start",
        "inputs": list(inputs),
        "interactions": [submit],
        "htmlTemplate": {},
    }
    return {
        "id": template_id,
        "name": name,
        "description": f"{name}, on one screen",
        "dsl": {"startTask": "start"},
        "modifiedTime": "1760000000",
        "etag": template_id,
        "tags": ["authentication"],
        "methods": [method],
        "screens": [screen],
        "keywords": [method, "sign in", "sign up"],
    }


TEMPLATES = (
    _template(
        "sign-up-or-in-otp", "Sign up or in with a code", "otp", _input("email", "Email", "email")
    ),
    _template(
        "sign-in-password",
        "Sign in with a password",
        "password",
        _input("email", "Email", "email"),
        _input("password", "Password", "password"),
    ),
)

WIDGETS = tuple(
    {"widgetId": f"{kind}-widget", "name": name, "type": kind, "disabled": False}
    for kind, name in (
        ("user-management", "User management"),
        ("role-management", "Role management"),
        ("access-key-management", "Access key management"),
        ("audit-management", "Audit"),
        ("user-profile", "User profile"),
        ("applications-portal", "Applications portal"),
    )
)

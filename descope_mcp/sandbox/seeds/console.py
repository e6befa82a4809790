"""Who administers the sample project: people of the console and management keys."""

from __future__ import annotations

from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.keys.management_keys import create_management_key
from descope_mcp.sandbox.users.descopers import DESCOPERS, create_descopers

#: login id, name, whether a company administrator, role in the project
PEOPLE = [
    ("ada.okafor@acme.example", "Ada Okafor", True, ""),
    ("wei.zhang@contractor.example", "Wei Zhang", False, "developer"),
    ("ben.carter@acme.example", "Ben Carter", False, "support"),
]


def add_console(state: State) -> None:
    """Add the people and a key that is limited to this project and to Acme's own addresses."""
    descopers = [
        {
            "loginId": login_id,
            "attributes": {"displayName": name},
            "rbac": {
                "isCompanyAdmin": is_admin,
                "projects": [{"projectIds": [state.project_id], "role": role}] if role else [],
            },
        }
        for login_id, name, is_admin, role in PEOPLE
    ]
    create_descopers(state, {"descopers": descopers})
    for descoper in state.all(DESCOPERS):
        state.change(DESCOPERS, descoper, {"status": "enabled"})
    roles = [{"projectIds": [state.project_id], "roles": ["user-management"]}]
    create_management_key(
        state,
        {
            "name": "support-console",
            "description": "Acme's own support tool",
            "permittedIps": ["198.51.100.0/24"],
            "reBac": {"projectRoles": roles},
        },
    )

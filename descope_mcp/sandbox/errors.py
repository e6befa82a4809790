"""The errors of the Descope API that the sandbox gives: code, HTTP status and the four fields.

Codes marked as mocks or not established in the notes on the API are kept in this one place, so
that a finding against the real service is one line here. Clients should decide by the status and
by the codes that are established (E011003, E112102, E130429).
"""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """One sort of failure."""

    code: str
    status: int
    description: str


MALFORMED = Kind("E011001", 400, "Request is malformed")
VALIDATION = Kind("E011003", 400, "Request is invalid")
INVALID = Kind("E011004", 400, "Request contains invalid arguments")
# The code of a refused credential is not established; the status is.
UNAUTHORIZED = Kind("E011005", 401, "Unauthorized")
NO_PROJECT = Kind("E011008", 404, "Project not found")
NO_ROUTE = Kind("E011404", 404, "Not found")
NO_METHOD = Kind("E011405", 405, "Method not allowed")
INTERNAL = Kind("E011500", 500, "Internal error")
NOT_IN_SANDBOX = Kind("E011501", 501, "Not in the sandbox")

# The management plane's code for a taken login id is not established; this is the auth plane's.
USER_EXISTS = Kind("E062107", 400, "User already exists")
NO_USER = Kind("E112102", 404, "User not found")
TENANT_EXISTS = Kind("E073307", 400, "Tenant ID or name already exists")
NO_TENANT = Kind("E111104", 404, "Failed to load tenant by ID")
ROLE_EXISTS = Kind("E024209", 400, "Role ID or name already exists")
NO_ROLE = Kind("E111403", 404, "Role not found")
# What the service says when a built-in role is written to; the text is its own, and misleading.
BUILT_IN_ROLE = Kind("E024214", 400, "Failed to save role, version conflict")
PERMISSION_EXISTS = Kind("E024104", 400, "Permission already exists")
NO_PERMISSION = Kind("E111303", 404, "Permission not found")
NO_ACCESS_KEY = Kind("E111502", 404, "Access key not found")


class DescopeError(Exception):
    """A failure that the API answers with; `message` says what exactly is wrong."""

    def __init__(self, kind: Kind, message: str = "") -> None:
        super().__init__(message or kind.description)
        self.kind = kind
        self.message = message or kind.description

    def body(self) -> dict[str, str]:
        """The answer's JSON; the service repeats the message in its fourth field."""
        return {
            "errorCode": self.kind.code,
            "errorDescription": self.kind.description,
            "errorMessage": self.message,
            "message": self.message,
        }


def missing(field: str) -> DescopeError:
    """The error for a required field that is absent or empty."""
    return DescopeError(VALIDATION, f"The {field} field is required")

"""The errors of the Descope API that the sandbox gives: code, HTTP status and the four fields.

Many codes of the real service are not known. All are here, sorted by how sure they are, so that a
finding against the real service is one line.
"""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """One sort of failure."""

    code: str
    status: int
    description: str


# Established: seen by tests against the real service, in the lists of Descope's SDKs or reported.
MALFORMED = Kind("E011001", 400, "Request is malformed")
VALIDATION = Kind("E011003", 400, "Request is invalid")
INVALID = Kind("E011004", 400, "Request contains invalid arguments")
NO_PROJECT = Kind("E011008", 404, "Project not found")
RATE_LIMIT = Kind("E130429", 429, "Rate limit exceeded")
# Of the authentication plane; the code of the management plane is not established.
USER_EXISTS = Kind("E062107", 400, "User already exists")
NO_USER = Kind("E112102", 404, "User not found")
# What the service says when a built-in role is written to; the text is its own, and misleading.
BUILT_IN_ROLE = Kind("E024214", 400, "Failed to save role, version conflict")
INVALID_SNAPSHOT = Kind("E113007", 400, "Snapshot is invalid")
NO_FLOW = Kind("E103003", 404, "Flow not found")
NO_CONSENT = Kind("E063302", 404, "Consent not found")
NO_OUTBOUND_TOKEN = Kind("E152110", 404, "Outbound token not found or not valid")
NO_SUCH_LOGIN = Kind("E062108", 400, "User not found")
WRONG_CODE = Kind("E061102", 401, "Wrong one-time code")
TOO_MANY_ATTEMPTS = Kind("E061103", 401, "Too many wrong one-time codes")
EXPIRED_CODE = Kind("E061104", 401, "One-time code has expired")
LINK_PENDING = Kind("E062503", 401, "Link has not been opened yet")
EXPIRED_LINK = Kind("E062504", 401, "Link has expired")
UNKNOWN_LINK = Kind("E063010", 401, "Link is not known, or was used")
PASSWORD_EXPIRED = Kind("E062909", 401, "Password has expired")
LOGGED_OUT = Kind("E064001", 401, "Session has ended")
NOTP_PENDING = Kind("E066103", 401, "Message has not arrived yet")

# Known from imitations of the service alone.
TENANT_EXISTS = Kind("E073307", 400, "Tenant ID or name already exists")
NO_TENANT = Kind("E111104", 404, "Failed to load tenant by ID")
ROLE_EXISTS = Kind("E024209", 400, "Role ID or name already exists")
NO_ROLE = Kind("E111403", 404, "Role not found")
PERMISSION_EXISTS = Kind("E024104", 400, "Permission already exists")
NO_PERMISSION = Kind("E111303", 404, "Permission not found")
NO_ACCESS_KEY = Kind("E111502", 404, "Access key not found")

# Made up, near to those that are established: clients should go by the status.
# Requests, credentials and routes.
UNAUTHORIZED = Kind("E011005", 401, "Unauthorized")
FORBIDDEN = Kind("E011006", 403, "Forbidden")
NO_RECORD = Kind("E011404", 404, "Not found")
NO_ROUTE = Kind("E011404", 404, "Not found")
NO_METHOD = Kind("E011405", 405, "Method not allowed")
INTERNAL = Kind("E011500", 500, "Internal error")

# Authorization, keys, groups, SSO and the project.
INVALID_SCHEMA = Kind("E114001", 400, "Authorization schema is invalid")
INVALID_RELATION = Kind("E114002", 400, "Relation does not fit the authorization schema")
NO_SCHEMA = Kind("E114004", 404, "Authorization schema not found")
NO_MANAGEMENT_KEY = Kind("E115001", 404, "Management key not found")
NO_DESCOPER = Kind("E115002", 404, "Descoper not found")
DESCOPER_EXISTS = Kind("E115003", 400, "Descoper already exists")
NO_GROUP = Kind("E115004", 404, "Group not found")
GROUP_EXISTS = Kind("E115005", 400, "Group already exists")
NO_EXECUTION = Kind("E115006", 404, "Flow execution not found")
NO_CLONE = Kind("E115007", 404, "Clone process not found")
NO_SSO_SETTINGS = Kind("E115008", 404, "SSO settings not found")
SSO_SETTINGS_EXIST = Kind("E115009", 400, "SSO settings already exist")
NO_PROVIDER_TOKEN = Kind("E115010", 404, "Provider token not found")
NO_BACKUP = Kind("E114005", 404, "Authorization backup not found")

# Applications and what belongs to them.
SSO_APP_EXISTS = Kind("E112701", 400, "SSO application ID or name already exists")
NO_SSO_APP = Kind("E112702", 404, "SSO application not found")
THIRD_PARTY_APP_EXISTS = Kind("E112711", 400, "Third-party application name already exists")
NO_THIRD_PARTY_APP = Kind("E112712", 404, "Third-party application not found")
OUTBOUND_APP_EXISTS = Kind("E112721", 400, "Outbound application ID or name already exists")
NO_OUTBOUND_APP = Kind("E112722", 404, "Outbound application not found")
NO_OUTBOUND_TEMPLATE = Kind("E112723", 404, "Outbound application template not found")
NO_MCP_SERVER = Kind("E112732", 404, "MCP server not found")
MCP_CLIENT_EXISTS = Kind("E112733", 400, "MCP client ID already exists")
NO_MCP_CLIENT = Kind("E112734", 404, "MCP client not found")
NO_REGISTRATION = Kind("E112735", 403, "Clients may not register themselves here")
RESOURCE_EXISTS = Kind("E112741", 400, "Resource URI already exists")
NO_RESOURCE = Kind("E112742", 404, "Resource not found")
NO_REGISTRATION_TEMPLATE = Kind("E112744", 404, "Dynamic registration template not found")
RESOURCE_POLICY_EXISTS = Kind("E112745", 400, "Resource policy already exists")
NO_RESOURCE_POLICY = Kind("E112746", 404, "Resource policy not found")
VERSION_CONFLICT = Kind("E112747", 400, "Version conflict")
NO_JWT_TEMPLATE = Kind("E112752", 404, "JWT template not found")
INVALID_JWT_TEMPLATE = Kind("E112753", 400, "JWT template is invalid")
LIST_EXISTS = Kind("E112761", 400, "List ID or name already exists")
NO_LIST = Kind("E112762", 404, "List not found")

# Signing in. The statuses are those of a refused credential.
USER_DISABLED = Kind("E062110", 401, "User is disabled")
WRONG_PASSWORD = Kind("E062901", 401, "Wrong login ID or password")
WEAK_PASSWORD = Kind("E062902", 400, "Password breaks the policy")
REUSED_PASSWORD = Kind("E062903", 400, "Password was used before")
LOCKED_PASSWORD = Kind("E062904", 401, "Password is locked after too many attempts")
WRONG_TOTP = Kind("E061401", 401, "Wrong code of the authenticator app")
WRONG_RECOVERY_CODE = Kind("E061402", 401, "Wrong recovery code")
WRONG_ANSWERS = Kind("E061403", 401, "Wrong answers to the security questions")
EXPIRED_TOKEN = Kind("E064002", 401, "Token has expired")
MAY_NOT_IMPERSONATE = Kind("E062120", 403, "Impersonation is not permitted")
NO_PASSKEY = Kind("E067002", 401, "Passkey is not known")
WRONG_EXCHANGE_CODE = Kind("E061301", 401, "Code is not known, or was used")

# SCIM has an error form of its own, which `scim` gives these (RFC 7644, section 3.12).
BAD_SCIM_FILTER = Kind("invalidFilter", 400, "The filter cannot be read")
BAD_SCIM_PATH = Kind("invalidPath", 400, "The path of the operation is not supported")
BAD_SCIM_VALUE = Kind("invalidValue", 400, "The value does not fit the attribute")


class DescopeError(Exception):
    """A failure that the API answers with; `message` says what exactly is wrong."""

    def __init__(self, kind: Kind, message: str = "") -> None:
        super().__init__(message or kind.description)
        self.kind = kind
        #: The table and the key of the record that is wrong, where many were given.
        self.at: tuple[str, str] | None = None
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

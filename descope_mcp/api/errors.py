"""Every way in which a request can fail.

    ApiFailure
    ├── NotSendable         nothing was sent: the arguments fit no request
    ├── MissingCredential   nothing was sent: the credential for this operation is not there
    ├── Unreachable         nothing ran: no connection could be made, or a read got no answer
    ├── RateLimited         nothing ran: turned away for now; says when to come back
    ├── ApiError            Descope refused: status, code, meaning, remedy
    └── OutcomeUnknown      a change was sent and nobody can say whether it took effect

No message carries a credential, a stack trace or an upstream body. What looks like a token is
sealed where a failure is made, so that nothing built from one (a refusal, a progress message, an
undo that stopped, a finding of `doctor`) can repeat it.
"""

from __future__ import annotations

from descope_mcp.catalog.secret_shapes import scan


class ApiFailure(Exception):
    """A request that did not succeed. ``message`` says what happened, ``remedy`` what to do."""

    kind = "failure"

    def __init__(self, message: str, remedy: str) -> None:
        self.message: str = scan(message)
        self.remedy: str = scan(remedy)
        super().__init__(f"{self.message} {self.remedy}".strip())


class NotSendable(ApiFailure):
    """An argument that the schema allows and no URL can carry."""

    kind = "invalid_arguments"


class MissingCredential(ApiFailure):
    """The credential that the operation's security scheme needs is not configured or given."""

    kind = "missing_credential"


class Unreachable(ApiFailure):
    """No connection could be made, or a read got no answer. Nothing was changed."""

    kind = "unreachable"


class OutcomeUnknown(ApiFailure):
    """A change was sent, and the connection or the service failed before it answered."""

    kind = "outcome_unknown"


class RateLimited(ApiFailure):
    """Descope accepts no more requests for now; ``retry_after`` is in seconds."""

    kind = "rate_limited"

    def __init__(self, message: str, remedy: str, retry_after: float) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after


class ApiError(ApiFailure):
    """Descope answered with an error. ``status`` is of HTTP, ``code`` is Descope's (E...)."""

    kind = "api_error"

    def __init__(self, message: str, remedy: str, status: int, code: str = "") -> None:
        super().__init__(message, remedy)
        self.status = status
        self.code = code

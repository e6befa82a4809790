"""A small Descope that tests change behind the server's back."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from tests.recorder import Recorded, Recorder

#: How the paths end that read although they are posted to.
_READS = ("/load", "/search", "/list", "/history")


class Directory:
    """One user and one tenant, as they are called now."""

    def __init__(self) -> None:
        self.user, self.user_id = "Ada", "U1"
        self.tenant, self.tenant_id = "Acme Corp", "T1"

    def answer(self, request: Recorded) -> Response:
        match request.method, request.path.partition("?")[0]:
            case "GET", "/v1/mgmt/user":
                return JSONResponse({"user": self.found(dict(request.query))})
            case "POST", "/v1/mgmt/users/load":
                return JSONResponse({"users": [{"userId": self.user_id, "name": self.user}]})
            case "GET", "/v1/mgmt/tenant":
                return JSONResponse({"id": self.tenant_id, "name": self.tenant})
            case _:
                return JSONResponse({})

    def found(self, query: dict[str, str]) -> dict[str, Any]:
        """Whoever goes by a login id, or an id: each is somebody else."""
        name = next((v for k, v in query.items() if k.casefold() in ("loginid", "userid")), "ada")
        own = self.user_id if name in ("ada", self.user_id) else f"U-{name.removeprefix('U-')}"
        return {"loginIds": ["ada"], "userId": own, "name": self.user}


def changes(recorder: Recorder) -> list[str]:
    """The paths of the requests that changed something, in order."""
    return [
        request.path
        for request in recorder.requests
        if request.method != "GET" and not request.path.endswith(_READS)
    ]

"""What this server says of itself to clients that want to sign in (RFC 9728)."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from descope_mcp.guard.scopes import CLASSES
from descope_mcp.server.auth.challenge import FIRST, METADATA
from descope_mcp.server.auth.issuer import Issuer
from descope_mcp.server.http.refusal import refusal
from descope_mcp.server.http.surfaces import ROOT, Surfaces, UnknownSurface


def routes(origin: str, issuers: Sequence[Issuer], surfaces: Surfaces) -> list[Route]:
    """The metadata of every path under which the server is reached.

    Args:
        origin: the public one of this server.
        issuers: where clients can sign in.
        surfaces: that there are.
    """

    async def metadata(request: Request) -> Response:
        # Clients that know nothing of paths mean the whole server.
        path = request.path_params.get("path", "").rstrip("/") or ROOT
        try:
            surface = surfaces.find(path)
        except UnknownSurface as unknown:
            return refusal(404, str(unknown))
        document = {
            "resource": f"{origin}{path}",
            "authorization_servers": [issuer.url for issuer in issuers],
            "scopes_supported": list(FIRST if surface.read_only else CLASSES.values()),
            "bearer_methods_supported": ["header"],
            "resource_name": "Descope, through descope-mcp",
        }
        return JSONResponse(document, headers={"Access-Control-Allow-Origin": "*"})

    return [Route(METADATA, metadata), Route(f"{METADATA}{{path:path}}", metadata)]

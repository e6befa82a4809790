"""What every answer of the console says to a browser."""

from __future__ import annotations

from starlette.responses import Response

#: Nothing comes from elsewhere, nothing stands in the page itself, and nobody frames it.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    # With no-referrer, browsers would send forms without their origin.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}


def guarded(response: Response) -> Response:
    """The answer with all of it; a file that browsers may keep says so itself."""
    kept = response.headers.get("Cache-Control", _HEADERS["Cache-Control"])
    response.headers.update({**_HEADERS, "Cache-Control": kept})
    return response


def strict_transport(response: Response) -> Response:
    """The answer, for a browser that is to come back over TLS alone."""
    response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response

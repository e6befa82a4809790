"""An authorization server for the demo: clients register, people agree, tokens name the server.

Everybody who comes is signed in as the same person and agrees to what they are asked. Nothing is
kept, and nothing of this is for any other use.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import anyio
import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

PERSON = "grace"
_LIFETIME = 600
_PATH = "/demo"


class Issuer:
    """The endpoints, and the codes and refresh tokens that are open."""

    def __init__(self, origin: str) -> None:
        self.url = f"{origin}{_PATH}"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._agreed: dict[str, dict[str, str]] = {}

    def routes(self) -> list[Route]:
        """Where a client finds what it needs (RFC 8414), and what it finds there."""
        metadata = {
            "issuer": self.url,
            **{
                f"{name}_endpoint": f"{self.url}/{path}"
                for name, path in (
                    ("authorization", "authorize"),
                    ("token", "token"),
                    ("registration", "register"),
                )
            },
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        }
        public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        keys = {"keys": [{**public, "kid": "demo", "alg": "ES256", "use": "sig"}]}

        async def described(request: Request) -> Response:
            return JSONResponse(metadata)

        async def published(request: Request) -> Response:
            return JSONResponse(keys)

        return [
            Route(f"/.well-known/oauth-authorization-server{_PATH}", described),
            Route(f"{_PATH}/.well-known/openid-configuration", described),
            Route(f"{_PATH}/keys", published),
            Route(f"{_PATH}/register", self._register, methods=["POST"]),
            Route(f"{_PATH}/authorize", self._authorize),
            Route(f"{_PATH}/token", self._token, methods=["POST"]),
        ]

    async def _register(self, request: Request) -> Response:
        client = {**await request.json(), "client_id": secrets.token_urlsafe(8)}
        return JSONResponse(client, 201)

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        code = self._keep(asked)
        query = urlencode({"code": code, "state": asked.get("state", ""), "iss": self.url})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", 302)

    async def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        asked = self._agreed.pop(form.get("code") or form.get("refresh_token") or "", None)
        if asked is None or not _proven(form, asked):
            return JSONResponse({"error": "invalid_grant"}, 400)
        answer = {
            "access_token": self._signed(asked),
            "token_type": "Bearer",
            "expires_in": _LIFETIME,
            "refresh_token": self._keep(asked),
            "scope": asked["scope"],
        }
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def _keep(self, asked: dict[str, str]) -> str:
        secret = secrets.token_urlsafe()
        self._agreed[secret] = asked
        return secret

    def _signed(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "sub": PERSON,
            "aud": asked["resource"],
            "client_id": asked["client_id"],
            "scope": asked["scope"],
            "iat": now,
            "exp": now + _LIFETIME,
        }
        return jwt.encode(claims, self._key, "ES256", headers={"kid": "demo", "typ": "at+jwt"})


def _proven(form: dict[str, str], asked: dict[str, str]) -> bool:
    """Whether who collects a code is who asked for it (RFC 7636); a refresh token proves itself."""
    if form.get("grant_type") == "refresh_token":
        return True
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return secrets.compare_digest(challenge, asked.get("code_challenge", ""))


@asynccontextmanager
async def issuing(port: int) -> AsyncIterator[Issuer]:
    """The authorization server on loopback, for as long as the context lasts."""
    issuer = Issuer(f"http://127.0.0.1:{port}")
    app = Starlette(routes=issuer.routes())
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve)
        while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
            await anyio.sleep(0.02)
        try:
            yield issuer
        finally:
            server.should_exit = True

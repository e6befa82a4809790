"""An authorization server on a socket: metadata, keys that rotate, and tokens of every kind."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

PROJECT, SERVER = "P2aaaaaaaaaaaaaaaaaaaaaaaaaaa", "MS2bbbbbbbbbbbbbbbbbbbbbbbbbb"
AGENTIC = f"/v1/apps/agentic/{PROJECT}/{SERVER}"
ORIGIN = "https://mcp.acme.example"


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key; the same for the same number."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    """A key; the same for the same number."""
    return ec.generate_private_key(ec.SECP256R1())


def public(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    """The entry of a key in a set."""
    algorithm: Any = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, **more}


class Provider:
    """Metadata under the address of a Descope MCP server, and what it signs."""

    def __init__(self, url: str) -> None:
        self.url, self.issuer, self.project = url, f"{url}{AGENTIC}", f"{url}/v1/apps/{PROJECT}"
        self.signing: tuple[str, Any] = ("k1", rsa_key())
        self.keys = [public(rsa_key(), "k1", alg="RS256", use="sig")]
        self.documents: dict[str, Any] = {}
        self.asked: list[str] = []
        self.is_down = False
        self.delay = 0.0
        self.metadata = {
            "issuer": self.issuer,
            "jwks_uri": f"{url}/{PROJECT}/keys",
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "registration_endpoint": f"{url}/register",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
        }
        #: What somebody has agreed to, by codes and refresh tokens, each good for one use.
        self.agreed: dict[str, dict[str, str]] = {}

    def answer(self, path: str) -> tuple[int, Any]:
        """Status and document; a text is where to go instead."""
        self.asked.append(path)
        time.sleep(self.delay)
        if self.is_down:
            return 500, {}
        if path.startswith("/authorize?"):
            return 302, self._authorized(dict(parse_qsl(urlsplit(path).query)))
        if path in self.documents:
            return self.documents[path]
        if path == f"{AGENTIC}/.well-known/openid-configuration":
            return 200, self.metadata
        if path == f"/{PROJECT}/keys":
            return 200, {"keys": self.keys}
        return 404, {}

    def _authorized(self, asked: dict[str, str]) -> str:
        """Where a person goes who has agreed to everything."""
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe()
        self.agreed[code] = asked
        query = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
        return f"{asked['redirect_uri']}?{query}"

    def posted(self, path: str, body: bytes) -> tuple[int, Any]:
        """A client registers, or collects tokens."""
        self.asked.append(path)
        if path == "/register":
            return 201, {**json.loads(body), "client_id": f"client-{len(self.asked)}"}
        form = dict(parse_qsl(body.decode()))
        given = self.agreed.pop(form.get("code") or form.get("refresh_token") or "", None)
        if given is None:
            return 400, {"error": "invalid_grant"}
        if form["grant_type"] == "authorization_code":
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            assert challenge == given["code_challenge"]
        renewal = secrets.token_urlsafe()
        self.agreed[renewal] = given
        token = self.token(
            aud=given["resource"],
            scope=given["scope"],
            azp=form["client_id"],
            jti=renewal[:8],
        )
        answer = {"access_token": token, "token_type": "Bearer", "refresh_token": renewal}
        return 200, {**answer, "expires_in": 600, "scope": given["scope"]}

    def rotate(self, number: int, *, keep: bool = True) -> None:
        """Sign with another key from now on."""
        kid = f"k{number + 1}"
        self.signing = (kid, rsa_key(number))
        self.keys = [*(self.keys if keep else []), public(rsa_key(number), kid, alg="RS256")]

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What a good token says, but for `changes`; None takes a claim out."""
        now = int(time.time())
        said = {
            "iss": self.issuer,
            "sub": "U2ada",
            "aud": f"{ORIGIN}/mcp",
            "iat": now,
            "exp": now + 600,
            "azp": "client-1",
            "scope": "openid descope:read",
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    def token(self, *, headers: dict[str, Any] | None = None, **changes: Any) -> str:
        """A token that this server has issued."""
        kid, key = self.signing
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        said = {"kid": kid, **(headers or {})}
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(self.claims(**changes), key, algorithm, headers=said)


@contextmanager
def serving() -> Iterator[Provider]:
    """A provider on loopback, for as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.say(*provider.answer(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.say(*provider.posted(self.path, body))

        def say(self, status: int, document: Any) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            if isinstance(document, str):
                self.send_header("Location", document)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider = Provider(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()

"""Which tokens count: every other one is refused, by whatever it differs."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from descope_mcp.server.auth.access_token import LONGEST, AccessTokens
from descope_mcp.server.auth.issuer import Issuer
from descope_mcp.server.auth.refusals import InvalidToken
from tests.server.auth.provider import ORIGIN, PROJECT, SERVER, Provider, ec_key, public, rsa_key

pytestmark = pytest.mark.anyio

OWN = {f"{ORIGIN}/mcp", f"{ORIGIN}/mcp/readonly"}
NOW = int(time.time())


def _tokens(provider: Provider, **more: Any) -> AccessTokens:
    return AccessTokens([Issuer("acme", provider.issuer, **more)])


def _forged(provider: Provider, header: dict[str, Any], key: Any = "", **changes: Any) -> str:
    """A token that somebody else has signed, if anybody has."""
    algorithm = header.get("alg", "none")
    signing = algorithm if algorithm in ("HS256", "RS256", "ES256") else None
    if signing:
        return jwt.encode(provider.claims(**changes), key, signing, headers=header)
    parts = [json.dumps(one).encode() for one in (header, provider.claims(**changes))]
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, key])


def _confused(provider: Provider) -> str:
    """HS256 with the public key as the secret; PyJWT itself refuses to make such a token."""
    import hashlib
    import hmac

    pem = (
        rsa_key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    signed = _forged(provider, {"alg": "HS512", "kid": "k1"}).rpartition(".")[0]
    mac = hmac.digest(pem, signed.encode(), hashlib.sha512)
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _cut(provider: Provider) -> str:
    head, _, signature = provider.token().rpartition(".")
    return f"{head}.{signature[:-4]}AAAA"


def _changed(provider: Provider) -> str:
    head, _, signature = provider.token().split(".")
    other = provider.token(scope="descope:destructive").split(".")[1]
    return f"{head}.{other}.{signature}"


BAD: dict[str, Callable[[Provider], str]] = {
    "no token": lambda p: "abc",
    "two parts": lambda p: provider_parts(p, 2),
    "alg none": lambda p: _forged(p, {"alg": "none", "kid": "k1"}),
    "alg None": lambda p: _forged(p, {"alg": "None", "kid": "k1"}),
    "no alg": lambda p: _forged(p, {"kid": "k1"}),
    "alg is a list": lambda p: _forged(p, {"alg": ["RS256"], "kid": "k1"}),
    "key confusion": _confused,
    "HS256": lambda p: _forged(p, {"alg": "HS256", "kid": "k1"}, "x" * 32),
    "the key of somebody else": lambda p: _forged(p, {"alg": "RS256", "kid": "k1"}, rsa_key(9)),
    "a key of another type": lambda p: _forged(p, {"alg": "ES256", "kid": "k1"}, ec_key()),
    "a key in the header": lambda p: _forged(
        p, {"alg": "RS256", "kid": "mine", "jwk": public(rsa_key(9), "mine")}, rsa_key(9)
    ),
    "a key at an address": lambda p: _forged(
        p, {"alg": "RS256", "kid": "mine", "jku": f"{p.url}/mine"}, rsa_key(9)
    ),
    "an unknown kid": lambda p: p.token(headers={"kid": "k9"}),
    "kid is a number": lambda p: _forged(p, {"alg": "none", "kid": 1}),
    "crit": lambda p: p.token(headers={"crit": ["exp"], "exp": 1}),
    "another typ": lambda p: p.token(headers={"typ": "logout+jwt"}),
    "a cut signature": _cut,
    "other claims": _changed,
    "another issuer": lambda p: p.token(iss="https://evil.example"),
    "an issuer that begins so": lambda p: p.token(iss=f"{p.issuer}x"),
    "an issuer with a slash": lambda p: p.token(iss=f"{p.issuer}/"),
    "another server's issuer": lambda p: p.token(iss=p.issuer.replace(SERVER, "MS2other")),
    "another project's issuer": lambda p: p.token(iss=p.project.replace(PROJECT, "P2other")),
    "no issuer": lambda p: p.token(iss=None),
    "no audience": lambda p: p.token(aud=None),
    "an empty audience": lambda p: p.token(aud=[]),
    "another audience": lambda p: p.token(aud="https://other.example/mcp"),
    "an audience that begins so": lambda p: p.token(aud=f"{ORIGIN}/mcp/t/users"),
    "the origin alone": lambda p: p.token(aud=ORIGIN),
    "an audience that is an object": lambda p: p.token(aud={"a": f"{ORIGIN}/mcp"}),
    "the project as the audience": lambda p: p.token(aud=PROJECT),
    "a token for the project": lambda p: p.token(iss=p.project, aud=PROJECT),
    "a token for a tenant": lambda p: p.token(iss=f"{p.project}/T2acme", aud=PROJECT),
    "an issuer below a tenant": lambda p: p.token(iss=f"{p.project}/T2acme/more"),
    "an issuer with dots": lambda p: p.token(iss=f"{p.project}/.."),
    "a session of the project": lambda p: p.token(iss=p.project, aud=None),
    "expired": lambda p: p.token(exp=NOW - 60),
    "no end": lambda p: p.token(exp=None),
    "an endless end": lambda p: p.token(exp=float("inf")),
    "an end that is a text": lambda p: p.token(exp="never"),
    "not yet": lambda p: p.token(nbf=NOW + 86_400),
    "issued later": lambda p: p.token(iat=NOW + 86_400),
    "no subject": lambda p: p.token(sub=None),
    "an empty subject": lambda p: p.token(sub=""),
    "a long subject": lambda p: p.token(sub="u" * 256),
    "too long": lambda p: p.token(more="x" * LONGEST),
    "deep": lambda p: "[" * 5000,
}  # fmt: skip


def provider_parts(provider: Provider, number: int) -> str:
    return ".".join(provider.token().split(".")[:number])


@pytest.mark.parametrize("kind", BAD)
async def test_what_does_not_count(provider: Provider, kind: str) -> None:
    tokens = _tokens(provider)
    with pytest.raises(InvalidToken) as refused:
        await tokens.verify(BAD[kind](provider), OWN)
    # Nothing of a token is told, and nobody but the issuer is asked.
    assert str(refused.value).isascii()
    assert len(str(refused.value)) < 80
    assert all("mine" not in path for path in provider.asked)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": [f"{ORIGIN}/mcp/readonly", "https://other.example"]},
        {"exp": -10, "iat": -600},
        {"nbf": 10, "iat": 10},
        {"headers": {"typ": "at+jwt"}},
        {"iss": "project"},
        {"iss": "tenant"},
    ],
    ids=str,
)
async def test_what_counts(provider: Provider, changes: dict[str, Any]) -> None:
    now = int(time.time())
    changes = {name: now + v if isinstance(v, int) else v for name, v in changes.items()}
    # Descope names the project, or a tenant of it, as the issuer and this server as the audience.
    issuers = {"project": provider.project, "tenant": f"{provider.project}/T2acme"}
    if "iss" in changes:
        changes = {"iss": issuers[changes["iss"]]}
    verified = await _tokens(provider).verify(provider.token(**changes), OWN)
    assert (verified.issuer.name, verified.claims["sub"]) == ("acme", "U2ada")
    assert "U2ada" not in repr(verified)


async def test_a_key_for_curves_counts_where_the_issuer_has_one(provider: Provider) -> None:
    provider.signing, provider.keys = ("e1", ec_key()), [public(ec_key(), "e1")]
    assert await _tokens(provider).verify(provider.token(), OWN)


async def test_an_audience_of_its_own_counts_for_that_issuer_alone(provider: Provider) -> None:
    tokens = _tokens(provider, audience=PROJECT)
    assert await tokens.verify(provider.token(aud=[PROJECT, "client-1"]), OWN)
    for changes in ({"iss": provider.project, "aud": PROJECT}, {"aud": f"{ORIGIN}/mcp"}):
        with pytest.raises(InvalidToken):
            await tokens.verify(provider.token(**changes), OWN)

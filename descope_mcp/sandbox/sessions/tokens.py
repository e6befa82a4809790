"""The project's key pair and the JWTs signed with it (RS256).

An RSA key cannot be drawn from a seed, and making one takes longer than starting the sandbox
should. So the key is made when it is first needed, and stays in the state.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from descope_mcp.sandbox.engine.errors import EXPIRED_TOKEN, UNAUTHORIZED, DescopeError
from descope_mcp.sandbox.engine.fields import Record
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import Table, register

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

SIGNING_KEYS = register(Table("signing_keys", key="kid", secrets=("pem",), passing=True))

_ALGORITHM = "RS256"
_BITS = 2048


def sign(state: State, claims: Mapping[str, Any]) -> str:
    """The JWT with these claims."""
    import jwt

    key = _key(state)
    headers = {"kid": key["kid"]}
    return jwt.encode(dict(claims), _private(key["pem"]), algorithm=_ALGORITHM, headers=headers)


def read(state: State, token: str) -> Record:
    """The claims of a JWT of this project.

    Raises:
        DescopeError: 401, it is not signed by the project, or expired by the sandbox's clock.
    """
    import jwt

    if not state.all(SIGNING_KEYS):
        raise DescopeError(UNAUTHORIZED, "The token is not valid")
    unchecked = dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud"), False)
    public = _private(_key(state)["pem"]).public_key()
    try:
        claims = jwt.decode(token, public, algorithms=[_ALGORITHM], options=unchecked)  # type: ignore[arg-type]
    except jwt.PyJWTError:
        raise DescopeError(UNAUTHORIZED, "The token is not valid") from None
    if claims.get("exp", 0) <= state.now():
        raise DescopeError(EXPIRED_TOKEN)
    return claims


def public_keys(state: State) -> list[Record]:
    """The key that tokens are checked with, as a JWK."""
    from jwt.algorithms import RSAAlgorithm

    key = _key(state)
    jwk = RSAAlgorithm.to_jwk(_private(key["pem"]).public_key(), as_dict=True)
    numbers = {name: jwk[name] for name in ("e", "n")}
    return [{"alg": _ALGORITHM, "kid": key["kid"], "kty": "RSA", "use": "sig", **numbers}]


def _key(state: State) -> Record:
    keys = state.all(SIGNING_KEYS)
    if keys:
        return keys[0]
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    pem = rsa.generate_private_key(public_exponent=65537, key_size=_BITS).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return state.add(SIGNING_KEYS, {"kid": state.new_id("SK"), "pem": pem.decode()})


@functools.lru_cache(maxsize=4)
def _private(pem: str) -> RSAPrivateKey:
    """The key from its text; reading it anew costs more than signing."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    # The key is the sandbox's own; checking its numbers would take longer than all the rest.
    key = serialization.load_pem_private_key(
        pem.encode(), password=None, unsafe_skip_rsa_key_validation=True
    )
    assert isinstance(key, RSAPrivateKey)
    return key

"""Keys of an issuer: found, kept, rotated, and never asked for more often than is good."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from descope_mcp.server.auth import signing_keys
from descope_mcp.server.auth.access_token import AccessTokens
from descope_mcp.server.auth.issuer import Issuer
from descope_mcp.server.auth.refusals import InvalidToken, NotVerifiable
from descope_mcp.server.auth.signing_keys import FRESH, KEPT, PAUSE, SigningKeys
from tests.server.auth.provider import AGENTIC, ORIGIN, PROJECT, Provider, public, rsa_key

pytestmark = pytest.mark.anyio

OWN = {f"{ORIGIN}/mcp"}


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Verifier:
    """Tokens of a provider, under a clock."""

    def __init__(self, provider: Provider, **more: Any) -> None:
        self.clock = Clock()
        issuer = Issuer("acme", provider.issuer, **more)
        keys = {"acme": SigningKeys(issuer, now=self.clock)}
        self.tokens = AccessTokens([issuer], keys)

    async def counts(self, token: str) -> bool:
        try:
            await self.tokens.verify(token, OWN)
        except InvalidToken:
            return False
        return True


async def test_a_new_key_is_found_and_a_revoked_one_forgotten(provider: Provider) -> None:
    verifier = Verifier(provider)
    old = provider.token()
    assert await verifier.counts(old)
    provider.rotate(1)
    verifier.clock.at += PAUSE + 1
    assert await verifier.counts(provider.token())
    assert await verifier.counts(old)
    provider.rotate(2, keep=False)
    verifier.clock.at += FRESH + 1
    assert not await verifier.counts(old)
    assert await verifier.counts(provider.token())


async def test_unknown_keys_make_nobody_ask_more_than_once_in_a_while(provider: Provider) -> None:
    verifier = Verifier(provider)
    assert await verifier.counts(provider.token())
    before = len(provider.asked)
    async with anyio.create_task_group() as tasks:
        for number in range(50):
            forged = provider.token(headers={"kid": f"x{number}"})
            tasks.start_soon(verifier.counts, forged)
    assert len(provider.asked) == before
    verifier.clock.at += PAUSE + 1
    for number in range(50):
        assert not await verifier.counts(provider.token(headers={"kid": f"y{number}"}))
    assert len(provider.asked) == before + 1


async def test_known_keys_count_for_some_hours_while_the_issuer_is_away(
    provider: Provider,
) -> None:
    verifier = Verifier(provider)
    assert await verifier.counts(provider.token())
    provider.is_down = True
    verifier.clock.at += KEPT - 1
    assert await verifier.counts(provider.token())
    asked = len(provider.asked)
    assert await verifier.counts(provider.token())
    assert len(provider.asked) == asked  # nobody waits for it at every request
    verifier.clock.at += 2
    with pytest.raises(NotVerifiable):
        await verifier.counts(provider.token())
    provider.is_down = False
    verifier.clock.at += PAUSE + 1
    assert await verifier.counts(provider.token())


async def test_an_issuer_that_was_never_reached_lets_nobody_in(provider: Provider) -> None:
    verifier = Verifier(provider)
    provider.is_down = True
    for _ in range(3):
        with pytest.raises(NotVerifiable):
            await verifier.counts(provider.token())
    assert len(set(provider.asked)) == 1


async def test_many_at_once_ask_once(provider: Provider) -> None:
    verifier = Verifier(provider)
    found: list[bool] = []
    provider.delay = 0.05

    async def one() -> None:
        found.append(await verifier.counts(provider.token()))

    async with anyio.create_task_group() as tasks:
        for _ in range(30):
            tasks.start_soon(one)
    assert found == [True] * 30
    assert len(provider.asked) == 2


@pytest.mark.parametrize(
    "documents",
    [
        {"openid": (200, {"issuer": "https://evil.example", "jwks_uri": "KEYS"})},
        {"openid": (200, {"jwks_uri": "KEYS"})},
        {"openid": (200, {"issuer": "OWN", "jwks_uri": "http://127.0.0.2:9/keys"})},
        {"openid": (200, {"issuer": "OWN", "jwks_uri": 5})},
        {"openid": (302, "KEYS")},
        {"openid": (200, [1])},
        {"keys": (302, "ELSEWHERE")},
        {"keys": (200, {"keys": {}})},
        {"keys": (200, {"keys": [1, None, {}]})},
        {"keys": (404, {})},
    ],
    ids=str,
)
async def test_what_an_issuer_says_that_cannot_be_used(
    provider: Provider, documents: dict[str, tuple[int, Any]]
) -> None:
    said = {"KEYS": f"{provider.url}/{PROJECT}/keys", "OWN": provider.issuer}
    said["ELSEWHERE"] = f"{provider.url}/elsewhere"
    provider.documents["/elsewhere"] = (200, {"keys": provider.keys})
    for name, (status, document) in documents.items():
        if isinstance(document, dict):
            document = {key: said.get(str(v), v) for key, v in document.items()}
        elif isinstance(document, str):
            document = said[document]
        path = (
            f"/{PROJECT}/keys" if name == "keys" else f"{AGENTIC}/.well-known/openid-configuration"
        )
        provider.documents[path] = (status, document)
    verifier = Verifier(provider)
    with pytest.raises((NotVerifiable, InvalidToken)):
        await verifier.tokens.verify(provider.token(), OWN)
    assert "/elsewhere" not in provider.asked


async def test_metadata_of_rfc_8414_counts_too_and_so_do_keys_that_are_named(
    provider: Provider,
) -> None:
    provider.documents[f"{AGENTIC}/.well-known/openid-configuration"] = (404, {})
    provider.documents[f"/.well-known/oauth-authorization-server{AGENTIC}"] = (
        200,
        provider.metadata,
    )
    assert await Verifier(provider).counts(provider.token())
    provider.asked.clear()
    assert await Verifier(provider, keys=f"{provider.url}/{PROJECT}/keys").counts(provider.token())
    assert provider.asked == [f"/{PROJECT}/keys"]


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits")
async def test_keys_that_are_no_public_keys_for_signatures_are_passed_over(
    provider: Provider,
) -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "k1", "alg": "HS256"}
    for other in (
        [secret],
        [public(rsa_key(), "k1", use="enc")],
        [public(rsa_key(), "k1", alg="RS512")],
        [public(rsa_key(5, 1024), "k1")],
        [{"kty": "RSA", "kid": "k1", "n": "?", "e": "AQAB"}],
    ):
        provider.keys = other
        if other[0].get("n") == public(rsa_key(5, 1024), "k1")["n"]:
            provider.signing = ("k1", rsa_key(5, 1024))
        assert not await Verifier(provider).counts(provider.token())
        provider.signing = ("k1", rsa_key())
    # Of two keys without a name nobody knows which one is meant.
    nameless = [public(key, "") for key in (rsa_key(), rsa_key(1))]
    provider.keys = [{k: v for k, v in key.items() if k != "kid"} for key in nameless]
    assert not await Verifier(provider).counts(provider.token(headers={"kid": None}))
    provider.keys = provider.keys[:1]
    assert await Verifier(provider).counts(provider.token(headers={"kid": None}))


async def test_an_issuer_that_does_not_answer_is_not_waited_for(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "_SECONDS", 0.2)
    provider.delay = 60.0  # far longer than this test may take
    with pytest.raises(NotVerifiable):
        await Verifier(provider).counts(provider.token())


async def test_whoever_runs_the_server_is_told_why_keys_are_missing(provider: Provider) -> None:
    """A wrong address, and an issuer that is away, want different remedies."""
    provider.is_down = True
    ((issuer, why),) = await Verifier(provider).tokens.unknown()
    assert (issuer.name, bool(why)) == ("acme", True)
    provider.is_down = False
    assert await Verifier(provider).tokens.unknown() == []
    elsewhere = Issuer("acme", f"{provider.issuer}/of/nobody")
    ((_, why),) = await AccessTokens([elsewhere]).unknown()
    assert why == "it has no metadata of an issuer; look at `url`"

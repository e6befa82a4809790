"""What an OpenID provider is asked, through Authlib."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.starlette_client.apps import StarletteOAuth2App
from joserfc.errors import JoseError

from descope_mcp.server.auth.configuration import is_safe
from descope_mcp.server.auth.console_provider import ConsoleProvider
from descope_mcp.server.auth.signing_keys import ALGORITHMS

_SECONDS = 8.0
_LEEWAY = 30
#: Seconds after which the provider's metadata and keys are fetched anew.
_FRESH = 600.0
#: The addresses of its metadata that are asked or led to.
_PLACES = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
_Answer = TypeVar("_Answer")


class Away(Exception):
    """The provider does not answer, or not as one does."""


class Refused(Exception):
    """The provider knows nobody by this, or what it says is not to be believed."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that has begun: where somebody goes, and what has to fit when they come back."""

    url: str
    state: str
    nonce: str
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """What the provider says of somebody, and what it can be asked with again."""

    claims: Mapping[str, Any]
    tokens: Mapping[str, Any] = field(repr=False)


class Provider:
    """One provider, by its metadata."""

    def __init__(self, settings: ConsoleProvider) -> None:
        self._settings = settings
        self._made, self._app = float("-inf"), self._new()

    async def begin(self, callback: str) -> Begun:
        """A new sign-in.

        Raises:
            Away: the provider cannot be reached.
        """
        asked = await _answered(self._create(callback))
        return Begun(asked["url"], asked["state"], asked["nonce"], asked["code_verifier"])

    async def end(self, code: str, verifier: str, nonce: str, callback: str) -> Known:
        """Who it is that a sign-in ended with.

        Raises:
            Refused: the code is none, or the identity token is not for this sign-in.
            Away: the provider cannot be reached.
        """
        app = await _answered(self._current())
        token = await _answered(
            app.fetch_access_token(redirect_uri=callback, code=code, code_verifier=verifier)
        )
        said = await _answered(self._identity(app, token, nonce))
        if said is None:
            raise Refused
        return Known({**said, **await self._userinfo(app, token, said["sub"])}, _kept(token))

    async def again(self, tokens: Mapping[str, Any], subject: str) -> Known:
        """The same person, as the provider knows them by now.

        Raises:
            Refused: it knows them no more, or the tokens count no more.
            Away: it cannot be reached.
        """
        app = await _answered(self._current())
        token, said = dict(tokens), None
        if refresh := token.get("refresh_token"):
            given = await _answered(
                app.fetch_access_token(grant_type="refresh_token", refresh_token=refresh)
            )
            token = {"refresh_token": refresh, **given}
            said = await _answered(self._identity(app, given, None))
        if said is not None and said["sub"] != subject:
            raise Refused
        info = await self._userinfo(app, token, subject)
        if said is None and not info:
            raise Refused
        return Known({**(said or {}), **info}, _kept(token))

    async def _create(self, callback: str) -> dict[str, Any]:
        app = await self._current()
        created: dict[str, Any] = await app.create_authorization_url(callback)
        return created

    async def _current(self) -> StarletteOAuth2App:
        """What asks the provider, with its metadata looked at."""
        if time.monotonic() > self._made + _FRESH:
            app = self._new()
            metadata = await app.load_server_metadata()
            if metadata.get("issuer") != self._settings.issuer:
                raise ValueError("the metadata is of another issuer")
            if not all(is_safe(metadata[place]) for place in _PLACES if place in metadata):
                raise ValueError("an address in the metadata is not https")
            # No key that is secret (HS256) and no key at all (none) signs an identity token.
            offered = metadata.get("id_token_signing_alg_values_supported", ["RS256"])
            usable = [one for one in offered if one in ALGORITHMS]
            metadata["id_token_signing_alg_values_supported"] = usable or ["RS256"]
            self._app, self._made = app, time.monotonic()
        return self._app

    def _new(self) -> StarletteOAuth2App:
        return StarletteOAuth2App(
            None,
            name="console",
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret or None,
            server_metadata_url=f"{self._settings.issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": " ".join(dict.fromkeys(("openid", *self._settings.scopes))),
                "code_challenge_method": "S256",
                "timeout": _SECONDS / 2,
                "follow_redirects": False,
                "trust_env": True,
            },
        )

    async def _identity(
        self, app: StarletteOAuth2App, token: Mapping[str, Any], nonce: str | None
    ) -> Mapping[str, Any] | None:
        """What the identity token says; None if there is none."""
        options = {
            "iss": {"essential": True, "value": self._settings.issuer},
            "aud": {"essential": True, "value": self._settings.client_id},
        }
        said: Mapping[str, Any] | None = await app.parse_id_token(
            token, nonce, claims_options=options, leeway=_LEEWAY
        )
        return said

    async def _userinfo(
        self, app: StarletteOAuth2App, token: Mapping[str, Any], subject: str
    ) -> Mapping[str, Any]:
        """What the provider says of the person now; nothing if it has no such place.

        Raises:
            Refused: it says nothing of them, or of somebody else (OpenID Connect Core, 5.3.2).
            Away: it cannot be reached.
        """
        metadata = await _answered(app.load_server_metadata())
        if "userinfo_endpoint" not in metadata:
            return {}
        answer = await _answered(app.get(metadata["userinfo_endpoint"], token=dict(token)))
        if answer.status_code >= 500:
            raise Away
        try:
            said = answer.json() if answer.status_code == 200 else None
        except ValueError:
            said = None
        if not isinstance(said, dict) or said.get("sub") != subject:
            raise Refused
        return said


def _kept(token: Mapping[str, Any]) -> dict[str, Any]:
    """What is needed of tokens to ask again."""
    names = ("access_token", "refresh_token", "token_type")
    return {name: token[name] for name in names if name in token}


async def _answered(asking: Awaitable[_Answer]) -> _Answer:
    """What the provider answers.

    Raises:
        Refused: it says no, or says what is not to be believed.
        Away: it does not answer, or not as a provider does.
    """
    try:
        with anyio.fail_after(_SECONDS):
            return await asking
    except (OAuthError, JoseError) as error:
        raise Refused from error
    except Exception as error:
        # The HTTP client's errors are its own, and known to one layer alone.
        raise Away from error

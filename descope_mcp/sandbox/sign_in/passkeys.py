"""Passkeys: the options of the ceremonies are real, what an authenticator answers is believed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from descope_mcp.sandbox.engine.errors import EXPIRED_LINK, INVALID, NO_PASSKEY, DescopeError
from descope_mcp.sandbox.engine.fields import Record, fill
from descope_mcp.sandbox.engine.registry import Answer, Arguments, handles
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.sign_in import shared as sign_in
from descope_mcp.sandbox.sign_in import verifications
from descope_mcp.sandbox.sign_in.verifications import VERIFICATIONS
from descope_mcp.sandbox.users.tables import CREDENTIALS, USERS

_WHY = "The signature of an authenticator is not checked"

#: ES256 and RS256 by their COSE numbers.
_ALGORITHMS = [{"type": "public-key", "alg": alg} for alg in (-7, -257)]


@handles("WebAuthnSignupStart", shape_only=_WHY)
def sign_up_start(state: State, arguments: Arguments) -> Answer:
    """A new user, and the options for making their first passkey."""
    return _start(state, sign_in.sign_up(state, arguments), arguments, create=True)


@handles("WebAuthnSigninStart", required=["loginId"], shape_only=_WHY)
def sign_in_start(state: State, arguments: Arguments) -> Answer:
    """The options for signing in with one of the user's passkeys."""
    return _start(state, sign_in.known_user(state, arguments["loginId"]), arguments, create=False)


@handles("WebAuthnSignUpInStart", required=["loginId"], shape_only=_WHY)
def sign_up_or_in_start(state: State, arguments: Arguments) -> Answer:
    """The options for signing in, or for making a first passkey."""
    user = sign_in.known_or_new(state, arguments)
    passkeys = state.get(CREDENTIALS, user["userId"])["passkeys"]
    return _start(state, user, arguments, create=not passkeys)


@handles("WebAuthnDeviceAddStart", required=["loginId"], shape_only=_WHY)
def add_start(state: State, arguments: Arguments) -> Answer:
    """The options for making one more passkey of the signed-in user."""
    user = sign_in.named_self(state, arguments["loginId"])
    return _start(state, user, {**arguments, "loginOptions": {}}, create=True)


@handles("WebAuthnSignupFinish", required=["transactionId", "response"], shape_only=_WHY)
def sign_up_finish(state: State, arguments: Arguments) -> Answer:
    """Keep the new passkey, and sign in."""
    proof = _transaction(state, arguments)
    _keep(state, proof, arguments)
    return verifications.complete(state, proof)


@handles("WebAuthnSigninFinish", required=["transactionId", "response"], shape_only=_WHY)
def sign_in_finish(state: State, arguments: Arguments) -> Answer:
    """Sign in, if the passkey is one of the user's."""
    proof = _transaction(state, arguments)
    own = state.get(CREDENTIALS, proof["userId"])
    if _credential_id(arguments) not in [passkey["id"] for passkey in own["passkeys"]]:
        raise DescopeError(NO_PASSKEY)
    return verifications.complete(state, proof)


@handles("WebAuthnDeviceAddFinish", required=["transactionId", "response"], shape_only=_WHY)
def add_finish(state: State, arguments: Arguments) -> Answer:
    """Keep the new passkey."""
    proof = _transaction(state, arguments)
    _keep(state, proof, arguments)
    state.delete(VERIFICATIONS, proof["id"])
    return {}


def _start(state: State, user: Mapping[str, Any], arguments: Arguments, *, create: bool) -> Answer:
    origin = fill({"origin": ""}, arguments)["origin"] or state.caller.url
    site = urlsplit(origin).hostname or "localhost"
    chosen = sign_in.options(state, arguments)
    proof = verifications.start(state, user, "webauthn", "webauthn", to=site, options=chosen)
    options: Record = {"challenge": proof["secret"], "timeout": 60_000}
    passkeys = state.get(CREDENTIALS, user["userId"])["passkeys"]
    known = [{"type": "public-key", "id": passkey["id"]} for passkey in passkeys]
    if create:
        handle = base64.urlsafe_b64encode(user["userId"].encode()).decode().rstrip("=")
        name = user["loginIds"][0]
        options |= {
            "rp": {"id": site, "name": state.project["name"]},
            "user": {"id": handle, "name": name, "displayName": user["name"] or name},
            "pubKeyCredParams": _ALGORITHMS,
            "excludeCredentials": known,
        }
    else:
        options |= {"rpId": site, "allowCredentials": known, "userVerification": "preferred"}
    text = json.dumps({"publicKey": options})
    return {"transactionId": proof["id"], "options": text, "create": create}


def _transaction(state: State, arguments: Arguments) -> Record:
    proof = state.find(VERIFICATIONS, id=arguments["transactionId"])
    if proof is None or proof["method"] != "webauthn" or proof["expires"] <= state.now():
        raise DescopeError(EXPIRED_LINK, "The ceremony is not known or took too long")
    return proof


def _keep(state: State, proof: Mapping[str, Any], arguments: Arguments) -> None:
    own = state.get(CREDENTIALS, proof["userId"])
    passkey = {
        "id": _credential_id(arguments),
        "rpId": proof["to"],
        "kind": "passkey",
        "displayName": "Passkey",
        "createdTime": state.now(),
    }
    state.change(CREDENTIALS, own, {"passkeys": [*own["passkeys"], passkey]})
    state.record("UserModified", user=state.get(USERS, proof["userId"]))


def _credential_id(arguments: Arguments) -> str:
    try:
        answer = json.loads(arguments["response"])
        return str(answer["id"])
    except (ValueError, TypeError, KeyError):
        raise DescopeError(INVALID, "The response is not what an authenticator gives") from None

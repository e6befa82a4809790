"""Answers have the fields that the contract documents: none is missing, none is invented."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from descope_mcp.catalog.build.openapi import Contract
from descope_mcp.sandbox.engine.errors import DescopeError
from descope_mcp.sandbox.engine.registry import HANDLERS, Reply
from descope_mcp.sandbox.engine.state import Caller, State
from descope_mcp.sandbox.keys.tables import ACCESS_KEY_SECRETS
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.sandbox.sessions import sessions, tokens
from descope_mcp.sandbox.users.lookup import by_login_id

from .conftest import Client

pytestmark = pytest.mark.anyio

ADA = {"loginId": "ada.okafor@acme.example"}

CALLS: dict[str, dict[str, Any]] = {
    "LoadUser": ADA,
    "SearchUsers": {},
    "CreateUsers": {"users": [{"loginId": "a@x.example"}, ADA]},
    "UserCustomAttributes": {},
    "ListUserPasskeys": ADA,
    "ListTrustedDevicesForUsers": {"identifiers": [ADA["loginId"]]},
    "SetUserTemporaryPassword": ADA,
    "LoadTenant": {"id": "globex"},
    "LoadAllTenants": {},
    "CreateTenant": {"name": "New"},
    "GetTenantSettings": {"id": "globex"},
    "GetPasswordSettings": {"tenantId": "globex"},
    "LoadSSOSettings": {"tenantId": "globex"},
    "ListProject": {},
    "LoadAllRoles": {},
    "CreateRole": {"name": "New"},
    "LoadAllPermissions": {},
    "SearchAccessKeys": {},
    "CreateAccessKey": {"name": "new"},
    "ImportAccessKeys": {"keys": [{"name": "new", "cleartext": "secret"}]},
    "SearchAudit": {},
    "SearchAnalytics": {"groupByAction": True},
    "UserSigninOtpEmail": ADA,
    "SignInMagicLinkEmail": ADA,
    "SignInEnchantedLinkEmail": ADA,
    "EmbeddedLinkSignin": ADA,
    "GenerateJWTSignIn": ADA,
    "Anonymous": {},
    "SignUpPassword": {"loginId": "new@acme.example", "password": "Str0ngEnough"},
    "SendPasswordReset": ADA,
    "GetPasswordPolicy": {},
    "SignUpTOTP": {"loginId": "new@acme.example"},
    "SignUpOrInNOTP": {"loginId": "+15550001111", "provider": "whatsapp"},
    "WebAuthnSigninStart": ADA,
    "OAuthNativeStart": {"provider": "apple"},
    "OIDCDeviceEndpoint": {},
    "GetFedCMClientMetadata": {},
}


@pytest.mark.parametrize("operation", CALLS)
async def test_an_answer_has_the_documented_fields(client: Client, operation: str) -> None:
    await client.call(operation, **CALLS[operation])


ODD: list[Any] = [
    None,
    "",
    "x",
    -1,
    10**30,
    True,
    [],
    ["x"],
    [1],
    [{}],
    [["x"]],
    {},
    {"x": 1},
    {"x": {}},
]


CREDENTIALS = ("management key", "refresh token", "session token", "access key")


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_no_argument_breaks_a_handler(spec: Contract, credential: str) -> None:
    """Only operations that the credential is for; the management key stands for all the others."""
    state = organisations.acme()
    presented, schemes = _credential(state, credential)
    state.caller = Caller(credential=presented)
    known = {
        "id": "globex",
        "tenantId": "globex",
        "loginId": ADA["loginId"],
        "status": "enabled",
        "type": "info",
        "projectId": state.project_id,
    }
    for endpoint in spec.endpoints.values():
        handler = HANDLERS.get(endpoint.name)
        if handler is None or not (schemes & set(endpoint.schemes or ("",))):
            continue
        names = spec.arguments(endpoint)[0]
        needed: dict[str, Any] = {
            n: known.get(n, "x") for n in handler.required if not n.endswith("[]")
        }
        needed |= {n[:-2]: [{**known, "name": "x"}] for n in handler.required if n.endswith("[]")}
        for name in names:
            for value in ODD:
                with suppress(Undone), state.transaction():
                    try:
                        answer = handler(state, {**known, **needed, name: value})
                    except DescopeError as error:
                        answer = dict(error.body())
                    except Exception as error:
                        raise AssertionError(f"{endpoint.name} {name}={value!r}") from error
                    json.dumps(answer.body if isinstance(answer, Reply) else answer)
                    raise Undone


class Undone(Exception):
    """Takes a transaction back, so that every call meets the same organisation."""


def _credential(state: State, kind: str) -> tuple[str, set[str]]:
    """One of Ada's or of a key's, and the schemes of the operations that it opens."""
    # Made outside the transactions that are taken back, or each call would make its own key.
    tokens.public_keys(state)
    session = sessions.begin(state, by_login_id(state, ADA["loginId"]), ["pwd"])
    match kind:
        case "refresh token":
            return sessions.refresh_token(state, session), {"refresh_jwt", ""}
        case "session token":
            return sessions.session_token(state, session), {"session_jwt", ""}
        case "access key":
            return state.all(ACCESS_KEY_SECRETS)[0]["cleartext"], {"access_key"}
        case _:
            return state.management_key, {"management_key", "project"}

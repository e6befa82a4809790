from __future__ import annotations

import pytest

from descope_mcp.api.client import Client
from descope_mcp.api.credentials import Credentials, authorization
from descope_mcp.api.errors import MissingCredential
from descope_mcp.api.request import build
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation

from ..recorder import ACCESS_KEY, AUTH_KEY, MANAGEMENT_KEY, PROJECT, sample_arguments
from .sockets import ALL_KEYS

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJVMiJ9.c2lnbmF0dXJl"
SECRETS = (MANAGEMENT_KEY, AUTH_KEY, ACCESS_KEY, TOKEN)
#: By scheme and plane: what the header holds after the project id.
WANTED = {
    (("project",), "end_user"): [AUTH_KEY],
    (("refresh_jwt",), "end_user"): [TOKEN, AUTH_KEY],
    (("session_jwt",), "end_user"): [TOKEN, AUTH_KEY],
    (("access_key",), "end_user"): [TOKEN, AUTH_KEY],
    (("project", "refresh_jwt"), "end_user"): [TOKEN, AUTH_KEY],
    (("refresh_jwt",), "management"): [TOKEN],
    (("access_key",), "scim"): [TOKEN],
    (("management_key",), "management"): [MANAGEMENT_KEY],
}


def some(catalog: Catalog, *schemes: str) -> Operation:
    return next(o for o in catalog.values() if o.schemes == schemes and o.plane != "management")


def test_every_operation_gets_what_its_scheme_says_and_nothing_else(catalog: Catalog) -> None:
    for operation in catalog.values():
        header = authorization(operation, ALL_KEYS, TOKEN)
        if operation.schemes:
            parts = [PROJECT, *WANTED[operation.schemes, operation.plane]]
            assert header == f"Bearer {':'.join(parts)}", operation.name
        else:
            assert header is None, operation.name


def test_the_management_key_is_in_no_request_of_another_scheme(catalog: Catalog) -> None:
    for operation in catalog.values():
        arguments = sample_arguments(operation)
        whole = build(operation, arguments, ALL_KEYS, "c1")
        text = f"{whole.target}{whole.body!r}{dict(whole.headers)}"
        assert (MANAGEMENT_KEY in text) == (operation.schemes == ("management_key",)), (
            operation.name
        )


def test_without_the_authentication_management_key_nothing_is_appended(catalog: Catalog) -> None:
    keys = Credentials(PROJECT, MANAGEMENT_KEY)
    assert authorization(some(catalog, "project"), keys) == f"Bearer {PROJECT}"
    refresh = some(catalog, "refresh_jwt")
    assert authorization(refresh, keys, TOKEN) == f"Bearer {PROJECT}:{TOKEN}"


def test_either_scheme_will_do(catalog: Catalog) -> None:
    either = some(catalog, "project", "refresh_jwt")
    keys = Credentials(PROJECT, MANAGEMENT_KEY)
    assert authorization(either, keys) == f"Bearer {PROJECT}"
    assert authorization(either, keys, TOKEN) == f"Bearer {PROJECT}:{TOKEN}"


def test_the_access_key_of_the_argument_goes_before_that_of_the_settings(catalog: Catalog) -> None:
    scim = catalog["LoadSCIMUser"]
    keys = Credentials(PROJECT, access_key=ACCESS_KEY)
    assert authorization(scim, keys) == f"Bearer {PROJECT}:{ACCESS_KEY}"
    assert authorization(scim, keys, "Kgiven") == f"Bearer {PROJECT}:Kgiven"
    # The server's own access key stands for no user.
    with pytest.raises(MissingCredential):
        authorization(some(catalog, "refresh_jwt"), keys)


def test_a_company_wide_key_stands_alone(catalog: Catalog) -> None:
    keys = Credentials("", MANAGEMENT_KEY)
    assert authorization(catalog["ListProject"], keys) == f"Bearer {MANAGEMENT_KEY}"
    with pytest.raises(MissingCredential, match="DESCOPE_PROJECT_ID"):
        authorization(some(catalog, "project"), keys)


@pytest.mark.parametrize(
    ("schemes", "keys", "remedy"),
    [
        (("management_key",), Credentials(PROJECT), "Set DESCOPE_MANAGEMENT_KEY"),
        (("management_key",), Credentials(), "--sandbox"),
        (("project",), Credentials("", MANAGEMENT_KEY), "Set DESCOPE_PROJECT_ID"),
        (("refresh_jwt",), ALL_KEYS, "the argument credential"),
        (("session_jwt",), ALL_KEYS, "the argument credential"),
        (("access_key",), Credentials(PROJECT, MANAGEMENT_KEY), "set DESCOPE_ACCESS_KEY"),
    ],
)
def test_a_missing_credential_says_what_to_set(
    catalog: Catalog, schemes: tuple[str, ...], keys: Credentials, remedy: str
) -> None:
    operation = next(o for o in catalog.values() if o.schemes == schemes)
    with pytest.raises(MissingCredential) as caught:
        authorization(operation, keys)
    assert remedy in caught.value.remedy
    assert operation.name in caught.value.message


@pytest.mark.parametrize(
    "token",
    [
        f"{PROJECT}:{TOKEN}",
        f"{TOKEN}:{MANAGEMENT_KEY}",
        f"Bearer {TOKEN}",
        f"{TOKEN} ",
        f"{TOKEN}\r\nX-Other: 1",
        f"{TOKEN}\n",
        f"{TOKEN}\x00",
        f"{TOKEN}\u00e9",
        ":",
    ],
)
@pytest.mark.parametrize("scheme", ["refresh_jwt", "session_jwt", "access_key"])
def test_a_token_that_is_more_than_a_token_is_refused(
    catalog: Catalog, scheme: str, token: str
) -> None:
    with pytest.raises(MissingCredential, match="bare token") as caught:
        authorization(some(catalog, scheme), ALL_KEYS, token)
    assert token not in str(caught.value)


def test_nothing_that_may_be_printed_holds_a_secret(catalog: Catalog) -> None:
    word = "correct-horse-battery"
    arguments = {"loginId": "ada", "password": word}
    request = build(catalog["SetUserActivePassword"], arguments, ALL_KEYS, "c1")
    in_query = {"flow_token": word}
    sent = build(catalog["ThirdPartyApplicationAuthorizeGet"], in_query, ALL_KEYS, "c1")
    client = Client("http://127.0.0.1:1", ALL_KEYS, catalog.errors)
    shown = f"{ALL_KEYS!r} {ALL_KEYS} {request!r} {sent!r} {client!r} {vars(client)}"
    assert not [s for s in (*SECRETS, word) if s in shown]
    # They are there, only not shown.
    assert MANAGEMENT_KEY in request.headers["Authorization"]
    assert request.body is not None
    assert word.encode() in request.body

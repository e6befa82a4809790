import random

import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.catalog.operation import Operation
from descope_mcp.catalog.search.ranking import Index
from descope_mcp.catalog.search.words import split, words

#: What people type, and the operations that answer it.
PLAIN = [
    ("list all users", "SearchUsers"),
    ("list users", "SearchUsers"),
    ("users who never signed in", "SearchUsers"),
    ("find a user by email", "SearchUsers LoadUser"),
    ("disable a user", "UpdateUserStatus"),
    ("block a user", "UpdateUserStatus"),
    ("create user", "CreateUser"),
    ("create a tenant", "CreateTenant"),
    ("delete a tenant", "DeleteTenant"),
    ("look at the audit log", "SearchAudit"),
    ("who signed in yesterday", "SearchAudit"),
    ("which users have a role", "SearchUsers"),
    ("rename a user", "UpdateUserDisplayName PatchUser"),
    ("change a user's email", "UpdateUserEmail PatchUser"),
    ("remove a person who has left", "DeleteUser"),
    ("give a user a role in a tenant", "UpdateUserAddRoles"),
    ("take a role away from a user", "UpdateUserRemoveRoles"),
    ("list roles", "LoadAllRoles SearchRoles"),
    ("rename a permission", "UpdatePermission"),
    ("create an access key", "CreateAccessKey"),
    ("deactivate an access key", "DeactivateAccessKey"),
    ("rotate the secret of a third party application", "RotateThirdPartyApplicationSecret"),
    ("reset a password", "SendPasswordReset SetUserTemporaryPassword"),
    ("log a user out everywhere", "LogoutAllUserDevices"),
    ("configure SAML for a tenant", "ConfigureSSOSAMLSettings ConfigureSSOSAMLSettingsByMetadata"),
    ("export the project", "ExportSnapshot ExportProject"),
    ("import a flow", "ImportFlow"),
    ("check whether a user can access a document", "Check"),
    ("get the public keys", "GetKeysV2 GetKeys GetWellKnownJWKS"),
    ("send a one-time code by sms", "SignInOTPSMS SignUpOrInOTPSMS"),
]


@pytest.fixture(scope="module")
def index(catalog: Catalog) -> Index:
    return Index(catalog)


@pytest.mark.parametrize(("query", "wanted"), PLAIN)
def test_a_plain_question_finds_its_operation(index: Index, query: str, wanted: str) -> None:
    found = [operation.name for operation in index.search(query, limit=3)]
    assert set(found) & set(wanted.split()), found


@pytest.mark.parametrize("query", ["delte a usr", "dekete user", "delete users account"])
def test_typos_and_inflection_are_forgiven(index: Index, query: str) -> None:
    assert "DeleteUser" in [operation.name for operation in index.search(query, limit=3)]


def test_a_name_or_title_is_first_in_whatever_order_and_with_whatever_around_it(
    index: Index, catalog: Catalog
) -> None:
    shuffled = random.Random(1)
    for operation in catalog.values():
        for said in (operation.title, " ".join(split(operation.name))):
            parts = split(said)
            shuffled.shuffle(parts)
            for text in (" ".join(parts), f"Please: {said}", f"the {said.lower()}"):
                titles = {one.title for one in index.search(text, limit=1)}
                assert titles == {operation.title} or operation in _alike(said, catalog), text


def _alike(said: str, catalog: Catalog) -> list[Operation]:
    """The operations whose name or title has the same words, in any number."""
    wanted = {*words(said)}
    texts = {o.name: ({*words(o.title)}, {*words(o.name)}) for o in catalog.values()}
    found = [name for name, both in texts.items() if wanted in both]
    return [catalog[name] for name in found] if len(found) > 1 else []


def test_what_is_denied_stands_behind_unless_it_is_named(index: Index) -> None:
    first, second = index.search("a user's applications", limit=2)
    denied = {first.name}
    assert index.find("a user's applications", denied=denied).operations[0] == second
    assert index.find(first.title, denied=denied).operations[0] == first


def test_old_versions_stand_behind_the_new_ones(index: Index) -> None:
    assert index.search("search for users")[0].name == "SearchUsers"
    assert index.search("search users v1")[0].name == "SearchUsersV1"


def test_filters(index: Index) -> None:
    reads = index.search("user", effect="read", toolset="users", limit=20)
    assert reads
    assert all(o.effect == "read" and o.toolset == "users" for o in reads)


def test_nothing_fits_words_that_nobody_knows(index: Index) -> None:
    assert not index.find("qqqq zzzz").fits
    assert not index.find("").fits

"""Seed files: what is written loads into the same state; what is wrong is said with its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from descope_mcp.catalog.catalog import Catalog
from descope_mcp.sandbox.engine.state import State
from descope_mcp.sandbox.engine.tables import TABLES
from descope_mcp.sandbox.keys.management_keys import MANAGEMENT_KEYS
from descope_mcp.sandbox.seed_files.errors import SeedError
from descope_mcp.sandbox.seed_files.fresh_secrets import without
from descope_mcp.sandbox.seed_files.writing import seed_text
from descope_mcp.sandbox.seeds import organisations
from descope_mcp.sandbox.seeds.new_project import call
from descope_mcp.sandbox.users.tables import CREDENTIALS, USERS

WRITTEN = """\
seed: 1
begin: empty
records:
  tenants:
    - {id: globex, name: Globex}
  users:
    - userId: U2pinnedpinnedpinnedpinned1
      loginIds: [ada@globex.example]
      roleNames: [Reader]
      userTenants: [{tenantId: globex, roleNames: []}]
  roles:
    - {name: Reader}
calls:
  - operation: CreateUser
    id: U2pinnedpinnedpinnedpinned2
    arguments: {loginId: ben@globex.example, status: enabled, password: swordfish}
  - operation: CreateAccessKey
    arguments: {name: ci}
"""

Load = Callable[[str], State]


@pytest.fixture
def load(tmp_path: Path, catalog: Catalog) -> Load:
    def loaded(text: str, keys: int | None = None) -> State:
        path = tmp_path / "seed.yaml"
        path.write_text(text, encoding="utf-8")
        return organisations.chosen(str(path), catalog, keys)()

    return loaded


@pytest.fixture(scope="module")
def acme() -> State:
    """The organisation, with somebody who signs in just now."""
    state = organisations.acme()
    answer = call(state, "UserSigninOtpEmail", loginId="grace.kim@globex.example")
    assert answer["maskedEmail"]
    return state


def test_an_export_with_secrets_loads_into_the_same_state(load: Load, acme: State) -> None:
    assert load(seed_text(acme, secrets=True)).export() == acme.export()


def test_an_export_without_secrets_loads_into_the_same_but_for_them(
    load: Load, acme: State
) -> None:
    text = seed_text(acme)
    other = load(text)
    found, expected = other.export(), acme.export()
    under_way = {name for name in expected if TABLES[name].passing}
    assert under_way == {"outbox", "verifications"}
    assert found.keys() == expected.keys() - under_way
    masked = lambda items, table: [without(table, item, len) for item in items]  # noqa: E731
    for name, items in found.items():
        assert masked(items, TABLES[name]) == masked(expected[name], TABLES[name]), name
    old = [value for items in expected.values() for item in items for value in secrets(item)]
    assert len(old) > 20
    assert not [value for value in old if value in text]
    assert not [value for value in old if value in json.dumps(found)]
    first = other.get(MANAGEMENT_KEYS, other.management_key_id)
    assert first["cleartext"] == other.management_key, "the key that is printed opens it"


def secrets(record: dict[str, Any]) -> list[str]:
    """The values of a record that are secrets by what they are called."""
    names = {"cleartext", "managementKey", "secret", "clientSecret", "accessToken", "refreshToken"}
    return [v for k, v in record.items() if k in (names | {"totp"}) and v and isinstance(v, str)]


def test_what_is_written_by_hand_has_its_ids_and_all_fields(load: Load) -> None:
    state = load(WRITTEN)
    ada, ben = state.all(USERS)
    assert [ada["userId"], ben["userId"]] == [f"U2pinnedpinnedpinnedpinned{n}" for n in (1, 2)]
    for user in (ada, ben):
        loaded = call(state, "LoadUser", userId=user["userId"])["user"]
        assert loaded["password"] is (user is ben)
    assert ada["userTenants"][0]["tenantId"] == "globex"
    assert state.get(CREDENTIALS, ada["userId"])["wrongPasswords"] == 0
    assert load(WRITTEN).export().keys() == state.export().keys()
    ids = [[u["userId"] for u in s.all(USERS)] for s in (load(WRITTEN), state)]
    assert ids[0] == ids[1]


def test_secrets_are_new_at_every_start_unless_a_number_is_given(load: Any) -> None:
    keys = [load(WRITTEN, number).export() for number in (None, None, 7, 7)]
    opened = [state["sandbox"][0]["managementKey"] for state in keys]
    assert len(set(opened)) == 3
    assert opened[2] == opened[3]
    assert keys[2]["access_key_secrets"] == keys[3]["access_key_secrets"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "seed.yaml: is empty"),
        ("seed: 1\nrecords: [\n", "seed.yaml:3: this is not YAML"),
        ("seed: 2", "seed.yaml:1: seed: "),
        ("seed: 1\nrecord: {}", "seed.yaml:2: record: "),
        ("seed: 1\nbegin: acne", "seed.yaml:2: there is none; use one of acme"),
        ("seed: 1\nrecords:\n  user: []", "seed.yaml:3: there are no records called user"),
        ("seed: 1\nrecords:\n  roles:\n  - 3", "seed.yaml:4: records.roles.0"),
        (
            "seed: 1\nrecords:\n  users:\n  - loginIds: [a]\n    emial: x",
            "seed.yaml:5: emial: no field of users; did you mean email?",
        ),
        (
            "seed: 1\nrecords:\n  users:\n  - loginIds: a@x.example",
            "seed.yaml:4: loginIds: a list is expected",
        ),
        ("seed: 1\nrecords:\n  lists:\n  - id: 1", "seed.yaml:4: id: a text is expected"),
        ("seed: 1\nrecords:\n  credentials:\n  - {}", "seed.yaml:4: userId: is missing"),
        (
            "seed: 1\nrecords:\n  tenants:\n  - {id: a, name: A}\n  - {id: a, name: B}",
            "seed.yaml:5: id: another record has it, too",
        ),
        (
            "seed: 1\nrecords:\n  tenants:\n  - {id: a, name: A}\n  - {id: b, name: A}",
            "Tenant ID or name already exists",
        ),
        (
            "seed: 1\nrecords:\n  users:\n  - userId: U1\n    loginIds: [a]\n    roleNames: [None]",
            "seed.yaml:4: Role not found: None",
        ),
        ("seed: 1\nbegin: acme\nrecords:\n  sandbox:\n  - id: sandbox", "seed.yaml:2: the records"),
        ("seed: 1\ncalls:\n- operation: CreatUser", "the nearest: CreateUser"),
        (
            "seed: 1\ncalls:\n- operation: CreateUser\n  arguments:\n    loginId: a\n    mail: x",
            "CreateUser: mail: not an argument",
        ),
        (
            "seed: 1\ncalls:\n- operation: CreateUsers\n"
            "  arguments:\n    users:\n    - loginId: []",
            "seed.yaml:6: CreateUsers: users[0].loginId: ",
        ),
        (
            "seed: 1\ncalls:\n- operation: CreateTenant\n  arguments: {name: A}\n"
            "- operation: CreateTenant\n  arguments: {name: A}",
            "seed.yaml:5: CreateTenant: Tenant ID or name already exists",
        ),
        (
            "seed: 1\ncalls:\n- operation: CreateUser\n  id: R1\n  arguments: {loginId: a}",
            "seed.yaml:4: CreateUser makes nothing whose id begins like R1",
        ),
        ("seed: 1\nrecords:\n  lists:\n  - {id: l, data: 2020-01-01}", "write it in quotes"),
        ("seed: 1\nrecords:\n  lists:\n  - {id: l, id: l}", "seed.yaml:4: id occurs twice"),
        ("seed: 1\nrecords:\n  lists:\n  - &a {id: l, data: [*a]}", "holds itself"),
        ("seed: 1\nrecords:\n  sandbox:\n  - managementKey: !new {size: 3}", "!new takes length"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(load: Load, text: str, said: str) -> None:
    with pytest.raises(SeedError) as raised:
        load(text)
    assert said in str(raised.value)
    assert "seed.yaml" in str(raised.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_a_seed_saved_with_any_editor(tmp_path: Path, catalog: Catalog, encoding: str) -> None:
    path = tmp_path / "seed.yaml"
    path.write_bytes(WRITTEN.replace("\n", "\r\n").encode(encoding))
    state = organisations.chosen(str(path), catalog)()
    assert len(state.export()["users"]) == 2


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "{a: " * 100_000])
def test_what_is_nested_without_end_is_refused(load: Load, text: str) -> None:
    with pytest.raises(SeedError, match=r"seed\.yaml: .*levels deep"):
        load(text)


def test_aliases_cannot_say_more_than_a_file_may(load: Load) -> None:
    lines = ["seed: 1", "x0: &x0 [a, a, a, a, a, a, a, a, a, a]"]
    lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(SeedError, match="too much"):
        load("\n".join(lines))

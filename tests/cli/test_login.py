"""Signing in and out: the key is typed unseen, tried, kept where it is said, used from there."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from pathlib import Path

import pexpect
import pytest

from descope_mcp.catalog.catalog import Catalog
from tests.cli.processes import BASE, COMMAND, run

#: A keyring that a test can look into, in the place of a desktop's.
BACKEND = """
import json, pathlib
from keyring.backend import KeyringBackend

PLACE = pathlib.Path(__file__).with_name("kept.json")

class Keyring(KeyringBackend):
    priority = 1
    def _kept(self):
        return json.loads(PLACE.read_text()) if PLACE.exists() else {}
    def get_password(self, service, name):
        return self._kept().get(f"{service}/{name}")
    def set_password(self, service, name, password):
        PLACE.write_text(json.dumps({**self._kept(), f"{service}/{name}": password}))
    def delete_password(self, service, name):
        kept = self._kept()
        del kept[f"{service}/{name}"]
        PLACE.write_text(json.dumps(kept))
"""


class Person:
    """Somebody with a home of their own, and the sandbox for Descope."""

    def __init__(self, home: Path, sandbox: Mapping[str, str]) -> None:
        self.home = home
        self.project, self.key = sandbox["DESCOPE_PROJECT_ID"], sandbox["DESCOPE_MANAGEMENT_KEY"]
        self.url = sandbox["DESCOPE_BASE_URL"]
        self.about = ("--project-id", self.project, "--base-url", self.url)
        # Neither a desktop's keyring nor its configuration.
        self.env = {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }

    def with_keyring(self) -> Path:
        """Give them one; where it keeps keys."""
        (self.home / "a_keyring.py").write_text(BACKEND)
        more = {"PYTHONPATH": str(self.home), "PYTHON_KEYRING_BACKEND": "a_keyring.Keyring"}
        self.env |= more
        return self.home / "kept.json"

    def files_with_the_key(self) -> list[str]:
        files = [path for path in self.home.rglob("*") if path.is_file()]
        return sorted(path.name for path in files if self.key.encode() in path.read_bytes())


@pytest.fixture
def person(tmp_path: Path, sandbox: dict[str, str]) -> Person:
    return Person(tmp_path, sandbox)


def test_a_key_is_typed_unseen_and_kept_in_the_keyring(person: Person, catalog: Catalog) -> None:
    kept = person.with_keyring()
    typing = pexpect.spawn(
        COMMAND,
        ["login", "--base-url", person.url, "--production"],
        env={**BASE, **person.env, "TERM": "dumb"},
        timeout=60,
        encoding="utf-8",
    )
    typing.expect("Project id .*: ")
    typing.sendline(person.project)
    typing.expect("is not shown.: ")
    typing.sendline(person.key)
    typing.expect(pexpect.EOF)
    assert person.key not in typing.before
    assert "as default, marked as production. The key is in the system's keyring" in typing.before
    assert person.files_with_the_key() == ["kept.json"]
    assert json.loads(kept.read_text()) == {"descope-mcp/default": person.key}

    rows = [json.loads(row) for row in run("whoami", "--json", env=person.env).stdout.splitlines()]
    assert (rows[0]["project"], rows[0]["production"]) == (person.project, True)
    assert rows[0]["key_from"] == "the profile default, in the keyring"
    probes = [t.probe["operation"] for t in catalog.toolsets if t.probe]
    # SCIM takes an access key.
    probes.remove("SearchSCIMUsers")
    assert [row["operation"] for row in rows[1:]] == probes
    assert {row["found"] for row in rows[1:]} == {"reads"}

    # What affects the whole project is denied now, even with a person's word.
    denied = run("call", "DeleteAllTestUsers", "--dry-run", "--json", env=person.env)
    assert "marked as production" in denied.stdout + denied.stderr

    # So it is by credentials of the environment: the mark is the project's.
    keys = person.env | {"DESCOPE_PROJECT_ID": person.project, "DESCOPE_MANAGEMENT_KEY": person.key}
    keys |= {"DESCOPE_BASE_URL": person.url, "DESCOPE_MCP_PRODUCTION": "false"}
    denied = run("call", "DeleteAllTestUsers", "--dry-run", "--json", env=keys)
    assert "descope-mcp login --no-production" in denied.stdout + denied.stderr

    person.env["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    gone = run("doctor", env=person.env)
    assert (gone.returncode, "is in a keyring, and there is none here" in gone.stderr) == (2, True)


def test_without_a_keyring_a_private_file_keeps_it(person: Person) -> None:
    person.about = (*person.about, "--key-stdin", "--profile", "staging")
    wrong = f"K{'x' * 40}\n"
    refused = run("login", *person.about, env=person.env, given=wrong)
    assert (refused.returncode, "The key was not kept: Descope did" in refused.stderr) == (1, True)
    assert not (person.home / "config").exists()

    done = run("login", *person.about, env=person.env, given=f"{person.key}\n")
    assert "only this account can read" in done.stdout
    assert "there is no keyring here" in done.stdout
    assert person.files_with_the_key() == ["staging.key"]
    file = person.home / "config/descope-mcp/staging.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = run("doctor", "--profile", "staging", "--json", env=person.env)
    settings = json.loads(found.stdout.splitlines()[0])
    assert "DESCOPE_MANAGEMENT_KEY from the profile staging, in the file" in settings["found"]

    file.chmod(0o644)
    too_open = run("call", "LoadAllRoles", "--profile", "staging", env=person.env)
    assert (too_open.returncode, "chmod go-rwx" in too_open.stderr) == (2, True)
    file.chmod(0o600)
    assert run("logout", "--profile", "staging", env=person.env).returncode == 0
    assert person.files_with_the_key() == []
    again = run("logout", "--profile", "staging", env=person.env)
    assert (again.returncode, "There is no profile staging; sign in" in again.stderr) == (2, True)


def test_an_older_key_does_not_outlive_the_profile_unseen(person: Person) -> None:
    kept, key = person.with_keyring(), f"{person.key}\n"
    keyring, none = "a_keyring.Keyring", "keyring.backends.fail.Keyring"

    def signed_in(backend: str, *more: str) -> str:
        env = person.env | {"PYTHON_KEYRING_BACKEND": backend}
        done = run("login", *person.about, "--key-stdin", *more, env=env, given=key)
        assert done.returncode == 0
        return done.stdout

    signed_in(keyring)
    assert person.files_with_the_key() == ["kept.json"]
    assert "older key" not in signed_in(keyring, "--key-file")
    assert (person.files_with_the_key(), json.loads(kept.read_text())) == (["default.key"], {})

    # A keyring that cannot be reached keeps what it has, and that is said as long as it is so.
    signed_in(keyring)
    assert "The older key is not deleted: a key of the profile default is in" in signed_in(none)
    assert person.files_with_the_key() == ["default.key", "kept.json"]
    out = run("logout", env=person.env | {"PYTHON_KEYRING_BACKEND": none})
    assert (out.returncode, "sign out where the keyring is" in out.stderr) == (2, True)
    assert run("logout", env=person.env).returncode == 0
    assert person.files_with_the_key() == []
    assert run("logout", env=person.env).returncode == 2


def test_a_mark_of_production_is_lifted_by_a_person_alone(person: Person) -> None:
    login = ("login", *person.about, "--key-stdin", "--json")

    def production(*more: str) -> bool:
        done = run(*login, *more, env=person.env, given=f"{person.key}\n")
        said: bool = json.loads(done.stdout)["production"]
        return said

    assert production("--production")
    assert production()
    assert production("--profile", "second")
    unasked = run(*login, "--no-production", env=person.env, given=f"{person.key}\n")
    assert unasked.returncode == 3

    typing = pexpect.spawn(
        COMMAND,
        ["login", *person.about, "--no-production"],
        env={**BASE, **person.env, "TERM": "dumb"},
        timeout=60,
        encoding="utf-8",
    )
    typing.expect(f"Type {person.project} to lift it: ")
    typing.sendline(person.project)
    typing.expect("is not shown.: ")
    typing.sendline(person.key)
    typing.expect(pexpect.EOF)
    assert f"Signed in to {person.project} as default. The key" in typing.before
    assert not production("--profile", "second")


def test_other_keys_are_named_and_tried_as_far_as_they_can_be(person: Person) -> None:
    env = {**person.env, "DESCOPE_PROJECT_ID": person.project, "DESCOPE_BASE_URL": person.url}
    env["DESCOPE_ACCESS_KEY"] = "K" + "x" * 40
    said = run("whoami", env=env)
    assert said.returncode == 1
    assert "There is no management key" in said.stdout
    assert "The access key is from the environment." in said.stdout
    (trial,) = (line for line in said.stdout.splitlines() if line.startswith("SCIM"))
    assert "refused" in trial

    del env["DESCOPE_ACCESS_KEY"]
    env["DESCOPE_AUTH_MANAGEMENT_KEY"] = "K" + "y" * 40
    (row,) = map(json.loads, run("whoami", "--json", env=env).stdout.splitlines())
    assert (row["auth_management_key_from"], row["key_from"]) == ("the environment", None)

    del env["DESCOPE_AUTH_MANAGEMENT_KEY"]
    nobody = run("whoami", env=env)
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert "Nobody is signed in." in nobody.stderr

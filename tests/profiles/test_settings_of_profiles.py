"""Which credentials count: those that are set, or a profile's, and never some of each."""

from __future__ import annotations

from pathlib import Path

import pytest
from keyring.errors import PasswordDeleteError

from descope_mcp import settings
from descope_mcp.catalog.catalog import Catalog
from descope_mcp.cli import wiring
from descope_mcp.profiles import key_storage, profile
from descope_mcp.profiles.errors import ProfileError
from descope_mcp.profiles.profile import Profile
from tests.recorder import MANAGEMENT_KEY, PROJECT, STORE_SETTINGS

OTHER = f"P{'2' * 27}"
UNMARKED = f"P{'3' * 27}"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    directory = tmp_path / "descope-mcp"
    profile.keep(directory, "default", Profile(PROJECT, "file"))
    profile.keep(directory, "prod.eu", Profile(OTHER, "file", True, "https://api.example.com"))
    return directory


def test_a_profile_counts_where_nothing_is_set(directory: Path) -> None:
    chosen = settings.load()
    assert (chosen.profile, chosen.project_id) == ("default", PROJECT)
    named = settings.load(profile="prod.eu")
    assert named.project_id == OTHER
    assert named.api_url == "https://api.example.com"
    sources = settings.sources(named, profile="prod.eu")
    assert {name: of for name, of in sources.items() if name not in STORE_SETTINGS} == {
        "DESCOPE_MCP_PROFILE": "the command line",
        "DESCOPE_PROJECT_ID": "the profile prod.eu",
        "DESCOPE_BASE_URL": "the profile prod.eu",
        "DESCOPE_MANAGEMENT_KEY": "the profile prod.eu, in the file",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DESCOPE_MANAGEMENT_KEY", MANAGEMENT_KEY),
        ("DESCOPE_AUTH_MANAGEMENT_KEY", MANAGEMENT_KEY),
        ("DESCOPE_ACCESS_KEY", MANAGEMENT_KEY),
        ("DESCOPE_BASE_URI", "https://api.example.com"),
    ],
)
def test_what_is_set_counts_alone(
    directory: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    chosen = settings.load()
    # The project of one with the key of another would be a third thing that nobody meant.
    assert (chosen.profile, chosen.project_id) == ("", "")
    with pytest.raises(ProfileError, match=f"{name}: set beside the profile"):
        settings.load(profile="prod.eu")


def test_a_profile_that_is_not_there_is_said(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESCOPE_MCP_PROFILE", "nobody")
    with pytest.raises(ProfileError, match=r"no profile nobody; there are default, prod\.eu; sign"):
        settings.load()
    assert settings.load(sandbox=True).project_id == ""


def test_a_mark_counts_whatever_credentials_lead_to_the_project(
    directory: Path, monkeypatch: pytest.MonkeyPatch, catalog: Catalog
) -> None:
    def marked(project: str, profile: str | None = None) -> bool:
        return wiring.policy(settings.load(profile=profile), catalog).is_production(project)

    assert not marked(UNMARKED)
    assert marked(OTHER, profile="prod.eu")
    # The project of a caller over HTTP whose calls go to another one than the server's.
    assert marked(OTHER)
    monkeypatch.setenv("DESCOPE_PROJECT_ID", OTHER)
    monkeypatch.setenv("DESCOPE_MANAGEMENT_KEY", MANAGEMENT_KEY)
    monkeypatch.setenv("DESCOPE_MCP_PRODUCTION", "false")
    assert marked(OTHER)
    assert not marked(UNMARKED)
    monkeypatch.setenv("DESCOPE_MCP_PRODUCTION", "true")
    assert marked(UNMARKED)


@pytest.mark.parametrize("text", ["[default", "[default]\nproject_id = 1\n", "\xff"])
def test_a_malformed_file_is_said_with_its_place(directory: Path, text: str) -> None:
    (directory / "profiles.toml").write_text(text, encoding="latin-1")
    with pytest.raises(ProfileError, match=r"profiles\.toml is malformed; remove it and sign in"):
        settings.load()


@pytest.mark.parametrize("name", ["../x", "", "a b", ".hidden", "x" * 40])
def test_a_name_is_a_name(name: str) -> None:
    with pytest.raises(ProfileError, match="not the name of a profile"):
        profile.check_name(name)


def test_a_key_that_is_gone_is_said(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProfileError, match=r"sign in again: `descope-mcp login --profile default`"):
        key_storage.read(directory, "default", "file")
    monkeypatch.setattr(key_storage, "_backend", lambda: None)
    with pytest.raises(ProfileError, match="there is none here"):
        key_storage.read(directory, "default", "keyring")
    assert key_storage.keep(directory, "default", MANAGEMENT_KEY, in_file=False) == "file"
    assert key_storage.read(directory, "default", "file") == MANAGEMENT_KEY


class Refusing:
    """A keyring whose error says that there is no key, as macOS does of one it may not delete."""

    def __init__(self, key: str) -> None:
        self.key = key

    def delete_password(self, service: str, name: str) -> None:
        raise PasswordDeleteError("no such password")

    def get_password(self, service: str, name: str) -> str:
        return self.key


def test_a_key_counts_as_deleted_only_once_it_is_gone(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_storage, "_backend", lambda: None)
    with pytest.raises(ProfileError, match="sign out where the keyring is: `descope-mcp logout"):
        key_storage.forget(directory, "default", "keyring")
    monkeypatch.setattr(key_storage, "_backend", lambda: Refusing(MANAGEMENT_KEY))
    with pytest.raises(ProfileError, match=r"does not let go .*PasswordDeleteError"):
        key_storage.forget(directory, "default", "keyring")
    monkeypatch.setattr(key_storage, "_backend", lambda: Refusing(""))
    key_storage.forget(directory, "default", "keyring")


def test_a_mark_is_the_project_s_in_each_profile(directory: Path) -> None:
    profile.keep(directory, "default", Profile(f"P{'3' * 27}", "file"))
    profile.keep(directory, "second", Profile(OTHER, "file"))
    assert profile.production(directory) == {OTHER}
    profile.mark(directory, OTHER, production=False)
    assert profile.production(directory) == set()
    profile.mark(directory, OTHER, production=True)
    marked = {name for name, one in profile.all_profiles(directory).items() if one.production}
    assert marked == {"prod.eu", "second"}

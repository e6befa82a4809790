"""The profiles of this account, in a private file that holds no key."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from descope_mcp.configuration.documents import from_toml
from descope_mcp.guard.question import shell_quoting
from descope_mcp.profiles.errors import ProfileError
from descope_mcp.store import private_files
from descope_mcp.store.errors import StoreError

DEFAULT = "default"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_FILE = "profiles.toml"


@dataclass(frozen=True, slots=True)
class Profile:
    """A project, whether it is production, and in which place its management key is.

    ``older_in_keyring`` says that an older key is in a keyring that could not be reached when the
    one that counts was kept in a file.
    """

    project_id: str
    key_in: Literal["keyring", "file"]
    production: bool = False
    base_url: str = ""
    older_in_keyring: bool = False

    @property
    def in_keyring(self) -> bool:
        """Whether the keyring holds a key of it, be it an older one."""
        return self.key_in == "keyring" or self.older_in_keyring


_PROFILES = TypeAdapter(dict[str, Profile])


def check_name(name: str) -> str:
    """The name, if it may be one.

    Raises:
        ProfileError: it may not.
    """
    if not _NAME.fullmatch(name):
        raise ProfileError(
            f"{name!r} is not the name of a profile; use up to 32 letters and digits"
        )
    return name


def all_profiles(directory: Path) -> Mapping[str, Profile]:
    """The profiles by their names; none where nobody has signed in.

    Raises:
        ProfileError: the file is open to other accounts, or malformed.
    """
    path = directory / _FILE
    if not path.exists():
        return {}
    try:
        return _PROFILES.validate_python(from_toml(private_files.read_private(path).decode()))
    except StoreError as error:
        raise ProfileError(str(error)) from None
    except (ValueError, ValidationError):
        raise ProfileError(
            f"{path} is malformed; remove it and sign in again: `descope-mcp login`"
        ) from None


def find(directory: Path, name: str) -> Profile:
    """The profile of that name.

    Raises:
        ProfileError: there is none.
    """
    found = all_profiles(directory)
    if name not in found:
        there = f"there are {', '.join(found)}; " if found else ""
        sign_in = shell_quoting.command("login", "--profile", name)
        raise ProfileError(f"there is no profile {name}; {there}sign in: `{sign_in}`")
    return found[name]


def production(directory: Path) -> frozenset[str]:
    """The ids of the projects that are marked as production, whoever's key works in them.

    Raises:
        ProfileError: the file is open to other accounts, or malformed.
    """
    return frozenset(one.project_id for one in all_profiles(directory).values() if one.production)


def mark(directory: Path, project_id: str, *, production: bool) -> None:
    """Mark the project, or lift its mark, in each profile that has it.

    Raises:
        ProfileError: the file cannot be written.
    """
    found = {
        name: replace(one, production=production) if one.project_id == project_id else one
        for name, one in all_profiles(directory).items()
    }
    _write(directory, found)


def keep(directory: Path, name: str, profile: Profile | None) -> None:
    """Write the profile down, or with None forget it.

    Raises:
        ProfileError: the file cannot be written.
    """
    found = {**all_profiles(directory)}
    if profile is None:
        found.pop(name, None)
    else:
        found[name] = profile
    _write(directory, found)


def _write(directory: Path, found: Mapping[str, Profile]) -> None:
    tables = [
        "\n".join(
            [f"[{json.dumps(one)}]", *(f"{k} = {json.dumps(v)}" for k, v in asdict(said).items())]
        )
        for one, said in found.items()
    ]
    text = "# Made by descope-mcp login. The keys are not in here.\n\n" + "\n\n".join(tables) + "\n"
    try:
        private_files.private_directory(directory)
        private_files.replace(directory / _FILE, text.encode())
    except StoreError as error:
        raise ProfileError(str(error)) from None

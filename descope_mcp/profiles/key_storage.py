"""Where the management key of a profile is: in the system's keyring, or in a private file.

A keyring is asked for by the library `keyring`, which is loaded only where a profile is used. What
it offers where there is none (its backends that fail, or keep nothing) is none, and a backend that
keeps keys in a plain file is none either.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from descope_mcp.guard.question import shell_quoting
from descope_mcp.profiles.errors import ProfileError
from descope_mcp.store import private_files
from descope_mcp.store.errors import StoreError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_SERVICE = "descope-mcp"
#: Backends that keep nothing, or keep it where anybody of this account's programs reads it.
_NONE = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt.file")


def keep(directory: Path, name: str, key: str, *, in_file: bool) -> Literal["keyring", "file"]:
    """Keep the key in the keyring, or where there is none in a file; which.

    Args:
        directory: where the files of profiles are.
        name: the profile.
        key: the management key.
        in_file: leave the keyring alone.

    Raises:
        ProfileError: neither takes it.
    """
    backend = None if in_file else _backend()
    if backend is None:
        try:
            private_files.private_directory(directory)
            private_files.replace(_file(directory, name), f"{key}\n".encode())
        except StoreError as error:
            raise ProfileError(str(error)) from None
        return "file"
    try:
        backend.set_password(_SERVICE, name, key)
    except Exception as error:  # noqa: BLE001 - every backend has errors of its own
        raise ProfileError(
            f"the keyring did not take the key ({type(error).__name__}); unlock it, or keep the "
            "key in a file that only you can read: `descope-mcp login --key-file`"
        ) from None
    # An older one in a file would outlive it.
    _file(directory, name).unlink(missing_ok=True)
    return "keyring"


def read(directory: Path, name: str, place: Literal["keyring", "file"]) -> str:
    """The key of a profile.

    Raises:
        ProfileError: it is not there, or the place cannot be opened.
    """
    again = f"sign in again: `{shell_quoting.command('login', '--profile', name)}`"
    if place == "file":
        path = _file(directory, name)
        if not path.exists():
            raise ProfileError(f"the key of the profile {name} is not in {path} any more; {again}")
        try:
            return private_files.read_private(path).decode().strip()
        except (StoreError, ValueError) as error:
            raise ProfileError(f"the key of the profile {name}: {error}") from None
    backend = _backend()
    if backend is None:
        raise ProfileError(
            f"the key of the profile {name} is in a keyring, and there is none here (a session "
            f"without a desktop?); set DESCOPE_MANAGEMENT_KEY, or {again}"
        )
    try:
        key = backend.get_password(_SERVICE, name)
    except Exception as error:  # noqa: BLE001 - every backend has errors of its own
        raise ProfileError(
            f"the keyring with the key of the profile {name} cannot be opened "
            f"({type(error).__name__}); unlock it"
        ) from None
    if not key:
        raise ProfileError(f"the keyring has no key of the profile {name} any more; {again}")
    return key


def forget(directory: Path, name: str, place: Literal["keyring", "file"]) -> None:
    """Delete the key from one place; one that is gone already is no fault.

    Raises:
        ProfileError: it is there still, or nobody can see whether it is.
    """
    if place == "file":
        _file(directory, name).unlink(missing_ok=True)
        return
    backend = _backend()
    if backend is None:
        raise ProfileError(
            f"a key of the profile {name} is in a keyring, and there is none here (a session "
            "without a desktop?); sign out where the keyring is: "
            f"`{shell_quoting.command('logout', '--profile', name)}`"
        )
    refused = ""
    try:
        backend.delete_password(_SERVICE, name)
    except Exception as error:  # noqa: BLE001 - every backend has errors of its own
        refused = f" ({type(error).__name__})"
    # Some say of a refusal what they say of a key that is not there; so the keyring is asked.
    try:
        there = bool(backend.get_password(_SERVICE, name))
    except Exception:  # noqa: BLE001 - the same
        there = True
    if there:
        raise ProfileError(
            f"the keyring does not let go of the key of the profile {name}{refused}; unlock it, "
            f"or delete what it keeps for {_SERVICE} there"
        )


def _backend() -> KeyringBackend | None:
    _find_session_bus()
    import keyring

    found = keyring.get_keyring()
    chosen = getattr(found, "backends", [found])
    usable = [b for b in chosen if not type(b).__module__.startswith(_NONE)]
    return found if usable else None


def _find_session_bus() -> None:
    """Name the bus on which a desktop's keyring is; clients start servers without its variable."""
    getuid = getattr(os, "getuid", None)
    if getuid is None or "DBUS_SESSION_BUS_ADDRESS" in os.environ:
        return
    socket = Path(f"/run/user/{getuid()}/bus")
    if socket.exists():
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={socket}"


def _file(directory: Path, name: str) -> Path:
    return directory / f"{name}.key"

"""The key of the store: it seals what is secret and signs what must not be changed.

It lies apart from the data, so that a copy of the data alone opens nothing. Several keys are
derived from the one in the file (HKDF, RFC 5869), since one key should not serve two purposes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from descope_mcp.store.errors import StoreError
from descope_mcp.store.private_files import appear, read_private

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

LENGTH = 32
#: The second line of a key file that never was without a witness beside it (`integrity.witness`).
_WITNESSED = b"witnessed"
_ALPHABET = str.maketrans("-_", "+/")
#: What a key looks like.
EXPECTED = "32 bytes in base 64 (openssl rand -base64 32)"


@dataclass(frozen=True)
class Key:
    """The key, never shown.

    ``witnessed`` says that a witness was made together with it: one that is missing was removed.
    """

    material: bytes
    witnessed: bool = False

    def __repr__(self) -> str:
        return "Key(...)"

    @cached_property
    def _fernet(self) -> Fernet:
        from cryptography.fernet import Fernet

        return Fernet(base64.urlsafe_b64encode(self.derived(b"seal")))

    @cached_property
    def _signing(self) -> bytes:
        return self.derived(b"sign")

    @cached_property
    def _rows(self) -> bytes:
        return self.derived(b"rows")

    def derived(self, purpose: bytes) -> bytes:
        """A key of its own for one purpose."""
        extracted = hmac.digest(b"descope-mcp", self.material, "sha256")
        return hmac.digest(extracted, purpose + b"\x01", "sha256")

    def seal(self, value: str) -> str:
        """`value`, encrypted and authenticated (Fernet)."""
        return self._fernet.encrypt(value.encode(errors="surrogatepass")).decode()

    def unseal(self, sealed: str) -> str:
        """What was sealed.

        Raises:
            StoreError: it was sealed with another key, or changed.
        """
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(sealed.encode()).decode(errors="surrogatepass")
        except InvalidToken:
            message = "a sealed value does not open: it was changed, or the key file was replaced"
            raise StoreError(message) from None

    def sign(self, text: str) -> str:
        """The HMAC-SHA256 of `text` in hexadecimal, for entries of the journal and handles."""
        return hmac.new(
            self._signing, text.encode(errors="surrogatepass"), hashlib.sha256
        ).hexdigest()

    def sign_row(self, text: str) -> str:
        """The same for rows of the store, with a key of its own.

        What a stranger may have signed in the journal (the name of a target) is no row.
        """
        return hmac.digest(self._rows, text.encode(errors="surrogatepass"), "sha256").hex()

    @cached_property
    def id(self) -> str:
        """What tells this key from others; it gives nothing away."""
        return self.sign_row("id")[:16]


def made(path: Path) -> Key:
    """The key in the file, made if there is none, readable by its owner only.

    Raises:
        StoreError: the file cannot be made or read, or is no key.
    """
    # Of several processes that start at once one makes the file.
    appear(path, written(os.urandom(LENGTH)))
    return read(path)


def read(path: Path) -> Key:
    """The key in the file.

    Raises:
        StoreError: the file cannot be read, or is no key.
    """
    try:
        first, _, second = read_private(path).strip().partition(b"\n")
    except OSError as error:
        raise StoreError(f"the key file {path} cannot be used: {error}") from None
    material = decoded(first.decode("ascii", errors="replace"))
    if material is None:
        raise StoreError(f"the key file {path} holds no key; restore it from a copy")
    return Key(material, second.strip() == _WITNESSED)


def decoded(text: str) -> bytes | None:
    """The bytes of a key in base 64, of either alphabet; None if it is none."""
    try:
        material = base64.b64decode(text.strip().translate(_ALPHABET), validate=True)
    except ValueError:
        return None
    return material if len(material) == LENGTH else None


def successor(path: Path) -> Path:
    """Where the next key lies, until it takes the place of the one at `path`."""
    return path.with_name(f"{path.name}.next")


def written(material: bytes) -> bytes:
    """The content of a key file."""
    return base64.urlsafe_b64encode(material) + b"\n" + _WITNESSED + b"\n"

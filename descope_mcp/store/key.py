"""The key of the store: it seals what is secret and signs what must not be changed.

It lies apart from the data, so that a copy of the data alone opens nothing. Two keys are derived
from the one in the file (HKDF, RFC 5869), since one key should not serve two purposes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import uuid
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from descope_mcp.store.errors import StoreError
from descope_mcp.store.private_files import private_directory, read_private

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

_LENGTH = 32


@dataclass(frozen=True)
class Key:
    """What the key file holds, never shown."""

    material: bytes

    def __repr__(self) -> str:
        return "Key(...)"

    @cached_property
    def _fernet(self) -> Fernet:
        from cryptography.fernet import Fernet

        return Fernet(base64.urlsafe_b64encode(self._derived(b"seal")))

    @cached_property
    def _signing(self) -> bytes:
        return self._derived(b"sign")

    def _derived(self, purpose: bytes) -> bytes:
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
        """The HMAC-SHA256 of `text` in hexadecimal."""
        return hmac.new(
            self._signing, text.encode(errors="surrogatepass"), hashlib.sha256
        ).hexdigest()


def load(path: Path) -> Key:
    """The key in the file, made at first use, readable by its owner only.

    Raises:
        StoreError: the file cannot be made or read, or is no key.
    """
    private_directory(path.parent)
    try:
        # Of several processes that start at once one makes the file; the link makes it appear
        # whole.
        if not path.exists():
            made = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
            descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.urlsafe_b64encode(os.urandom(_LENGTH)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(made, path)
            except FileExistsError:
                pass
            finally:
                made.unlink()
        material = base64.urlsafe_b64decode(read_private(path).strip())
    except (OSError, ValueError) as error:
        raise StoreError(f"the key file {path} cannot be used: {error}") from None
    if len(material) != _LENGTH:
        raise StoreError(f"the key file {path} holds no key; restore it from a copy")
    return Key(material)

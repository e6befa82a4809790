"""The journal for somebody who has not the key: a file that a public key proves.

Each line is one entry of the chain, with a digest over itself and the digest of the line before
(SHA-256). The last line signs the digest of the newest entry and that of the whole file (Ed25519),
so that no line can be changed, added, taken out or left out at the end. Targets are personal data
that the journal forgets: the signature covers them, the digests of entries do not, so that an
export made later goes on where an earlier one ended.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from descope_mcp.store.journal.hash_chain import ACCEPTED, canonical
from descope_mcp.store.store import Store
from descope_mcp.store.tables import journal

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

#: What the digest of an entry does not cover.
_APART = ("digest", "target", "details")
#: What of an entry's body only the store's key can check.
_KEYED = ("target", "details", "undo")


class NotProven(Exception):
    """A file is not what was exported; the message says where."""


@dataclass(frozen=True, slots=True)
class Proven:
    """What a file proves: so many entries, up to `newest`.

    ``selection`` says that some were left out on purpose; ``accepted`` names the entries that were
    missing from the journal itself when a person accepted that.
    """

    entries: int
    newest: str
    at: float
    selection: bool
    accepted: tuple[str, ...]


def lines(
    store: Store,
    chosen: Callable[[Mapping[str, Any]], bool] | None = None,
    details: Callable[[str], Any] | None = None,
) -> Iterator[str]:
    """The lines of an export, oldest entry first, the signature last.

    Args:
        store: whose journal.
        chosen: which entries to print; None for all.
        details: what a call said and found, by its id; None to leave that out.

    Raises:
        StoreError: the journal cannot be read.
    """
    with store.begin() as connection:
        rows = connection.execute(select(journal).order_by(journal.c.seq)).all()
    digest, file, count = "", hashlib.sha256(), 0
    for row in rows:
        entry = {name: value for name, value in row._mapping.items() if name != "hash"}
        body = {k: v for k, v in json.loads(row.body).items() if k not in _KEYED}
        entry |= {"body": body, "target": name(row.target), "before": digest}
        digest = entry["digest"] = _digest(entry)
        if chosen is not None and not chosen(entry):
            continue
        if details is not None and row.kind == "intent":
            entry["details"] = details(row.call)
        line = json.dumps(entry)
        file.update(f"{line}\n".encode())
        count += 1
        yield line
    end = {
        "journal": "descope-mcp 1",
        "entries": count,
        "selection": chosen is not None,
        "newest": digest,
        "file": file.hexdigest(),
        "at": time.time(),
    }
    signature = _private(store).sign(canonical(end).encode())
    yield json.dumps({**end, "signature": base64.b64encode(signature).decode()})


def public_key(store: Store) -> str:
    """What proves the exports of this store, in PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = _private(store).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def verify(file: Iterable[str], pem: bytes) -> Proven:
    """Prove a file by a public key. Neither a store nor its key is needed.

    Raises:
        NotProven: something in it is not as it was exported.
    """
    *rows, last = [line.rstrip("\n") for line in file] or [""]
    end = _signed(last, pem)
    digest = hashlib.sha256("".join(f"{line}\n" for line in rows).encode()).hexdigest()
    if digest != end["file"] or len(rows) != end["entries"]:
        raise NotProven("lines were changed, added or taken out")
    before, seq, accepted = "", 0, []
    for line in rows:
        entry = json.loads(line)
        if entry["digest"] != _digest(entry):
            raise NotProven(f"entry {entry['seq']} is not the one that its digest is of")
        if not end["selection"]:
            if entry["before"] != before:
                raise NotProven(f"entry {entry['seq']} does not follow the one before it")
            if entry["seq"] != seq + 1:
                gap = f"entries {seq + 1} to {entry['seq'] - 1}"
                if entry["kind"] != ACCEPTED:
                    raise NotProven(f"{gap} are missing")
                accepted.append(gap)
        before, seq = entry["digest"], entry["seq"]
    if not end["selection"] and before != end["newest"]:
        raise NotProven("the newest entry is not the last one")
    return Proven(len(rows), end["newest"], end["at"], end["selection"], tuple(accepted))


def _signed(line: str, pem: bytes) -> dict[str, Any]:
    """The last line, if the key signed it."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem)
    except ValueError:
        raise NotProven("the public key cannot be read") from None
    if not isinstance(key, Ed25519PublicKey):
        raise NotProven("the public key is not an Ed25519 key")
    try:
        end: dict[str, Any] = json.loads(line)
        signature = base64.b64decode(end.pop("signature"))
        key.verify(signature, canonical(end).encode())
    except InvalidSignature:
        raise NotProven("the signature is not of this key, or the last line was changed") from None
    except (ValueError, KeyError, AttributeError, TypeError):
        raise NotProven(
            "the last line is not a signature; the file may have been cut off"
        ) from None
    return end


def _digest(entry: Mapping[str, Any]) -> str:
    covered = {name: value for name, value in entry.items() if name not in _APART}
    return hashlib.sha256(canonical(covered).encode()).hexdigest()


def name(target: str) -> str:
    """A target without the quotes in which a person is shown it."""
    try:
        plain = json.loads(target)
    except ValueError:
        return target
    return plain if isinstance(plain, str) else target


def _private(store: Store) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(store.key.derived(b"export"))
